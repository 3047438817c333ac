// Disputes: cases on which readers disagree or are unsure; a lead looks at what each said and has the last word.

import { api, type Which } from "./api";
import { attend } from "./attention";
import { Board } from "./board";
import { now, ReadingClock } from "./clock";
import type { Draft } from "./db";
import { h, heading, refill } from "./dom";
import { DraftKeeper } from "./draft";
import { CLASS, closing, DRAWING, LOOKING, press, type Easel, type Key } from "./keys";
import { drawShape } from "./overlay";
import { control } from "./panel";
import { Pointers } from "./pointers";
import { newKey } from "./outbox";
import type { Phase } from "./reading";
import type { Dispute, DisputedCase } from "./records";
import { colorOf, Ruling, saidWords } from "./ruling";
import type { Screen } from "./screen";
import { ownerOf, type Session } from "./session";
import type { Shape } from "./shapes";
import { Toolbar } from "./toolbar";
import { Drawing } from "./tools/drawing";
import { DARK, Viewer } from "./viewer";

const KEYS: readonly Key<Disputes>[] = [
  CLASS,
  { keys: ["Enter"], shown: "Enter", words: "Close an open polygon, else settle", group: "Answer", run: closing((disputes) => disputes.settle(false)) },
  { keys: ["x"], shown: "X", words: "Bad image", group: "Answer", run: (disputes) => void disputes.settle(true) },
  ...DRAWING, ...LOOKING,
];

export function disputesScreen(session: Session): Screen {
  const made = new Disputes(session);
  return { element: made.element, open: () => made.start(), close: () => made.stop(), keys: KEYS };
}

export class Disputes implements Easel {
  readonly board = new Board(() => this.drawn());
  readonly drawing = new Drawing(this.board, () => this.drawn());
  readonly viewer = new Viewer((context, view, frame) => {
    this.open?.answers.forEach((one, i) => {
      if (!this.hidden.has(one.reader)) for (const shape of one.shapes?.shapes ?? []) drawShape(context, view, frame, shape, colorOf(i));
    });
    this.drawing.paint(context, view, frame);
  }, () => this.update());
  readonly element: HTMLElement;
  phase: Phase = "loading";
  message = "";
  open: DisputedCase | null = null;
  label: string | null = null;
  /** Readers whose regions are not shown. */
  readonly hidden = new Set<string>();
  private disputes: readonly Dispute[] = [];
  private instead = ""; // what is said in the place of an image
  private turn = 0; // grows with every other case, and when the screen is left
  clock: ReadingClock | null = null;
  private ignore = (): void => undefined;
  readonly draft = new DraftKeeper(() => this.half());
  private readonly pointers = new Pointers(this.viewer, this.drawing, () => undefined);
  private readonly list = h("ul", { class: "dispute-list", test: "dispute-list" });
  private readonly cover = h("div", { class: "cover", role: "status", test: "no-disputes" });
  private readonly toolbar: Toolbar;
  private readonly ruling: Ruling;

  constructor(readonly session: Session) {
    this.toolbar = new Toolbar(this);
    this.toolbar.element.setAttribute("aria-orientation", "horizontal");
    this.ruling = new Ruling(this);
    const image = h("div", { class: "picture" }, this.viewer.element, this.cover);
    this.element = h("div", { class: "reading disputes", test: "screen-disputes" },
      h("nav", { class: "cases", "aria-label": "Disputed cases" }, heading("To settle"), this.list),
      h("main", { class: "stage", "aria-label": "Image" }, this.toolbar.element, image), this.ruling.element);
  }

  get tools(): readonly string[] {
    return this.session.project.tools;
  }

  start(): void {
    this.ignore = attend(this, (event) => press(this, KEYS, event) && this.update(), "pointermove");
    this.update();
    void this.load();
  }

  stop(): void {
    this.turn += 1;
    this.ignore();
    void this.draft.keep();
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
    this.offer();
    const first = this.disputes[0];
    if (first) return this.show(first.sample);
    this.open = null;
    this.viewer.close();
    this.say("Nothing to settle.");
  }

  /** The cases that can be chosen. */
  private offer(): void {
    refill(this.list, ...this.disputes.map((one, i) => h("li", {}, control({
      class: "quiet", test: `dispute-${one.sample}`, onclick: () => this.phase !== "saving" && void this.show(one.sample),
    }, `Case ${i + 1}`, h("span", { class: "faint" }, one.answers.map(saidWords).join(" / "))))));
  }

