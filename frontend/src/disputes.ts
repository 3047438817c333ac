// Disputes: cases on which readers disagree; a lead looks at what each said and has the last word.

import { api, type Which } from "./api";
import { Board, type ToolName } from "./board";
import { ReadingClock } from "./clock";
import { h, icon } from "./dom";
import { drawShape } from "./overlay";
import { control } from "./panel";
import { Pointers } from "./pointers";
import { newKey } from "./outbox";
import type { Dispute, DisputedCase } from "./records";
import type { Screen } from "./screen";
import type { Session } from "./session";
import { Drawing } from "./tools/drawing";
import { Viewer } from "./viewer";

const COLORS = ["#ff9f6b", "#8fd16f", "#c79bff", "#ff8fb8", "#6bd0ff"];
const now = (): number => performance.now() / 1000;

export function disputesScreen(session: Session): Screen {
  const made = new Disputes(session);
  return { element: made.element, open: () => made.start(), close: () => made.stop() };
}

class Disputes {
  private readonly board = new Board(() => this.redrawn());
  private readonly drawing = new Drawing(this.board, () => this.redrawn());
  private readonly viewer = new Viewer((context, view, frame) => {
    this.answers.forEach((one, i) => {
      if (!this.hidden.has(one.reader)) for (const shape of one.shapes?.shapes ?? []) drawShape(context, view, frame, shape, color(i));
    });
    this.drawing.paint(context, view, frame);
  }, () => undefined);
  private readonly pointers = new Pointers(this.viewer, this.drawing, () => undefined);
  private readonly list = h("ul", { class: "dispute-list", test: "dispute-list" });
  private readonly side = h("aside", { class: "panel", "aria-label": "Ruling" });
  private readonly tools = h("div", { class: "tools row", role: "toolbar", "aria-label": "Tools" });
  private readonly empty = h("div", { class: "cover", role: "status", test: "no-disputes" });
  readonly element: HTMLElement;
  private disputes: readonly Dispute[] = [];
  private open: DisputedCase | null = null;
  private label: string | null = null;
  private turn = 0; // grows with every other case, and when the screen is left
  private settling = false;
  private hidden = new Set<string>();
  private clock: ReadingClock | null = null;
  private readonly pressed = (event: KeyboardEvent): void => this.key(event);

  constructor(private readonly session: Session) {
    const stage = h("main", { class: "stage", "aria-label": "Image" }, this.tools, this.viewer.element, this.empty);
    this.element = h("div", { class: "reading disputes", test: "screen-disputes" }, h("nav", { class: "cases", "aria-label": "Disputed cases" }, h("h2", {}, "Disputed"), this.list), stage, this.side);
  }

  private get answers(): DisputedCase["answers"] {
    return this.open?.answers ?? [];
  }

  start(): void {
    document.addEventListener("keydown", this.pressed);
    void this.load();
  }

  stop(): void {
    this.turn += 1;
    document.removeEventListener("keydown", this.pressed);
    this.viewer.close();
  }

  private async load(): Promise<void> {
    const turn = (this.turn += 1);
    try {
      const disputes = await api.disputes();
      if (turn !== this.turn) return;
      this.disputes = disputes;
    } catch (error) {
      return turn === this.turn ? this.say((error as Error).message) : undefined;
    }
    const first = this.disputes[0];
    if (first) await this.show(first.sample);
    else {
      Object.assign(this, { open: null });
      this.list.replaceChildren();
      this.viewer.close();
      this.side.replaceChildren();
      this.tools.replaceChildren();
      this.say("Readers agree on every case.");
    }
  }

  private say(words: string): void {
    this.empty.hidden = words === "";
    this.empty.textContent = words;
  }

  private async show(sample: string): Promise<void> {
    const turn = (this.turn += 1);
    try {
      const open = await api.dispute(sample);
      if (turn !== this.turn) return; // the screen was left, or another case chosen
      Object.assign(this, { open, label: null, hidden: new Set() });
      this.board.open(open.width, open.height, []);
      this.say("");
      const which: Which[] = open.pair ? ["prior", "current"] : ["current"];
      // Only the disputed slice can be asked for here.
      await this.viewer.open(`dispute/${sample}`, { ...open, slices: 1, key_slice: 0 }, which, (_, one) => api.disputedPixels(sample, one));
      if (turn !== this.turn) return;
      this.pointers.attach();
      this.clock = new ReadingClock(this.session.project.idle_seconds, now());
      this.take("move");
    } catch (error) {
      this.say((error as Error).message);
    }
  }

  private take(tool: ToolName): void {
    this.drawing.take(tool);
    this.redrawn();
  }

  private key(event: KeyboardEvent): void {
    this.clock?.active(now());
    const target = event.target as HTMLElement;
    if (document.querySelector("dialog[open]") || target.closest("input, select")) return;
    const label = this.session.project.classes[Number(event.key) - 1];
    if (label) this.choose(label);
    else if (event.key === "Escape") this.drawing.cancel();
    else if (event.key === "Enter" && !target.closest("button, a")) void this.settle(false);
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") event.shiftKey ? this.board.redo() : this.board.undo();
    else if (event.key === "Delete") this.board.remove();
  }

