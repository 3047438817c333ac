// Pane: one picture on the screen; Cornerstone draws the pixels, a canvas above it what readers draw.

import { Enums, type RenderingEngine, type Types } from "@cornerstonejs/core";
import type { Which } from "./api";
import { h } from "./dom";
import { loaded } from "./pictures";
import type { Frame, View } from "./view";

const FAR = 1000; // how far the camera stands away; parallel rays, so any distance will do

export class Pane {
  readonly element: HTMLElement;
  readonly overlay: HTMLCanvasElement;
  private readonly picture: HTMLDivElement;
  private readonly caption: HTMLElement;
  private ids: readonly string[] = [];
  private ready = false;

  constructor(private readonly engine: RenderingEngine, readonly name: Which) {
    this.picture = h("div", { class: "pixels", oncontextmenu: (event: Event) => event.preventDefault() });
    this.overlay = h("canvas", { class: "overlay", test: `overlay-${name}` });
    this.caption = h("div", { class: "caption" });
    this.element = h("div", { class: "pane", test: `pane-${name}` }, this.picture, this.overlay, this.caption);
  }

  /** What is written above the picture. */
  entitle(title: string): void {
    this.caption.textContent = title;
  }

  /** Begin to draw; the element must be on the page. */
  enable(): void {
    this.engine.enableElement({ viewportId: this.name, type: Enums.ViewportType.STACK, element: this.picture });
  }

  disable(): void {
    this.engine.disableElement(this.name);
    this.element.remove();
  }

  private get viewport(): Types.IStackViewport {
    return this.engine.getViewport(this.name) as Types.IStackViewport;
  }

  /** Size of the picture on the screen and of the image. */
  frame(columns: number, rows: number, aspect: number): Frame {
    return { width: this.element.clientWidth, height: this.element.clientHeight, columns, rows, aspect };
  }

  /** Show slice `at` of a stack if it is `still` wanted when it is there; resolves when it can be seen. */
  async show(ids: readonly string[], at: number, still: () => boolean): Promise<void> {
    await loaded(ids[at] ?? "");
    if (!still()) return;
    if (ids !== this.ids) {
      this.ready = false;
      this.ids = ids;
      await this.viewport.setStack([...ids], at);
    } else await this.viewport.setImageIdIndex(at);
    this.ready = true;
  }

  /** Place the image and choose which values become black and white. */
  arrange(view: View, frame: Frame, window: { center: number; width: number }): void {
    if (!this.ready || frame.height === 0) return;
    const [x, y] = [view.x - 0.5, (view.y - 0.5) * frame.aspect];
    this.viewport.setCamera({
      parallelProjection: true, parallelScale: frame.height / (2 * view.scale),
      focalPoint: [x, y, 0], position: [x, y, -FAR], viewPlaneNormal: [0, 0, -1], viewUp: [0, -1, 0],
    });
    const half = Math.max(window.width, 1) / 2;
    this.viewport.setProperties({ voiRange: { lower: window.center - half, upper: window.center + half } });
    this.viewport.render();
  }

  /** A clean canvas over the picture, in CSS pixels. */
  pen(): CanvasRenderingContext2D | null {
    const [width, height] = [this.element.clientWidth, this.element.clientHeight];
    const ratio = window.devicePixelRatio || 1;
    const [w, t] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.overlay.width !== w || this.overlay.height !== t) Object.assign(this.overlay, { width: w, height: t });
    // In memory rather than on the GPU: with a software GPU Chromium lost the clearing of a canvas on
    // which nothing was drawn after, and the last region was seen over the next image.
    const context = this.overlay.getContext("2d", { willReadFrequently: true });
    context?.setTransform(ratio, 0, 0, ratio, 0, 0);
    context?.clearRect(0, 0, width, height);
    return context;
  }
}
