// Ruling: the controls beside a disputed image: what readers said, and the lead's last word.

import type { Disputes } from "./disputes";
import { h, sentence } from "./dom";
import { control } from "./panel";
import type { DisputedCase, Verdict } from "./records";

const COLORS = ["#ff9f6b", "#8fd16f", "#c79bff", "#ff8fb8", "#6bd0ff"];
const PASSED: Record<Verdict, string> = { labeled: "no class", skipped: "skipped", unsure: "unsure", bad: "bad image" };

/** The color in which a reader's regions are drawn. */
export function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? "#ffffff";
}

/** What a reader said, in a word or two. */
export function saidWords(told: DisputedCase["answers"][number]): string {
  return told.class ?? PASSED[told.verdict];
}

export class Ruling {
  readonly element: HTMLElement;
  private readonly said = h("section", { "aria-label": "What readers said" });
  private readonly ruling: HTMLElement;
  private readonly classes: HTMLButtonElement[];
  private readonly regions = h("p", { class: "faint", test: "ruled-regions" });
  private readonly notice = h("p", { class: "notice", role: "status", test: "notice" });
  private shown = new Map<string, HTMLButtonElement>();
  private listed: DisputedCase | null = null;

  constructor(private readonly disputes: Disputes) {
    const { classes } = disputes.session.project;
    this.classes = classes.map((name, i) => control({ class: "class", test: `class-${name}`, onclick: () => disputes.choose(name) },
      h("kbd", {}, i < 9 ? String(i + 1) : ""), h("span", {}, name)));
    this.ruling = h("section", { class: "verdicts", "aria-label": "Your ruling" }, h("h2", {}, "Your ruling"),
      h("div", { class: "classes", role: "group", "aria-label": "Class" }, ...this.classes), this.regions,
      control({ class: "primary", test: "settle", onclick: () => void disputes.settle(false) }, "Settle", h("kbd", {}, "Enter")),
      control({ test: "settle-bad", onclick: () => void disputes.settle(true) }, "Bad image", h("kbd", {}, "X")), this.notice);
    this.element = h("aside", { class: "panel", "aria-label": "Ruling" }, this.said, this.ruling);
  }

  /** Show what is now. */
  update(): void {
    const { open, label, board, hidden, message, session } = this.disputes;
    this.said.hidden = this.ruling.hidden = open === null;
    if (open !== this.listed) this.list(open);
    for (const [reader, button] of this.shown) {
      button.setAttribute("aria-pressed", String(!hidden.has(reader)));
      button.textContent = hidden.has(reader) ? "Hidden" : "Shown";
    }
    this.classes.forEach((button, i) => button.setAttribute("aria-pressed", String(label === session.project.classes[i])));
    const count = board.shapes.length;
    this.regions.textContent = count === 0 ? "No region drawn" : count === 1 ? "1 region drawn" : `${count} regions drawn`;
    this.regions.hidden = session.project.tools.length === 0;
    this.notice.textContent = message;
  }

  private list(open: DisputedCase | null): void {
    this.listed = open;
    this.shown = new Map();
    const most = open?.consensus.shapes ?? [];
    this.said.replaceChildren(h("h2", {}, "What readers said"), h("p", { class: "faint", test: "dispute-why" }, sentence(open?.why ?? "")), ...(open?.answers ?? []).map((one, i) => this.saidBy(one, i)),
      ...(most.length > 0 ? [h("div", { class: "row" }, control({ class: "small", test: "use-consensus", onclick: () => this.disputes.take(most) }, "Use what most drew"))] : []));
  }

  private saidBy(one: DisputedCase["answers"][number], index: number): HTMLElement {
    const { reader } = one;
    const dot = h("span", { class: "swatch", "aria-hidden": "true" });
    dot.style.background = colorOf(index);
    const shapes = one.shapes?.shapes ?? [];
    const show = control({ class: "small", test: `show-${reader}`, "aria-label": `Regions of ${reader}`, onclick: () => this.disputes.toggle(reader) }, "Shown");
    if (shapes.length > 0) this.shown.set(reader, show);
    return h("div", { class: "told", test: `said-${reader}` }, dot, h("span", { class: "name" }, reader), h("strong", {}, saidWords(one)),
      shapes.length > 0 && h("div", { class: "row" }, show,
        control({ class: "small", test: `use-${reader}`, "aria-label": `Use the regions of ${reader}`, onclick: () => this.disputes.take(shapes) }, "Use these regions")));
  }
}
