// Toolbar: what is in the reader's hand, and how the image is looked at.

import type { ToolName } from "./board";
import { h, icon } from "./dom";
import { resize, setSize, take } from "./keys";
import { control } from "./panel";
import type { Reading } from "./reading";

export class Toolbar {
  readonly element: HTMLElement;
  private readonly tools = new Map<ToolName, HTMLButtonElement>();
  private readonly size = h("input", { type: "number", min: 1, max: 200, test: "brush-size", "aria-label": "Size of brush and eraser, in pixels", onchange: () => setSize(this.reading, Number(this.size.value)) });
  private readonly sizes: HTMLElement;
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly map: HTMLButtonElement;
  private readonly difference: HTMLButtonElement;

  constructor(private readonly reading: Reading) {
    const draws: readonly string[] = reading.tools;
    const { board } = reading;
    this.tool("move", "Move", "V");
    if (draws.includes("box")) this.tool("box", "Box", "B");
    if (draws.includes("polygon")) this.tool("polygon", "Polygon", "P");
    if (draws.includes("brush")) this.tool("brush", "Brush", "D");
    if (draws.length > 0) this.tool("eraser", "Eraser", "E");
    this.sizes = h("div", { class: "sizes" },
      control({ test: "brush-smaller", "aria-label": "Smaller brush", title: "Smaller brush ([)", onclick: () => resize(reading, 1 / 1.25) }, "−"), this.size,
      control({ test: "brush-larger", "aria-label": "Larger brush", title: "Larger brush (])", onclick: () => resize(reading, 1.25) }, "+"));
    this.undo = this.button("undo", "Undo", "Ctrl Z", () => reading.phase === "reading" && board.undo());
    this.redo = this.button("redo", "Redo", "Ctrl Shift Z", () => reading.phase === "reading" && board.redo());
    this.map = this.button("map", "Model", "M", () => reading.toggleMap());
    this.difference = this.button("split", "Difference", "G", () => void reading.toggleDifference(), "difference");
    const fit = this.button("fit", "Fit", "F", () => reading.viewer.fit());
    this.element = h("div", { class: "toolbar", role: "toolbar", "aria-label": "Tools", "aria-orientation": "vertical" },
      ...this.tools.values(), draws.length > 0 && this.sizes, h("hr"), draws.length > 0 && this.undo, draws.length > 0 && this.redo, h("hr"), fit, this.map, this.difference);
  }

  private tool(name: ToolName, words: string, key: string): void {
    this.tools.set(name, this.button(name, words, key, () => take(this.reading, name), `tool-${name}`));
  }

  private button(picture: string, words: string, key: string, run: () => unknown, test = picture): HTMLButtonElement {
    return control({ test, title: `${words} (${key})`, "aria-label": words, onclick: () => void run() }, icon(picture), h("span", {}, words));
  }

  /** Show what is now. */
  update(): void {
    const { board, phase, map, mapShown, open, difference, session } = this.reading;
    for (const [name, button] of this.tools) button.setAttribute("aria-pressed", String(board.tool === name));
    this.sizes.hidden = board.tool !== "brush" && board.tool !== "eraser";
    if (document.activeElement !== this.size) this.size.value = String(board.brush);
    this.undo.disabled = phase !== "reading" || !board.canUndo;
    this.redo.disabled = phase !== "reading" || !board.canRedo;
    this.map.disabled = map === null;
    this.map.setAttribute("aria-pressed", String(map !== null && mapShown));
    const hidden = session.project.reading === "blinded" && phase === "reading";
    this.map.title = map ? "Where the model looks (M)" : hidden ? "Where the model looks: shown after your answer" : "The model has no map of this case yet";
    this.difference.hidden = !open?.pair;
    this.difference.setAttribute("aria-pressed", String(difference));
  }
}
