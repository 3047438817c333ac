// Toolbar: what is in the reader's hand, and how the image is looked at.

import type { ToolName } from "./board";
import { h, icon } from "./dom";
import { resize, setSize, take, undo, type Easel } from "./keys";
import { control } from "./panel";
import type { Reading } from "./reading";

/** What a reader can lay over the image besides regions. */
type Overlays = Pick<Reading, "map" | "mapShown" | "toggleMap" | "difference" | "toggleDifference"> & { readonly open: { readonly pair: boolean } | null };

export class Toolbar {
  readonly element: HTMLElement;
  private readonly tools = new Map<ToolName, HTMLButtonElement>();
  private readonly size = h("input", { type: "number", min: 1, test: "brush-size", "aria-label": "Size of brush and eraser, in pixels", onchange: () => setSize(this.easel, Number(this.size.value)) });
  private readonly sizes: HTMLElement;
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly map: HTMLButtonElement;
  private readonly difference: HTMLButtonElement;

  /** `overlays` are null where there is nothing but regions to see. */
  constructor(private readonly easel: Easel, private readonly overlays: Overlays | null = null) {
    const draws = easel.tools;
    const { board } = easel;
    this.tool("move", "Move", "V");
    if (draws.includes("box")) this.tool("box", "Box", "B");
    if (draws.includes("polygon")) this.tool("polygon", "Polygon", "P");
    if (draws.includes("brush")) this.tool("brush", "Brush", "D");
    if (draws.length > 0) this.tool("eraser", "Eraser", "E");
    this.sizes = h("div", { class: "sizes" },
      control({ test: "brush-smaller", "aria-label": "Smaller brush", title: "Smaller brush ([)", onclick: () => resize(easel, 1 / 1.25) }, "−"), this.size,
      control({ test: "brush-larger", "aria-label": "Larger brush", title: "Larger brush (])", onclick: () => resize(easel, 1.25) }, "+"));
    this.undo = this.button("undo", "Undo", "Ctrl Z", () => this.undone());
    this.redo = this.button("redo", "Redo", "Ctrl Shift Z", () => easel.phase === "reading" && board.redo());
    this.map = this.button("map", "Model", "M", () => overlays?.toggleMap());
    this.difference = this.button("split", "Difference", "G", () => void overlays?.toggleDifference(), "difference");
    const fit = this.button("fit", "Fit", "F", () => easel.viewer.fit());
    this.element = h("div", { class: "toolbar", role: "toolbar", "aria-label": "Tools", "aria-orientation": "vertical" },
      ...this.tools.values(), draws.length > 0 && this.sizes, h("hr"), draws.length > 0 && this.undo, draws.length > 0 && this.redo, h("hr"), fit, overlays !== null && this.map, overlays !== null && this.difference);
  }

  private tool(name: ToolName, words: string, key: string): void {
    this.tools.set(name, this.button(name, words, key, () => take(this.easel, name), `tool-${name}`));
  }

  private button(picture: string, words: string, key: string, run: () => unknown, test = picture): HTMLButtonElement {
    return control({ test, title: `${words} (${key})`, "aria-label": words, onclick: () => void run() }, icon(picture), h("span", {}, words));
  }

  private undone(): void {
    undo(this.easel);
    this.update();
  }

  /** Show what is now. */
  update(): void {
    const { board, drawing, phase } = this.easel;
    for (const [name, button] of this.tools) button.setAttribute("aria-pressed", String(board.tool === name));
    this.sizes.hidden = board.tool !== "brush" && board.tool !== "eraser";
    this.size.max = String(board.largestBrush);
    if (document.activeElement !== this.size) this.size.value = String(board.brush);
    this.undo.disabled = phase !== "reading" || !(board.canUndo || drawing.polygon.points.length > 0);
    this.redo.disabled = phase !== "reading" || !board.canRedo;
    if (this.overlays) this.updateOverlays(this.overlays);
  }

  private updateOverlays({ map, mapShown, open, difference }: Overlays): void {
    const { phase, session } = this.easel;
    this.map.disabled = map === null;
    this.map.setAttribute("aria-pressed", String(map !== null && mapShown));
    const hidden = session.project.reading === "blinded" && phase === "reading";
    this.map.title = map ? "Where the model looks (M)" : hidden ? "Where the model looks: shown after your answer" : "The model has not looked at this case yet";
    this.difference.hidden = !open?.pair;
    this.difference.setAttribute("aria-pressed", String(difference));
  }
}
