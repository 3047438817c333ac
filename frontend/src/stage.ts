// Stage: the image with its slices and a line that says what is seen.

import { h } from "./dom";
import type { Pane } from "./pane";
import { Pointers } from "./pointers";
import type { Reading } from "./reading";
import { control } from "./panel";
import type { Point } from "./shapes";
import { DARK } from "./viewer";

export class Stage {
  readonly element: HTMLElement;
  private readonly pointers: Pointers;
  private readonly slider = h("input", { type: "range", min: 0, step: 1, test: "slice", "aria-label": "Slice", oninput: () => void this.reading.viewer.turnTo(Number(this.slider.value)) });
  private readonly mark = h("span", { class: "key-mark", "aria-hidden": "true" });
  private readonly where = h("span", { class: "slice-words", test: "slice-words" });
  private readonly key: HTMLButtonElement;
  private readonly slices: HTMLElement;
  private readonly facts = h("span", { test: "facts" });
  private readonly value = h("span", { class: "value", test: "value" });
  private under: { pane: Pane; p: Point } | null = null; // the pointer
  private readonly cover = h("div", { class: "cover", test: "cover", role: "status" });

  constructor(private readonly reading: Reading) {
    const { viewer } = reading;
    this.pointers = new Pointers(viewer, reading.drawing, (pane, p) => this.hovered(pane, p));
    this.key = control({ class: "small", test: "key-slice", title: "Back to the key slice (K)", onclick: () => void viewer.turnTo(viewer.facts?.key_slice ?? 0) }, "Key slice");
    this.slices = h("div", { class: "slices" }, h("div", { class: "track" }, this.slider, this.mark), this.where, this.key);
    this.element = h("main", { class: "stage", "aria-label": "Image" }, viewer.element, this.cover, this.slices,
      h("div", { class: "line" }, this.facts, this.value));
  }

  private hovered(pane: Pane, p: Point | null): void {
    this.under = p && { pane, p };
    this.tellValue();
  }

  /** The value under the pointer, of what is seen now. */
  private tellValue(): void {
    const { viewer, phase } = this.reading;
    const { pane, p } = this.under ?? {};
    const value = pane && p && phase !== "loading" && viewer.panes.includes(pane) && viewer.value(pane, p);
    this.value.textContent = p && value ? `x ${Math.floor(p.x)}  y ${Math.floor(p.y)}  value ${value.join(", ")}` : "";
  }

  /** What hides the image: there is none, or none that belongs to the case. */
  private coverWords(): string {
    const { viewer, phase, message } = this.reading;
    if (viewer.dark) return DARK;
    if (phase === "done") return message || "Done.";
    return phase === "loading" ? message || "Loading the case" : "";
  }

  /** Show what is now. */
  update(): void {
    const { viewer, phase, board, open } = this.reading;
    const { facts, shown } = viewer;
    this.pointers.locked = phase !== "reading";
    this.pointers.attach();
    const words = this.coverWords();
    this.cover.hidden = words === "";
    if (words) this.cover.textContent = words;
    this.tellValue();
    viewer.element.dataset["tool"] = phase === "reading" ? board.tool : "move";
    viewer.element.dataset["phase"] = phase;
    this.slices.hidden = !facts || facts.slices < 2;
    if (!facts) return void (this.facts.textContent = "");
    const last = Math.max(facts.slices - 1, 1);
    Object.assign(this.slider, { max: String(last), value: String(viewer.slice) });
    this.mark.style.setProperty("--at", String(facts.key_slice / last));
    const { onKey } = viewer;
    const coming = viewer.slice === shown ? "" : `, ${viewer.slice + 1} is loading`;
    this.where.textContent = `Slice ${shown + 1} of ${facts.slices}${coming || (onKey ? ", the key slice" : "")}`;
    this.key.disabled = onKey && !coming;
    const center = Math.round(viewer.window.center);
    const drawn = shown === open?.neighbor?.slice ? "Your regions of this slice" : "Regions are drawn on the key slice";
    const note = onKey ? "" : `  ·  ${drawn}`;
    this.facts.textContent = `${facts.width} × ${facts.height}  ·  C ${center}  W ${Math.round(viewer.window.width)}${note}`;
  }
}