  private choose(label: string): void {
    this.label = label;
    this.redrawn();
  }

  private async settle(bad: boolean): Promise<void> {
    const { open, board, label, session } = this;
    if (!open || this.settling) return;
    if (this.drawing.hand?.finish()) return;
    if (!bad && label === null) return this.redrawn("Choose a class first.");
    const shapes = { version: 1, width: open.width, height: open.height, shapes: board.shapes };
    const seconds = Math.round((this.clock?.seconds(now()) ?? 0) * 10) / 10;
    this.settling = true;
    try {
      await api.settle(open.sample, { class: bad ? null : label, bad, shapes: !bad && session.project.tools.length > 0 ? shapes : null, seconds, key: newKey() });
      await this.load();
    } catch (error) {
      this.redrawn((error as Error).message);
    } finally {
      this.settling = false;
    }
  }

  private redrawn(message = ""): void {
    this.viewer.redraw();
    if (!this.open) return;
    this.list.replaceChildren(...this.disputes.map((one, i) => h("li", {}, control({
      class: "quiet", test: `dispute-${one.sample}`, "aria-pressed": String(one.sample === this.open?.sample), onclick: () => void this.show(one.sample),
    }, `Case ${i + 1}`, h("span", { class: "faint" }, one.answers.map((told) => told.class ?? told.verdict).join(" / "))))));
    this.side.replaceChildren(this.told(), this.ruling(message));
    this.tools.replaceChildren(...this.toolButtons());
    this.viewer.element.dataset["tool"] = this.board.tool;
  }

  private toolButtons(): HTMLElement[] {
    const { board, session } = this;
    const names: ToolName[] = ["move", ...session.project.tools, ...(session.project.tools.length > 0 ? ["eraser" as const] : [])];
    const words: Record<ToolName, string> = { move: "Move", box: "Box", polygon: "Polygon", brush: "Brush", eraser: "Eraser" };
    return [...names.map((name) => control({ class: "small", test: `tool-${name}`, "aria-pressed": String(board.tool === name), onclick: () => this.take(name) }, icon(name), words[name])),
      control({ class: "small", test: "undo", disabled: !board.canUndo, onclick: () => board.undo() }, icon("undo"), "Undo")];
  }

  private told(): HTMLElement {
    const shared = this.open?.consensus.shapes ?? [];
    const most = control({ class: "small", test: "use-consensus", onclick: () => this.board.commit([...shared]) }, "Use what most drew");
    return h("section", { "aria-label": "What readers said" }, h("h2", {}, "What readers said"), ...this.saidByEach(), shared.length > 0 && h("div", { class: "row" }, most));
  }

  private saidByEach(): HTMLElement[] {
    return this.answers.map((one, i) => {
      const dot = h("span", { class: "swatch", "aria-hidden": "true" });
      dot.style.background = color(i);
      const shapes = one.shapes?.shapes ?? [];
      const shown = !this.hidden.has(one.reader);
      return h("div", { class: "told", test: `said-${one.reader}` }, dot, h("span", { class: "name" }, one.reader), h("strong", {}, one.class ?? one.verdict),
        shapes.length > 0 && h("div", { class: "row" },
          control({ class: "small", test: `show-${one.reader}`, "aria-pressed": String(shown), onclick: () => this.toggle(one.reader) }, shown ? "Shown" : "Hidden"),
          control({ class: "small", test: `use-${one.reader}`, onclick: () => this.board.commit([...shapes]) }, "Use these regions")));
    });
  }

  private toggle(reader: string): void {
    if (!this.hidden.delete(reader)) this.hidden.add(reader);
    this.redrawn();
  }

  private ruling(message: string): HTMLElement {
    const { board } = this;
    return h("section", { class: "verdicts", "aria-label": "Your ruling" }, h("h2", {}, "Your ruling"),
      h("div", { class: "classes", role: "group", "aria-label": "Class" }, ...this.session.project.classes.map((name, i) =>
        control({ class: "class", test: `class-${name}`, "aria-pressed": String(this.label === name), onclick: () => this.choose(name) }, h("kbd", {}, i < 9 ? String(i + 1) : ""), h("span", {}, name)))),
      h("p", { class: "faint", test: "ruled-regions" }, board.shapes.length === 1 ? "1 region" : `${board.shapes.length} regions`),
      control({ class: "primary", test: "settle", onclick: () => void this.settle(false) }, "Settle", h("kbd", {}, "Enter")),
      control({ test: "settle-bad", onclick: () => void this.settle(true) }, "Bad image"), h("p", { class: "notice", role: "status", test: "notice" }, message));
  }
}

function color(index: number): string {
  return COLORS[index % COLORS.length] ?? "#ffffff";
}
