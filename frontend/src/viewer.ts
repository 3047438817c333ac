// Viewer: the pictures of a case side by side, with one view, one window and one slice for all.

import { cache, init, RenderingEngine } from "@cornerstonejs/core";
import type { Pixels, Which } from "./api";
import { h } from "./dom";
import { Pane } from "./pane";
import { forget, picture, prefetch, register, valueAt, wholeWindow } from "./pictures";
import type { Facts } from "./records";
import type { Point } from "./shapes";
import { fitted, panned, toImage, zoomed, type Frame, type View } from "./view";

const ENGINE = "foveal";
const CONTEXTS = 3; // as many as pictures beside each other
const TITLES: Record<Which, string> = { prior: "Prior", current: "Current", difference: "Difference" };
const NEIGHBORS = 3; // slices to both sides that are loaded ahead
const CACHE_BYTES = 512 * 2 ** 20;

export type Fetch = (slice: number, which: Which) => Promise<Pixels>;
export type Paint = (context: CanvasRenderingContext2D, view: View, frame: Frame, pane: Pane) => void;

let engine: RenderingEngine | null = null;

/** The one engine of the page: browsers allow few WebGL contexts. */
function theEngine(): RenderingEngine {
  if (!engine) {
    init({ rendering: { webGlContextCount: CONTEXTS } } as Parameters<typeof init>[0]);
    register();
    cache.setMaxCacheSize(CACHE_BYTES);
    engine = new RenderingEngine(ENGINE);
  }
  return engine;
}

export class Viewer {
  readonly element = h("div", { class: "viewer", test: "viewer" });
  panes: Pane[] = [];
  slice = 0;
  window = { center: 0, width: 1 };
  view: View = { x: 0, y: 0, scale: 1 };
  facts: Facts | null = null;
  private stacks = new Map<string, string[]>();
  private asked = false;
  private turn = 0;
  private touched = false;
  private seen = 0;

  /** `paint` draws over each picture; `changed` is told when slice, window or view are others. */
  constructor(private readonly paint: Paint, private readonly changed: () => void) {
    new ResizeObserver(() => this.resized()).observe(this.element);
  }

  get aspect(): number {
    const [down, across] = (this.facts?.spacing_mm ?? []).slice(-2);
    return down && across ? down / across : 1;
  }

  frame(pane = this.panes[0]): Frame {
    return pane!.frame(this.facts?.width ?? 1, this.facts?.height ?? 1, this.aspect);
  }

  /** Show a case from its key slice on; resolves when all its pictures are seen. */
  async open(name: string, facts: Facts, which: readonly Which[], fetch: Fetch): Promise<void> {
    const turn = (this.turn += 1);
    forget();
    this.facts = facts;
    this.slice = facts.key_slice;
    this.window = { ...facts.window };
    this.touched = false;
    this.arrangePanes(which);
    this.stacks.clear();
    for (const one of which) {
      const ids = Array.from({ length: facts.slices }, (_, k) => picture(`${name}/${one}/${k}`, this.aspect, () => fetch(k, one)));
      this.stacks.set(one, ids);
    }
    this.view = fitted(this.frame());
    await this.showSlice();
    if (turn === this.turn) this.fetchNeighbors();
  }

  /** Other pictures of the same case beside each other. */
  async choose(which: readonly Which[], name: string, fetch: Fetch): Promise<void> {
    if (!this.facts) return;
    const { view, window, slice } = this;
    const opened = this.open(name, this.facts, which, fetch);
    const { turn } = this;
    await opened;
    if (turn !== this.turn) return;
    Object.assign(this, { view: { ...fitted(this.frame()), x: view.x, y: view.y }, window });
    await this.turnTo(slice);
    this.refresh();
  }

