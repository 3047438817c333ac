// Keys: what every key does while reading; the help sheet is made of the same list.

import type { ToolName } from "./board";
import type { Reading } from "./reading";

export interface Key {
  /** As `KeyboardEvent.key` gives it, with `Ctrl+` before where it is held. */
  readonly keys: readonly string[];
  readonly shown: string;
  readonly words: string;
  readonly group: "Answer" | "Draw" | "Look";
  readonly run: (reading: Reading, event: KeyboardEvent) => void;
}

const STEP = 1; // pixels of the image that an arrow key moves the cursor
const STRIDE = 10; // with Shift
const SIZES = [1, 200] as const;

function tool(name: ToolName, key: string, words: string): Key {
  return { keys: [key], shown: key.toUpperCase(), words, group: "Draw", run: (reading) => take(reading, name) };
}

/** Take a tool, if this project draws with it. */
export function take(reading: Reading, name: ToolName): void {
  const needed = name === "eraser" ? reading.tools.length > 0 : name === "move" || reading.tools.includes(name);
  if (!needed) return;
  reading.drawing.take(name);
  reading.board.choose(reading.board.selected);
}

export function resize(reading: Reading, factor: number): void {
  const { board } = reading;
  const next = factor > 1 ? Math.ceil(board.brush * factor) : Math.floor(board.brush * factor);
  setSize(reading, next);
}

export function setSize(reading: Reading, size: number): void {
  reading.board.brush = Math.min(Math.max(Math.round(size) || SIZES[0], SIZES[0]), SIZES[1]);
  reading.board.choose(reading.board.selected);
}

/** Whether regions can be seen; else the key slice is shown first. */
function onKeySlice({ viewer }: Reading): boolean {
  const key = viewer.facts?.key_slice ?? 0;
  if (viewer.slice === key) return true;
  void viewer.turnTo(key);
  return false;
}

function arrow(reading: Reading, event: KeyboardEvent): void {
  if (!onKeySlice(reading)) return;
  const step = event.shiftKey ? STRIDE : STEP;
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
  reading.drawing.step((dx ?? 0) * step, (dy ?? 0) * step, 1);
  reading.viewer.redraw();
}

function digit(reading: Reading, event: KeyboardEvent): void {
  const label = reading.session.project.classes[Number(event.key) - 1];
  if (label) reading.choose(label);
}

function middle(reading: Reading): { x: number; y: number } {
  const { width, height } = reading.viewer.frame();
  return { x: width / 2, y: height / 2 };
}

function enter(reading: Reading): void {
  if (!reading.drawing.polygon.finish()) void reading.answer("labeled");
}

function escape(reading: Reading): void {
  (document.activeElement as HTMLElement | null)?.blur();
  if (!reading.drawing.cancel()) reading.board.choose(null);
  reading.drawing.cursor = null;
  reading.viewer.redraw();
}

function undo(reading: Reading): void {
  if (reading.phase !== "reading") return;
  if (!reading.drawing.polygon.back()) reading.board.undo();
  reading.viewer.redraw();
}

function nextPreset(reading: Reading): void {
  const { open, session, viewer } = reading;
  if (!open) return;
  const all = [open.window, ...session.project.presets];
  const at = all.findIndex((one) => one.center === viewer.window.center && one.width === viewer.window.width);
  const next = all[(at + 1) % all.length] ?? open.window;
  viewer.setWindow(next.center, next.width);
}

const whileReading = (run: (reading: Reading) => unknown) => (reading: Reading) => {
  if (reading.phase === "reading") run(reading);
};

