// Box: from one corner to the other; a box is chosen and its corners are moved with the same tool.

import type { Board, Hand } from "../board";
import { boxOf, type Box, type Point } from "../shapes";

export class BoxTool implements Hand {
  private from: Point | null = null;
  private replaced: number | null = null;
  preview: Box | null = null;

  constructor(private readonly board: Board) {}

  /** Which shape is hidden while its corner is moved. */
  get hides(): number | null {
    return this.preview ? this.replaced : null;
  }

  down(p: Point, reach: number): void {
    const grabbed = this.corner(p, reach);
    this.replaced = grabbed?.index ?? null;
    this.from = grabbed?.opposite ?? p;
    this.preview = null;
  }

  move(p: Point): void {
    if (this.from) this.preview = boxOf(this.from, p, this.board.width, this.board.height);
  }

  up(p: Point, reach: number): void {
    const { from, replaced } = this;
    if (!from) return;
    this.move(p);
    const box = this.preview;
    this.cancel();
    const far = Math.max(Math.abs(p.x - from.x), Math.abs(p.y - from.y));
    if (!box || far < reach / 3) return;
    if (replaced === null) this.board.add(box);
    else this.board.replace(replaced, box);
  }

  finish(): boolean {
    const { preview, replaced } = this;
    this.cancel();
    if (!preview) return false;
    if (replaced === null) this.board.add(preview);
    else this.board.replace(replaced, preview);
    return true;
  }

  cancel(): boolean {
    const begun = this.from !== null;
    Object.assign(this, { from: null, preview: null, replaced: null });
    return begun;
  }

  /** A corner of a box near a point: the box and its opposite corner. */
  private corner(p: Point, reach: number): { index: number; opposite: Point } | null {
    const { shapes } = this.board;
    for (let index = shapes.length - 1; index >= 0; index -= 1) {
      const box = shapes[index];
      if (box?.type !== "box") continue;
      for (const [x, y, ox, oy] of [
        [box.x0, box.y0, box.x1, box.y1], [box.x1, box.y1, box.x0, box.y0],
        [box.x0, box.y1, box.x1, box.y0], [box.x1, box.y0, box.x0, box.y1],
      ] as const) {
        if (Math.abs(p.x - x) <= reach && Math.abs(p.y - y) <= reach) return { index, opposite: { x: ox, y: oy } };
      }
    }
    return null;
  }
}