  private say(words: string): void {
    this.instead = words;
    this.update();
  }

  private async show(sample: string): Promise<void> {
    const turn = (this.turn += 1);
    await this.draft.keep();
    Object.assign(this, { phase: "loading", message: "", clock: null });
    try {
      const [open, draft] = await Promise.all([api.dispute(sample), this.draft.found(this.draftId(sample))]);
      if (turn !== this.turn) return; // the screen was left, or another case chosen
      this.drawing.lift();
      this.hidden.clear();
      Object.assign(this, { open, label: draft?.label ?? null });
      this.board.open(open.width, open.height, draft?.shapes ?? []);
      if (draft?.corners.length) this.drawing.resume(draft.corners);
      this.say("");
      const which: Which[] = open.pair ? ["prior", "current"] : ["current"];
      // Only the disputed slice can be asked for here.
      await this.viewer.open(`dispute/${sample}`, { ...open, slices: 1, key_slice: 0 }, which, (_, one) => api.disputedPixels(sample, one));
      if (turn !== this.turn) return;
      this.clock = new ReadingClock(this.session.project.idle_seconds, now(), draft?.seconds ?? 0);
      this.phase = "reading";
      this.update();
    } catch (error) {
      if (turn === this.turn) this.say((error as Error).message);
    }
  }

  choose(label: string): void {
    if (this.phase !== "reading") return;
    Object.assign(this, { label, message: "" });
    this.drawn();
  }

  /** Go on with regions that others have drawn. */
  take(shapes: readonly Shape[]): void {
    if (this.phase === "reading") this.board.commit([...shapes], null);
  }

  /** Show or hide what a reader drew. */
  toggle(reader: string): void {
    if (!this.hidden.delete(reader)) this.hidden.add(reader);
    this.viewer.redraw();
    this.update();
  }

  async settle(bad: boolean): Promise<void> {
    const { open, board, label, turn } = this;
    if (!open || this.phase !== "reading" || this.viewer.dark) return;
    this.drawing.finish();
    if (!bad && label === null) return this.tell("reading", "Choose a class first.");
    const shapes = { version: 1, width: open.width, height: open.height, shapes: board.shapes };
    this.tell("saving", "");
    try {
      await api.settle(open.sample, { class: bad ? null : label, bad, shapes: !bad && this.tools.length > 0 ? shapes : null, seconds: this.seconds, key: newKey() });
    } catch (error) {
      return this.tell("reading", `Not saved. ${(error as Error).message}`);
    }
    this.phase = "loading"; // so that nothing is kept of it any more
    await this.draft.drop(this.draftId(open.sample));
    if (turn === this.turn) await this.load();
  }

  private tell(phase: Phase, message: string): void {
    Object.assign(this, { phase, message });
    this.update();
  }

  private get seconds(): number {
    return Math.round((this.clock?.seconds(now()) ?? 0) * 10) / 10;
  }

  private draftId(sample: string): string {
    return `${ownerOf(this.session)}/dispute/${sample}`;
  }

  private half(): Draft | null {
    const { open, phase, label, board, seconds } = this;
    if (!open || (phase !== "reading" && phase !== "saving")) return null;
    return { id: this.draftId(open.sample), shapes: board.shapes, corners: this.drawing.polygon.points, label, seconds, at: Date.now() };
  }

  private drawn(): void {
    this.viewer.redraw();
    this.update();
    if (this.phase === "reading") this.draft.later();
  }

  private update(): void {
    const { board, phase, open, viewer } = this;
    const words = viewer.dark ? DARK : this.instead;
    this.cover.hidden = words === "";
    this.cover.textContent = words;
    this.pointers.attach();
    this.pointers.locked = phase !== "reading";
    Object.assign(viewer.element.dataset, { tool: phase === "reading" ? board.tool : "move", phase });
    this.disputes.forEach((one, i) => this.list.children[i]?.firstElementChild?.setAttribute("aria-pressed", String(one.sample === open?.sample)));
    this.toolbar.element.hidden = open === null;
    this.toolbar.update();
    this.ruling.update();
  }
}
