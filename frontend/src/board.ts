// Board: the drawing of one case, with undo; tools work on it and a viewer shows it.

import type { Mask, Point, Shape } from "./shapes";
import { begun, done, redone, undone, type Trail } from "./undo";

const LEAST_LARGEST = 200; // pixels across that a brush can have on any image

export type ToolName = "move" | "box" | "polygon" | "brush" | "eraser";

export class Board {
  tool: ToolName = "move";
  selected: number | null = null;
  /** Whether the next stroke begins a region of its own. */
  fresh = false;
  private trail: Trail<readonly Shape[]> = begun([]);
  private share = 1 / 40; // of the brush in the image's longer side: it looks alike on all images

  constructor(private readonly changed: () => void) {}

  width = 1;
  height = 1;

  /** Diameter of brush and eraser, in whole pixels of the image. */
  get brush(): number {
    return Math.max(Math.round(this.share * Math.max(this.width, this.height)), 1);
  }

  set brush(diameter: number) {
    this.share = diameter / Math.max(this.width, this.height);
  }

  get largestBrush(): number {
    return Math.max(Math.round(Math.max(this.width, this.height) / 4), LEAST_LARGEST);
  }

  get shapes(): readonly Shape[] {
    return this.trail.now;
  }

  get canUndo(): boolean {
    return this.trail.past.length > 0;
  }

  get canRedo(): boolean {
    return this.trail.future.length > 0;
  }

  /** Begin with an image of this size and what has been drawn on it. */
  open(width: number, height: number, shapes: readonly Shape[]): void {
    Object.assign(this, { width, height, selected: null, fresh: false });
    this.trail = begun(shapes);
    this.changed();
  }

  commit(shapes: readonly Shape[], selected: number | null = this.selected): void {
    this.trail = done(this.trail, shapes);
    this.choose(selected);
  }

  add(...shapes: readonly Shape[]): void {
    this.commit([...this.shapes, ...shapes], this.shapes.length + shapes.length - 1);
  }

  /** Put a shape in another's place; null removes it. */
  replace(index: number, shape: Shape | null): void {
    const shapes = this.shapes.flatMap((one, i) => (i !== index ? [one] : shape ? [shape] : []));
    this.commit(shapes, shape ? index : null);
  }

  choose(index: number | null): void {
    this.selected = index !== null && index >= 0 && index < this.shapes.length ? index : null;
    this.changed();
  }

  undo(): void {
    this.trail = undone(this.trail);
    this.choose(null);
  }

  redo(): void {
    this.trail = redone(this.trail);
    this.choose(null);
  }

  /** Remove the chosen region, or the last one. */
  remove(): void {
    const index = this.selected ?? this.shapes.length - 1;
    if (index >= 0) this.replace(index, null);
  }

  /** The painted region that a stroke goes on with; null for a new one. */
  paintedIndex(): number | null {
    if (this.fresh) return null;
    if (this.selected !== null && this.shapes[this.selected]?.type === "mask") return this.selected;
    const last = this.shapes.findLastIndex((shape): shape is Mask => shape.type === "mask");
    return last < 0 ? null : last;
  }
}

/** What a pointer does on the image, in its pixels; `reach` is how far a finger's width goes. */
export interface Hand {
  down(p: Point, reach: number): void;
  move(p: Point, reach: number): void;
  up(p: Point, reach: number): void;
  /** Close what is being drawn; whether there was something. */
  finish(): boolean;
  /** Give up what is being drawn; whether there was something. */
  cancel(): boolean;
}
