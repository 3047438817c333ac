// Panel: the controls beside the image: class, verdict, regions, window, and why this case.

import { h, icon, refill, sentence } from "./dom";
import type { Reading } from "./reading";
import { Refusals } from "./saves";
import { described } from "./shapes";

/** A control that a mouse leaves at once, so that Enter stays the key for "save". */
export function control(attributes: Parameters<typeof h>[1], ...children: (Node | string)[]): HTMLButtonElement {
  const made = h("button", { type: "button", ...attributes }, ...children);
  made.addEventListener("click", (event) => event.detail > 0 && made.blur(), { capture: true }); // before what it does
  return made;
}

export class Panel {
  readonly element: HTMLElement;
  private readonly classes: HTMLButtonElement[];
  private readonly regions = h("ul", { class: "regions", test: "regions", "aria-label": "Regions" });
  private readonly fresh: HTMLButtonElement;
  private readonly copy: HTMLButtonElement;
  private readonly save: HTMLButtonElement;
  private readonly leave: HTMLButtonElement;
  private readonly others: HTMLButtonElement[];
  private readonly notice = h("p", { class: "notice", role: "status", test: "notice" });
  private readonly center = h("input", { type: "number", id: "window-center", test: "window-center", onchange: () => this.windowTyped() });
  private readonly width = h("input", { type: "number", id: "window-width", min: 1, test: "window-width", onchange: () => this.windowTyped() });
  private readonly preset: HTMLSelectElement;
  private readonly why = h("p", { test: "why" });
  private readonly rank = h("p", { class: "faint", test: "rank" });
  private readonly reason = h("section", { class: "why", "aria-label": "Why this case" }, h("h2", {}, "Why this case"), this.why, this.rank);
  private readonly today = h("p", { class: "today", test: "today" });
  private readonly back: HTMLButtonElement;
  private readonly refusals: Refusals;
  private listed: unknown = null;

  constructor(private readonly reading: Reading) {
    const { project } = reading.session;
    this.refusals = new Refusals(reading.outbox);
    this.classes = project.classes.map((name, i) =>
      control({ class: "class", test: `class-${name}`, "aria-pressed": "false", onclick: () => reading.choose(name) },
        h("kbd", {}, i < 9 ? String(i + 1) : ""), h("span", {}, name)));
    this.save = control({ class: "primary", test: "save", onclick: () => void reading.answer("labeled") });
    this.leave = control({ class: "wide", test: "leave", onclick: () => void reading.leave() }, "Leave it as it was");
    this.others = ([["unsure", "Unsure", "U"], ["skipped", "Skip", "S"], ["bad", "Bad image", "X"]] as const).map(([verdict, words, key]) =>
      control({ test: `verdict-${verdict}`, onclick: () => void reading.answer(verdict) }, words, h("kbd", {}, key)));
    this.back = control({ class: "small", test: "back", title: "Back to the case before, to correct it (Backspace)", onclick: () => void reading.back() }, "Back");
    this.fresh = control({ class: "small", test: "new-region", title: "The next stroke begins a region of its own (N)", onclick: () => this.begin() }, "New");
    this.copy = control({ class: "small", test: "copy-previous", onclick: () => reading.copyNeighbor() }, "Copy");
    this.preset = h("select", { id: "window-preset", test: "window-preset", "aria-label": "Window preset", onchange: () => this.presetChosen() },
      h("option", { value: "-1" }, "As first shown"), ...project.presets.map((one, i) => h("option", { value: i }, one.name)),
      h("option", { value: "other", hidden: true }, "Other"));
    this.element = this.built();
  }

  private built(): HTMLElement {
    const { tools } = this.reading;
    return h("aside", { class: "panel", "aria-label": "Answer" },
      h("section", { "aria-label": "Class" }, h("h2", {}, "Class"), h("div", { class: "classes", role: "group", "aria-label": "Class" }, ...this.classes)),
      h("section", { class: "verdicts", "aria-label": "Save" }, this.save, this.leave, h("div", { class: "row" }, ...this.others), this.notice, this.refusals.element),
      tools.length > 0 && h("section", { class: "drawn", "aria-label": "Regions" },
        h("div", { class: "head" }, h("h2", {}, "Regions"), this.fresh, this.copy), this.regions),
      h("section", { "aria-label": "Window" }, h("div", { class: "head" }, h("h2", {}, "Window"), this.preset),
        h("div", { class: "row fields" }, h("label", { for: "window-center" }, "Center"), this.center, h("label", { for: "window-width" }, "Width"), this.width)),
      this.reason,
      h("div", { class: "foot" }, this.today, this.back));
  }

