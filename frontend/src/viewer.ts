// Viewer: the pictures of a case side by side, with one view, one window and one slice for all.

import { cache, Enums, eventTarget, init, RenderingEngine } from "@cornerstonejs/core";
import type { Pixels, Which } from "./api";
import { h } from "./dom";
import { Pane } from "./pane";
import { differenceWindow, forget, picture, prefetch, register, valueAt } from "./pictures";
import type { Facts } from "./records";
import type { Point } from "./shapes";
import { fitted, panned, toImage, zoomed, type Frame, type View } from "./view";

const ENGINE = "foveal";
const CONTEXTS = 3; // as many as pictures beside each other
const TITLES: Record<Which, string> = { prior: "Prior", current: "Current", difference: "Difference" };
const NEIGHBORS = 3; // slices to both sides that are loaded ahead
const CACHE_BYTES = 512 * 2 ** 20;
const RETRY = 1_000; // milliseconds until the browser is asked for its graphics once more

/** What is said while a browser has taken its graphics away. */
export const DARK = "This browser cannot draw pictures just now. It is asked again every second; if this stays, load the page anew.";

export type Fetch = (slice: number, which: Which) => Promise<Pixels>;
export type Paint = (context: CanvasRenderingContext2D, view: View, frame: Frame, pane: Pane) => void;

let engine: RenderingEngine | null = null;
let engines = 0;
const viewers = new Set<Viewer>(); // those that show a case

/** The one engine of the page: browsers allow few WebGL contexts. */
function theEngine(): RenderingEngine {
  if (engines === 0) {
    init({ rendering: { webGlContextCount: CONTEXTS } } as Parameters<typeof init>[0]);
    register();
    cache.setMaxCacheSize(CACHE_BYTES);
    eventTarget.addEventListener(Enums.Events.WEBGL_CONTEXT_LOST, lost as unknown as EventListener);
  }
  engine ??= new RenderingEngine(`${ENGINE}-${(engines += 1)}`);
  return engine;
}

/** The browser took the graphics away, as after a crash of its driver: begin with a new engine. */
function lost({ detail }: CustomEvent<{ renderingEngineId: string }>): void {
  if (detail.renderingEngineId !== engine?.id) return; // of an engine that is gone
  engine.destroy();
  engine = null;
  for (const viewer of viewers) void viewer.recover();
}

/** Whether the browser lets a page draw with WebGL just now. */
function canDraw(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext(); // contexts are few
  return context !== null;
}

export class Viewer {
  readonly element = h("div", { class: "viewer", test: "viewer" });
  panes: Pane[] = [];
  /** The slice that is wanted; `shown` is the one whose pixels are seen. */
  slice = 0;
  shown = 0;
  window = { center: 0, width: 1 };
  view: View = { x: 0, y: 0, scale: 1 };
  facts: Facts | null = null;
  /** Whether the browser has taken away the graphics, so that nothing is seen. */
  dark = false;
  private stacks = new Map<string, string[]>();
  private asked = false;
  private turn = 0;
  private touched = false;

  /** `paint` draws over each picture; `changed` is told when slice, window or view are others. */
  constructor(private readonly paint: Paint, private readonly changed: () => void) {
    new ResizeObserver(() => this.resized()).observe(this.element);
  }

  /** Whether the slice that is seen is the one that regions belong to. */
  get onKey(): boolean {
    return this.facts !== null && this.shown === this.facts.key_slice;
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
    this.stacks.clear();
    viewers.add(this);
    Object.assign(this, { facts, slice: facts.key_slice, window: { ...facts.window }, touched: false });
    this.stack(name, facts, which, fetch);
    if (!(await this.arranged(which, turn))) return;
    this.view = fitted(this.frame());
    await this.showSlice();
    if (turn === this.turn) this.fetchNeighbors();
  }