  private arrangePanes(which: readonly Which[]): void {
    const engine = theEngine();
    if (this.panes.map((pane) => pane.name).join() === which.join()) return;
    this.panes.forEach((pane) => pane.disable());
    this.panes = which.map((one) => new Pane(engine, one, which.length > 1 ? TITLES[one] : ""));
    this.element.replaceChildren(...this.panes.map((pane) => pane.element));
    this.element.style.setProperty("--panes", String(which.length));
    this.panes.forEach((pane) => pane.enable());
  }

  /** Nothing is shown. */
  close(): void {
    this.turn += 1;
    this.facts = null;
    this.panes.forEach((pane) => pane.disable());
    this.panes = [];
  }

  async turnTo(slice: number): Promise<void> {
    const last = (this.facts?.slices ?? 1) - 1;
    const wanted = Math.min(Math.max(slice, 0), last);
    if (wanted === this.slice) return;
    const { turn, seen } = this;
    this.slice = wanted;
    this.changed();
    try {
      await this.showSlice();
      this.fetchNeighbors();
    } catch {
      // What is said to be shown must be what is shown.
      if (turn !== this.turn || this.slice !== wanted) return;
      this.slice = seen;
      this.refresh();
      this.changed();
    }
  }

  private async showSlice(): Promise<void> {
    const { slice: wanted, turn } = this;
    const still = (): boolean => turn === this.turn && this.slice === wanted;
    await Promise.all(this.panes.map((pane) => pane.show(this.stacks.get(pane.name) ?? [], wanted, still)));
    if (!still()) return;
    this.seen = wanted;
    this.refresh();
    this.changed();
  }

  private fetchNeighbors(): void {
    for (let step = 1; step <= NEIGHBORS; step += 1) {
      for (const ids of this.stacks.values()) {
        for (const id of [ids[this.slice + step], ids[this.slice - step]]) if (id) prefetch(id);
      }
    }
  }

  setWindow(center: number, width: number): void {
    this.window = { center, width: Math.max(width, 1) };
    this.refresh();
    this.changed();
  }

  /** A difference has values of its own, so it is always shown whole. */
  private windowOf(pane: Pane): { center: number; width: number } {
    const id = pane.name === "difference" ? this.stacks.get(pane.name)?.[this.slice] : undefined;
    return (id && wholeWindow(id)) || this.window;
  }

  fit(): void {
    if (!this.facts) return;
    this.view = fitted(this.frame());
    this.touched = false;
    this.refresh();
  }

  zoom(at: Point, factor: number): void {
    if (!this.facts) return;
    this.view = zoomed(this.view, this.frame(), at, factor);
    this.touched = true;
    this.refresh();
  }

  pan(dx: number, dy: number): void {
    if (!this.facts) return;
    this.view = panned(this.view, this.frame(), dx, dy);
    this.touched = true;
    this.refresh();
  }

  /** The image point under a place of the window, and the picture it is in. */
  pointAt(clientX: number, clientY: number, pane: Pane): Point {
    const box = pane.element.getBoundingClientRect();
    return toImage(this.view, this.frame(pane), { x: clientX - box.left, y: clientY - box.top });
  }

  /** Value of a pixel of a picture as it is stored. */
  value(pane: Pane, p: Point): number[] | null {
    const id = this.stacks.get(pane.name)?.[this.slice];
    return id ? valueAt(id, Math.floor(p.x), Math.floor(p.y)) : null;
  }

  /** Draw again with the next frame of the screen. */
  refresh(): void {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      if (!this.facts) return;
      for (const pane of this.panes) pane.arrange(this.view, this.frame(pane), this.windowOf(pane));
      this.redraw();
    });
  }

  /** Draw again what lies over the pixels. */
  redraw(): void {
    if (!this.facts) return;
    for (const pane of this.panes) {
      const context = pane.pen();
      if (context) this.paint(context, this.view, this.frame(pane), pane);
    }
  }

  private resized(): void {
    if (!this.facts || this.panes.length === 0 || this.element.clientWidth === 0) return;
    theEngine().resize(true, false);
    if (!this.touched) this.view = fitted(this.frame());
    this.refresh();
  }
}