export const KEYS: readonly Key[] = [
  { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1 … 9", words: "Choose a class", group: "Answer", run: digit },
  { keys: ["Enter"], shown: "Enter", words: "Save and go on", group: "Answer", run: enter },
  { keys: ["u"], shown: "U", words: "Unsure", group: "Answer", run: whileReading((reading) => void reading.answer("unsure")) },
  { keys: ["s"], shown: "S", words: "Skip; it comes back at the end", group: "Answer", run: whileReading((reading) => void reading.answer("skipped")) },
  { keys: ["x"], shown: "X", words: "Bad image", group: "Answer", run: whileReading((reading) => void reading.answer("bad")) },
  { keys: ["Backspace"], shown: "Backspace", words: "Back to the case before, to correct it", group: "Answer", run: (reading) => void reading.back() },
  tool("box", "b", "Box"), tool("polygon", "p", "Polygon: click corners, or draw around"), tool("brush", "d", "Brush"), tool("eraser", "e", "Eraser"),
  tool("move", "v", "Move the image, choose a region"),
  { keys: ["["], shown: "[", words: "Smaller brush", group: "Draw", run: (reading) => resize(reading, 1 / 1.25) },
  { keys: ["]"], shown: "]", words: "Larger brush", group: "Draw", run: (reading) => resize(reading, 1.25) },
  { keys: ["n"], shown: "N", words: "Next stroke begins a new region", group: "Draw", run: whileReading(({ board }) => { board.fresh = true; board.choose(null); }) },
  { keys: ["c"], shown: "C", words: "Copy the regions of the nearest slice you have read", group: "Draw", run: (reading) => reading.copyNeighbor() },
  { keys: ["Delete"], shown: "Delete", words: "Remove the chosen or last region", group: "Draw", run: whileReading((reading) => onKeySlice(reading) && reading.board.remove()) },
  { keys: ["Ctrl+z"], shown: "Ctrl Z", words: "Undo", group: "Draw", run: undo },
  { keys: ["Ctrl+Z", "Ctrl+y"], shown: "Ctrl Shift Z", words: "Redo", group: "Draw", run: whileReading(({ board }) => board.redo()) },
  { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: "Arrows", words: "Draw without a mouse: move the cross (Shift: 10 pixels)", group: "Draw", run: arrow },
  { keys: [" "], shown: "Space", words: "Put the pen down at the cross, and lift it", group: "Draw", run: whileReading((reading) => { if (onKeySlice(reading)) reading.drawing.press(1); reading.viewer.redraw(); }) },
  { keys: ["Escape"], shown: "Esc", words: "Give up what is being drawn", group: "Draw", run: escape },
  { keys: ["m"], shown: "M", words: "Show or hide the model's map", group: "Look", run: (reading) => reading.toggleMap() },
  { keys: ["g"], shown: "G", words: "Show or hide the difference of a pair", group: "Look", run: (reading) => void reading.toggleDifference() },
  { keys: ["w"], shown: "W", words: "Next window preset (or drag with the right button)", group: "Look", run: nextPreset },
  { keys: ["+", "="], shown: "+", words: "Larger", group: "Look", run: (reading) => reading.viewer.zoom(middle(reading), 1.25) },
  { keys: ["-"], shown: "−", words: "Smaller", group: "Look", run: (reading) => reading.viewer.zoom(middle(reading), 0.8) },
  { keys: ["f", "0"], shown: "F", words: "Fit the whole image", group: "Look", run: (reading) => reading.viewer.fit() },
  { keys: ["PageUp", ","], shown: "Page up", words: "Slice before", group: "Look", run: ({ viewer }) => void viewer.turnTo(viewer.slice - 1) },
  { keys: ["PageDown", "."], shown: "Page down", words: "Next slice", group: "Look", run: ({ viewer }) => void viewer.turnTo(viewer.slice + 1) },
  { keys: ["k"], shown: "K", words: "Back to the key slice", group: "Look", run: ({ viewer }) => void viewer.turnTo(viewer.facts?.key_slice ?? 0) },
];

/** What a key does; null if it does nothing here. */
export function keyOf(event: KeyboardEvent): Key | null {
  // Some keyboards have brackets behind AltGr, which Windows reports as Ctrl and Alt.
  const graph = event.getModifierState("AltGraph");
  const held = (event.ctrlKey || event.metaKey) && !graph;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const wanted = held ? `Ctrl+${event.shiftKey ? name.toUpperCase() : name}` : name;
  return event.altKey && !graph ? null : (KEYS.find((key) => key.keys.includes(wanted)) ?? null);
}

/** Whether a key belongs to the control that has the focus. */
export function taken(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest("input[type=range]")) return /^(Arrow|Page|Home|End)/.test(event.key);
  if (target.closest("input, select, textarea, summary")) return event.key !== "Escape";
  return target.closest("button, a") !== null && (event.key === "Enter" || event.key === " ");
}