  private begin(): void {
    this.reading.board.fresh = true;
    this.reading.board.choose(null);
  }

  private windowTyped(): void {
    this.reading.viewer.setWindow(Number(this.center.value), Number(this.width.value));
    (document.activeElement as HTMLElement | null)?.blur(); // so that keys are the reader's again
  }

  private presetChosen(): void {
    const { open, session, viewer } = this.reading;
    const wanted = session.project.presets[Number(this.preset.value)] ?? open?.window;
    if (wanted) viewer.setWindow(wanted.center, wanted.width);
    this.preset.blur();
  }

  /** Show what is now. */
  update(): void {
    const { reading } = this;
    const busy = reading.phase !== "reading";
    this.classes.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(reading.label === reading.session.project.classes[i]));
      button.disabled = busy;
    });
    for (const button of [...this.others, this.fresh]) button.disabled = busy;
    this.back.disabled = reading.phase === "loading" || reading.phase === "saving";
    this.updateCopy();
    this.updateSave();
    const waits = reading.phase === "saving" && reading.outbox.state === "waiting";
    const elsewhere = reading.phase === "loading" || reading.phase === "done"; // told over the image
    this.notice.textContent = elsewhere ? "" : waits ? "The network is away. Your answer is kept here and sent as soon as it is back." : reading.message;
    this.notice.classList.toggle("calm", waits || reading.phase === "answered");
    this.refusals.update();
    this.updateRegions();
    this.updateWindow();
    this.updateCase();
  }

  private updateSave(): void {
    const { phase, open, viewer } = this.reading;
    const words: string = { loading: "Loading", reading: open?.previous ? "Save the correction" : "Save and next", saving: "Saving", answered: "Next case", lost: "Next case", done: "Look again" }[phase];
    this.save.replaceChildren(words, h("kbd", {}, "Enter"));
    this.save.disabled = phase === "loading" || phase === "saving" || viewer.dark;
    this.leave.hidden = !open?.previous || phase !== "reading";
  }

  private updateCopy(): void {
    const { neighbor } = this.reading.open ?? {};
    const where = !neighbor ? "" : neighbor.slice === null ? "your last picture of this patient" : `slice ${neighbor.slice + 1}`;
    this.copy.disabled = !this.reading.canCopy;
    this.copy.textContent = neighbor?.slice == null ? "Copy" : `Copy slice ${neighbor.slice + 1}`;
    this.copy.title = where ? `Copy the regions of ${where} (C)` : "You have drawn on no other slice of this volume";
  }

  private updateRegions(): void {
    const { board, phase } = this.reading;
    const state = [board.shapes, board.selected, board.fresh, phase];
    if (JSON.stringify(state.slice(1)) === JSON.stringify((this.listed as unknown[] | null)?.slice(1)) && (this.listed as unknown[])[0] === board.shapes) return;
    this.listed = state;
    this.fresh.setAttribute("aria-pressed", String(board.fresh));
    const items = board.shapes.map((shape, i) => h("li", { class: i === board.selected ? "chosen" : "", test: `region-${i}` },
      control({ class: "quiet name", "aria-pressed": String(i === board.selected), onclick: () => board.choose(i === board.selected ? null : i) }, described(shape)),
      control({ class: "quiet", test: `delete-${i}`, "aria-label": `Remove region ${i + 1}`, disabled: phase !== "reading", onclick: () => board.replace(i, null) }, icon("trash"))));
    refill(this.regions, ...(items.length ? items : [h("li", { class: "faint" }, "None drawn")]));
  }

  private updateWindow(): void {
    const { window, facts } = this.reading.viewer;
    if (!facts) return;
    if (document.activeElement !== this.center) this.center.value = String(Math.round(window.center));
    if (document.activeElement !== this.width) this.width.value = String(Math.round(window.width));
    const same = (one: { center: number; width: number } | undefined): boolean => one?.center === window.center && one.width === window.width;
    const index = this.reading.session.project.presets.findIndex(same);
    this.preset.value = same(facts.window) ? "-1" : index >= 0 ? String(index) : "other";
  }

  private updateCase(): void {
    const { open } = this.reading;
    this.why.textContent = open ? (open.previous ? "You are correcting an answer of yours." : sentence(open.why)) : "";
    this.rank.textContent = open?.rank ? `Number ${open.rank} of ${open.of} in this round, chosen by ${open.strategy.replaceAll("_", " ")}` : "";
    this.reason.hidden = !open;
    const { cases, seconds } = this.reading.today;
    const each = cases > 0 ? ` · ${Math.round(seconds / cases)} s each` : "";
    this.today.textContent = `Today: ${cases} ${cases === 1 ? "case" : "cases"}${each}`;
  }
}
