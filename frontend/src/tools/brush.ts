// Brush and eraser: pixels within half the brush's size of the way that the pointer went.

import type { Board, Hand } from "../board";
import { DRAWN, MaskPicture } from "../overlay";
import { bounds, contains, packRuns, paint, rasterize, type Point } from "../shapes";

export class BrushTool implements Hand {
  /** What is being painted, until the pointer is lifted. */
  live: MaskPicture | null = null;
  /** Where the pointer is, for the circle that shows the brush's size. */
  at: Point | null = null;
  private index: number | null = null;
  private last: Point | null = null;
  private before: readonly number[] | null = null; // runs of what is erased from

  constructor(private readonly board: Board, private readonly erases: boolean) {}

  /** Which shape is hidden, since `live` stands for it. */
  get hides(): number | null {
    return this.live ? this.index : null;
  }

  down(p: Point): void {
    const { board } = this;
    this.index = this.erases ? this.erased(p) : board.paintedIndex();
    if (this.erases && this.index === null) return;
    const shape = this.index === null ? null : board.shapes[this.index];
    const mask = shape ? rasterize(shape, board.width, board.height) : new Uint8Array(board.width * board.height);
    const runs = shape?.type === "mask" ? shape.runs : packRuns(mask);
    this.before = this.erases ? runs : null;
    this.live = new MaskPicture(mask, board.width, board.height, DRAWN, bounds(runs, board.width));
    this.last = p;
    this.move(p);
  }

  move(p: Point): void {
    this.at = p;
    const { live, last, board } = this;
    if (!live || !last) return;
    live.update(paint(live.mask, board.width, board.height, last, p, board.brush / 2, this.erases ? 0 : 1));
    this.last = p;
  }

  up(p: Point): void {
    this.move(p);
    const { live, index, board, before } = this;
    this.cancel();
    if (!live) return;
    const runs = packRuns(live.mask);
    if (before?.length === runs.length && before.every((length, i) => length === runs[i])) return; // nothing was erased
    const painted = runs.length > 1 ? { type: "mask" as const, runs } : null;
    board.fresh = false;
    if (index !== null) board.replace(index, painted);
    else if (painted) board.add(painted);
  }

  finish(): boolean {
    if (!this.live || !this.last) return false;
    this.up(this.last);
    return true;
  }

  cancel(): boolean {
    const begun = this.live !== null;
    Object.assign(this, { live: null, last: null, index: null, before: null });
    return begun;
  }

  /** The region to erase from: the one under the pointer, else the chosen one, else a painted one. */
  private erased(p: Point): number | null {
    const { board } = this;
    return indexUnder(board, p) ?? board.selected ?? board.paintedIndex();
  }
}

/** The last region that a point lies in. */
export function indexUnder(board: Board, p: Point): number | null {
  for (let index = board.shapes.length - 1; index >= 0; index -= 1) {
    const shape = board.shapes[index];
    if (shape && p.x >= 0 && p.x < board.width && p.y >= 0 && p.y < board.height && contains(shape, p, board.width)) return index;
  }
  return null;
}
