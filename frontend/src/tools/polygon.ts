// Polygon: corner by corner with clicks, or in one go with the button held.

import type { Board, Hand } from "../board";
import { polygonOf, type Point } from "../shapes";

const FREEHAND = 6; // points in one go from which an outline closes when the pen is lifted

export class PolygonTool implements Hand {
  /** Corners so far. */
  points: Point[] = [];
  /** Where the next corner would be. */
  next: Point | null = null;
  private pressed = false;
  private inOneGo = 0;
  private before = 0; // corners when the pointer came down

  constructor(private readonly board: Board, private readonly changed: () => void) {}

  down(p: Point, reach: number): void {
    this.before = this.points.length;
    const first = this.points[0];
    if (first && this.points.length > 2 && near(first, p, reach)) {
      this.finish();
      return;
    }
    this.pressed = true;
    this.inOneGo = 0;
    const last = this.points[this.points.length - 1];
    if (last && near(last, p, reach / 2)) return; // the second click of a double one
    this.points.push(this.inside(p));
    this.changed();
  }

  move(p: Point, reach: number): void {
    this.next = this.inside(p);
    const last = this.points[this.points.length - 1];
    if (!this.pressed || !last || near(last, p, reach / 3)) return;
    this.points.push(this.next);
    this.inOneGo += 1;
  }

  up(): void {
    this.pressed = false;
    if (this.inOneGo >= FREEHAND) this.finish();
    else this.changed();
  }

  finish(): boolean {
    if (this.points.length === 0) return false;
    const polygon = polygonOf(this.points, this.board.width, this.board.height);
    this.cancel();
    if (polygon) this.board.add(polygon);
    else this.changed();
    return true;
  }

  cancel(): boolean {
    const begun = this.points.length > 0;
    Object.assign(this, { points: [], next: null, pressed: false, inOneGo: 0 });
    return begun;
  }

  /** Take back what the pointer has set since it came down: it was the first of two fingers. */
  revoke(): void {
    this.points.length = Math.min(this.points.length, this.before);
    Object.assign(this, { next: null, pressed: false, inOneGo: 0 });
  }

  /** Take the last corner back; whether there was one. */
  back(): boolean {
    const taken = this.points.pop() !== undefined;
    if (taken) this.changed();
    return taken;
  }

  private inside(p: Point): Point {
    return { x: Math.min(Math.max(p.x, 0), this.board.width), y: Math.min(Math.max(p.y, 0), this.board.height) };
  }
}

function near(a: Point, b: Point, reach: number): boolean {
  return Math.abs(a.x - b.x) <= reach && Math.abs(a.y - b.y) <= reach;
}
