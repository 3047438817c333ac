// Dom: elements by function calls; text is always text, never markup.

type Child = Node | string | null | undefined | false;
type Handler = (event: never) => void;
type Attributes = Record<string, string | number | boolean | null | undefined | Handler>;

/** An element; keys beginning with `on` are listeners, `test` is its name for tests. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) attach(made, name, value);
  made.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return made;
}

function attach(made: Element, name: string, value: Attributes[string]): void {
  if (typeof value === "function") made.addEventListener(name.slice(2), value as EventListener);
  else if (value === null || value === undefined || value === false) return;
  else made.setAttribute(name === "test" ? "data-testid" : name, value === true ? "" : String(value));
}

/** Words as a sentence: a capital in front and a full stop behind. */
export function sentence(words: string): string {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) || !text ? text : `${text}.`;
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
export function s(tag: string, attributes: Record<string, string | number> = {}, ...children: (Node | string)[]): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

const ICONS: Record<string, string> = {
  move: "M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5",
  box: "M4.5 6.5h15v11h-15z",
  polygon: "M12 3.5l8 6-3 10.5H7L4 9.5z",
  brush: "M20 4c-4 1.5-8.5 6-10 9.5l1.5 1.5C15 13.500 18.500 8.500 20 4zM9 14.500c-2.500 0-2 3.500-5 4.500 3 1.500 7 .5 6.500-3z",
  eraser: "M14 5l5.500 5.500-8 8H8L4.500 15zM9.500 9.500l5.500 5.500M8 19h12",
  undo: "M8 5L4 9l4 4M4 9h9.500a5 5 0 010 10H9",
  redo: "M16 5l4 4-4 4M20 9h-9.500a5 5 0 000 10H15",
  map: "M12 12m-8 0a8 8 0 1016 0 8 8 0 10-16 0M12 12m-4 0a4 4 0 108 0 4 4 0 10-8 0M12 11.500v1",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  trash: "M5 7h14M9.500 7V4.500h5V7M7 7l1 13h8l1-13M10.500 10.500v6M13.500 10.500v6",
  split: "M4 5h16v14H4zM12 5v14",
  contrast: "M12 4a8 8 0 100 16 8 8 0 100-16M12 4v16M12 8h5M12 12h8M12 16h5",
};

/** One of the page's icons; what it means is said by the control around it. */
export function icon(name: string): SVGElement {
  return s("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, s("path", { d: ICONS[name] ?? "" }));
}

/** The name of a screen, which gets the focus when the screen is opened, so that it is heard. */
export function heading(words: string, seen = true): HTMLHeadingElement {
  return h("h1", { tabindex: -1, class: seen ? null : "unseen" }, words);
}

const CONTROLS = "button, a[href], input, select, textarea";

function controls(inside: HTMLElement): HTMLElement[] {
  return [...inside.querySelectorAll<HTMLElement>(CONTROLS)].filter((one) => !one.matches(":disabled"));
}

/** Put other children into an element; a focus in it stays where it was, counted in controls. */
export function refill(parent: HTMLElement, ...children: (Node | string)[]): void {
  const held = parent.contains(document.activeElement);
  const at = held ? controls(parent).indexOf(document.activeElement as HTMLElement) : -1;
  parent.replaceChildren(...children);
  if (!held || parent === document.activeElement) return;
  const found = controls(parent);
  const next = found[Math.min(at, found.length - 1)];
  if (!next) parent.tabIndex = -1; // nothing is left to hold it but the list itself
  (next ?? parent).focus();
}

/** A dialog that closes with Escape and gives the focus back. */
export function dialog(title: string, test: string, ...children: Child[]): HTMLDialogElement {
  const close = h("button", { class: "quiet", test: `${test}-close`, onclick: () => made.close() }, "Close");
  const made = h("dialog", { test, "aria-label": title, onclose: () => made.remove() },
    h("div", { class: "dialog-head" }, h("h2", {}, title), close), ...children);
  document.body.append(made);
  made.showModal();
  return made;
}

/** What lies over the page goes with the screen it was opened from. */
export function closeDialogs(): void {
  document.querySelectorAll<HTMLDialogElement>("dialog[open]").forEach((one) => one.close());
}
