// Help: one sheet with every key, made of the lists that the keys work from.

import { dialog, h } from "./dom";
import type { KeyWords } from "./keys";

export function showHelp(keys: readonly KeyWords[]): void {
  if (document.querySelector("dialog[open]")) return;
  const groups = [...new Set(keys.map((key) => key.group))].map((group) =>
    h("section", {}, h("h3", {}, group), h("dl", { class: "keys" },
      ...keys.filter((key) => key.group === group).flatMap((key) => [h("dt", {}, h("kbd", {}, key.shown)), h("dd", {}, key.words)]))));
  const mouse = h("section", {}, h("h3", {}, "Mouse and fingers"), h("dl", { class: "keys" },
    ...([
      ["Wheel", "Slices of a volume, else larger and smaller (Ctrl: always larger and smaller)"],
      ["Right drag", "Window: sideways its width, up and down its center"],
      ["Middle drag", "Move the image"], ["One finger or pen", "Draw; beside a pen, fingers move the image"], ["Two fingers", "Move, larger and smaller"],
      ["First corner", "A click on it closes a polygon, and so does a double click anywhere"], ["Undo", "Takes the last corner of an open polygon back, before anything else"],
    ] as const).flatMap(([what, words]) => [h("dt", {}, h("kbd", {}, what)), h("dd", {}, words)])));
  const shown = dialog("Keys and gestures", "help", h("div", { class: "help" }, ...groups, mouse));
  shown.classList.add("large");
}