  /** Other pictures of the same case beside each other, looked at as before. */
  async choose(which: readonly Which[], name: string, fetch: Fetch): Promise<void> {
    const { facts, view, turn } = this;
    if (!facts) return;
    const whole = fitted(this.frame()).scale;
    this.stack(name, facts, which, fetch);
    if (!(await this.arranged(which, turn))) return;
    const now = fitted(this.frame());
    this.view = this.touched ? { ...view, scale: (view.scale * now.scale) / whole } : now;
    await this.showSlice();
  }

  private stack(name: string, facts: Facts, which: readonly Which[], fetch: Fetch): void {
    for (const one of which.filter((asked) => !this.stacks.has(asked))) {
      this.stacks.set(one, Array.from({ length: facts.slices }, (_, k) => picture(`${name}/${one}/${k}`, this.aspect, () => fetch(k, one))));
    }
  }

  /** One pane for each picture; waits for the browser's graphics, and is false if the case was left meanwhile. */
  private async arranged(which: readonly Which[], turn: number): Promise<boolean> {
    while (!engine && !canDraw()) {
      this.darken(true);
      await new Promise((resolve) => setTimeout(resolve, RETRY));
      if (turn !== this.turn) return false;
    }
    const drawing = theEngine();
    const before = new Map(this.panes.map((pane) => [pane.name, pane]));
    this.panes = which.map((one) => before.get(one) ?? new Pane(drawing, one));
    this.panes.forEach((pane) => pane.entitle(which.length > 1 ? TITLES[pane.name] : ""));
    for (const pane of before.values()) if (!this.panes.includes(pane)) pane.disable();
    this.element.replaceChildren(...this.panes.map((pane) => pane.element));
    this.element.style.setProperty("--panes", String(which.length));
    this.panes.forEach((pane) => before.has(pane.name) || pane.enable());
    if (before.size > 0 && before.size !== which.length) drawing.resize(true, false);
    this.darken(false);
    return true;
  }

  private darken(dark: boolean): void {
    if (dark === this.dark) return;
    this.dark = dark;
    this.changed();
  }

  /** Show again what was seen, with a new engine. */
  async recover(): Promise<void> {
    const { turn } = this;
    const which = this.panes.map((pane) => pane.name);
    this.panes = []; // they went with their engine
    this.element.replaceChildren();
    this.darken(true);
    if (await this.arranged(which, turn)) await this.showSlice();
  }

  /** Nothing is shown. */
  close(): void {
    this.turn += 1;
    viewers.delete(this);
    Object.assign(this, { facts: null, dark: false });
    this.panes.forEach((pane) => pane.disable());
    this.panes = [];
  }

  async turnTo(slice: number): Promise<void> {
    const last = (this.facts?.slices ?? 1) - 1;
    const wanted = Math.min(Math.max(slice, 0), last);
    if (wanted === this.slice) return;
    const { turn, shown } = this;
    this.slice = wanted;
    this.changed();
    try {
      await this.showSlice();
      this.fetchNeighbors();
    } catch {
      // What is said to be shown must be what is shown.
      if (turn !== this.turn || this.slice !== wanted) return;
      this.slice = shown;
      this.refresh();
      this.changed();
    }
  }

  private async showSlice(): Promise<void> {
    const { slice: wanted, turn } = this;
    const still = (): boolean => turn === this.turn && this.slice === wanted;
    await Promise.all(this.panes.map((pane) => pane.show(this.stacks.get(pane.name) ?? [], wanted, still)));
    if (!still()) return;
    this.shown = wanted;
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

  /** A difference has values of its own: it is shown whole, and no change is always the middle gray. */
  private windowOf(pane: Pane): { center: number; width: number } {
    const id = pane.name === "difference" ? this.stacks.get(pane.name)?.[this.shown] : undefined;
    return (id && differenceWindow(id)) || this.window;
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
    const id = this.stacks.get(pane.name)?.[this.shown];
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
    engine?.resize(true, false);
    if (!this.touched) this.view = fitted(this.frame());
    this.refresh();
  }
}
