// Reading: one case after another; what happens between opening a case and its answer being safe.

import { Ahead } from "./ahead";
import { api, apiErrorOf, type AnswerBody, type Which } from "./api";
import { Board, type ToolName } from "./board";
import { now, ReadingClock } from "./clock";
import { drafts, type Draft } from "./db";
import { DraftKeeper } from "./draft";
import { colored, drawShape, layOver, READ } from "./overlay";
import { newKey, type Outbox } from "./outbox";
import { opinionWords, type Case, type Verdict } from "./records";
import { ownerOf, type Session } from "./session";
import { Drawing } from "./tools/drawing";
import { Viewer } from "./viewer";

export type Phase = "loading" | "reading" | "saving" | "answered" | "done";

const RETRY_PAUSE = 2_000; // milliseconds

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Reading {
  readonly board = new Board(() => this.drawn());
  readonly drawing = new Drawing(this.board, () => this.drawn());
  readonly viewer = new Viewer((context, view, frame) => {
    const { shown, onKey } = this.viewer;
    if (onKey && this.map && this.mapShown) layOver(context, view, frame, this.map, true);
    const { neighbor } = this.open ?? {};
    if (onKey) this.drawing.paint(context, view, frame);
    else if (shown === neighbor?.slice) for (const shape of neighbor.shapes.shapes) drawShape(context, view, frame, shape, READ);
  }, () => this.changed());
  phase: Phase = "loading";
  message = "";
  open: Case | null = null;
  label: string | null = null;
  map: HTMLCanvasElement | null = null;
  mapShown = false;
  difference = false;
  /** What this reader has done today. */
  today = { cases: 0, seconds: 0 };
  private readonly ahead = new Ahead();
  private busy = false; // with going back, or with another set of pictures
  clock: ReadingClock | null = null;
  private steps = 0;
  readonly draft = new DraftKeeper(() => this.half());
  private renewTimer = 0;
  private turn = 0;
  private asked = ""; // the case of which the reader was asked whether there is nothing to outline
  private readonly bare = new Set<string>(); // classes of which the reader has said so

  constructor(readonly session: Session, readonly outbox: Outbox, private readonly changed: () => void) {
    void drafts.tidy(Date.now()).catch(() => undefined);
  }

  get tools(): readonly string[] {
    return this.session.project.tools;
  }

  get which(): Which[] {
    if (!this.open?.pair) return ["current"];
    return this.difference ? ["prior", "current", "difference"] : ["prior", "current"];
  }

  get canCopy(): boolean {
    return this.phase === "reading" && Boolean(this.open?.neighbor);
  }

  /** Leave the screen; what is drawn by half is kept. */
  stop(): void {
    this.turn += 1;
    void this.draft.keep();
    window.clearInterval(this.renewTimer);
    this.viewer.close();
    this.open = null;
  }

  /** The next case, as soon as everything before it is safe. */
  async next(): Promise<void> {
    const turn = this.begin();
    await this.outbox.settled();
    const found = await this.insisted(turn, () => api.next());
    if (!found || turn !== this.turn) return;
    if (found.done) {
      this.viewer.close();
      this.tell("done", found.message);
    } else await this.show(found, turn);
  }

  /** The case before, to correct it; once more for the one before that. */
  async back(): Promise<void> {
    if (this.phase === "loading" || this.phase === "saving" || this.busy) return;
    this.busy = true;
    const steps = this.open?.previous && this.phase === "reading" ? this.steps + 1 : 0;
    await this.draft.keep();
    const { turn, open } = this;
    try {
      const samples = [...new Set((await api.history(100)).map((one) => one.sample))];
      const sample = samples[steps];
      if (!sample) return this.tell(this.phase, "There is no earlier case of yours.");
      const found = await api.reopen(sample);
      if (turn !== this.turn || open !== this.open) return;
      this.steps = steps;
      await this.show(found, this.begin());
    } catch (error) {
      this.tell(this.phase, (error as Error).message);
    } finally {
      this.busy = false;
    }
  }

  /** Leave a corrected case as it was. */
  async leave(): Promise<void> {
    const { open } = this;
    if (!open?.previous || this.phase !== "reading") return;
    await this.draft.drop(this.draftId(open.sample));
    await api.release(open.case).catch(() => undefined);
    await this.next();
  }

  private begin(): number {
    this.turn += 1;
    this.draft.pause();
    window.clearInterval(this.renewTimer);
    Object.assign(this, { open: null, label: null, map: null, mapShown: false, clock: null });
    this.tell("loading", "");
    return this.turn;
  }

  private tell(phase: Phase, message: string): void {
    Object.assign(this, { phase, message });
    this.changed();
  }

  /** Ask until there is an answer; null if the reader has gone elsewhere. */
  private async insisted<T>(turn: number, ask: () => Promise<T>): Promise<T | null> {
    while (turn === this.turn) {
      try {
        return await ask();
      } catch (error) {
        if (turn !== this.turn) return null;
        const known = apiErrorOf(error);
        if (known?.code === "unreadable" || known?.code === "not_yours") throw known;
        const message = known?.message ?? (error as Error).message;
        if (!known?.passing) return this.tell("done", message), null;
        this.tell("loading", `${message} Trying again.`);
        await pause(RETRY_PAUSE);
      }
    }
    return null;
  }

  private async show(found: Case, turn: number): Promise<void> {
    const draft = await this.draft.found(this.draftId(found.sample));
    const { previous } = found;
    this.label = draft ? draft.label : (previous?.class ?? null);
    this.difference = false;
    this.drawing.lift();
    if (this.board.tool === "eraser") this.drawing.take((this.tools[0] as ToolName | undefined) ?? "move");
    this.open = found;
    this.today = { cases: found.labels_today, seconds: found.seconds_today };
    this.board.open(found.width, found.height, draft?.shapes ?? previous?.shapes?.shapes ?? []);
    if (draft?.corners.length) this.drawing.resume(draft.corners);
    try {
      const seen = await this.insisted(turn, async () => (await this.viewer.open(found.case, found, this.which, this.fetch(found)), true));
      if (!seen || turn !== this.turn) return;
    } catch {
      return this.next(); // the server has put the image aside, or given it to somebody else
    }
    this.clock = new ReadingClock(this.session.project.idle_seconds, now(), draft?.seconds ?? 0);
    this.renewTimer = window.setInterval(() => void this.renew(), (this.session.project.lease_seconds / 3) * 1000);
    this.tell("reading", "");
    const assisted = this.session.project.reading === "assisted";
    if (found.map && (await this.consult(found, turn, assisted))) this.changed();
    if (turn === this.turn) void this.ahead.look(found.case, this.which);
  }

  private fetch(found: Case) {
    return async (slice: number, which: Which) =>
      (slice === found.key_slice && this.ahead.picture(found.sample, which)) || api.pixels(found.case, slice, which);
  }

  /** Show or hide the difference of a pair beside its two pictures. */
  async toggleDifference(): Promise<void> {
    const { open } = this;
    if (!open?.pair || this.busy) return;
    this.busy = true;
    try {
      this.difference = !this.difference;
      await this.viewer.choose(this.which, open.case, this.fetch(open));
    } catch (error) {
      if (open !== this.open) return;
      this.difference = !this.difference;
      await this.viewer.choose(this.which, open.case, this.fetch(open)); // as it was, which is here already
      this.tell(this.phase, apiErrorOf(error)?.message ?? "The difference cannot be shown just now.");
    } finally {
      this.busy = false;
      this.changed();
    }
  }

  private async renew(): Promise<void> {
    const { open, turn } = this;
    if (!open || this.phase !== "reading" || document.hidden) return;
    const { kept } = await api.renew(open.case).catch(() => ({ kept: true }));
    if (kept || turn !== this.turn || this.phase !== "reading") return;
    window.clearInterval(this.renewTimer);
    this.tell("reading", "This case was open for very long, and another reader may have it too. Your answer is kept all the same.");
  }

  /** What the model says of a case, with its map; empty if it says nothing yet. */
  private async consult(found: Case, turn: number, shown: boolean): Promise<string> {
    try {
      const said = await api.opinion(found.case);
      if (!said.maps.includes("cam")) return "";
      const map = await api.map(found.case);
      if (turn !== this.turn) return "";
      Object.assign(this, { map: colored(map), mapShown: shown });
      this.viewer.redraw();
      return opinionWords(said, this.session.project.outlines);
    } catch {
      return ""; // the model's word is no condition for reading
    } finally {
      this.changed();
    }
  }

  toggleMap(): void {
    if (!this.map) return;
    this.mapShown = !this.mapShown;
    this.viewer.redraw();
    this.changed();
  }

  choose(label: string): void {
    if (this.phase !== "reading") return;
    this.label = label;
    this.message = "";
    this.drawn();
  }

  /** Copy what was drawn on the nearest slice. */
  copyNeighbor(): void {
    const { neighbor } = this.open ?? {};
    if (neighbor && this.canCopy) this.board.add(...neighbor.shapes.shapes);
  }

  /** Say what the case is, and go on when that is safe. */
  async answer(verdict: Verdict): Promise<void> {
    const { open } = this;
    if (this.phase === "answered" || this.phase === "done") return this.next();
    if (!open || this.phase !== "reading" || this.viewer.dark) return;
    this.drawing.finish();
    if (verdict === "labeled" && this.label === null) return this.tell("reading", "Choose a class first.");
    if (verdict === "labeled" && this.forgotten(open)) return this.tell("reading", "Nothing is outlined. Save once more if there is nothing to outline.");
    const { turn } = this;
    const key = newKey();
    const body = this.bodyOf(open, verdict);
    this.tell("saving", "");
    this.draft.pause();
    try {
      await this.outbox.put({ key, case: open.case, sample: open.sample, body, at: Date.now() });
    } catch {
      return this.tell("reading", "This browser could not keep your answer: its storage is full or closed to this page.");
    }
    this.steps = 0;
    const refused = await this.outbox.outcome(key);
    if (!refused) this.today = { cases: this.today.cases + 1, seconds: this.today.seconds + body.seconds };
    if (!refused) await this.draft.drop(this.draftId(open.sample));
    if (turn !== this.turn) return;
    const blinded = this.session.project.reading === "blinded";
    const said = !refused && blinded && verdict === "labeled" ? await this.consult(open, turn, true) : "";
    if (turn !== this.turn) return;
    if (!said) return this.next();
    this.drawing.lift();
    this.tell("answered", said);
  }

  /** Whether a region may have been forgotten; nobody is asked twice for a case, or for a class that has none. */
  private forgotten(open: Case): boolean {
    if (!this.session.project.outlines || this.label === null || this.board.shapes.length > 0) return false;
    if (this.asked === open.case) this.bare.add(this.label);
    this.asked = open.case;
    return !this.bare.has(this.label);
  }

  private bodyOf(open: Case, verdict: Verdict): AnswerBody {
    const labeled = verdict === "labeled";
    const shapes = { version: 1 as const, width: open.width, height: open.height, shapes: this.board.shapes };
    return {
      verdict, class: labeled ? this.label : null, shapes: labeled && this.tools.length > 0 ? shapes : null,
      seconds: Math.round((this.clock?.seconds(now()) ?? 0) * 10) / 10,
    };
  }

  private draftId(sample: string): string {
    return `${ownerOf(this.session)}/${sample}`;
  }

  private drawn(): void {
    this.viewer.redraw();
    this.changed();
    if (this.phase === "reading") this.draft.later();
  }

  private half(): Draft | null {
    const { open, phase, board, label } = this;
    if (!open || phase !== "reading") return null;
    const seconds = this.clock?.seconds(now()) ?? 0;
    return { id: this.draftId(open.sample), shapes: board.shapes, corners: this.drawing.polygon.points, label, seconds, at: Date.now() };
  }
}
