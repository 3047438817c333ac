// Keys: what every key does on an image; the help sheet is made of the same lists.

import type { Board, ToolName } from "./board";
import type { Phase, Reading } from "./reading";
import type { Facts } from "./records";
import type { Session } from "./session";
import type { Drawing } from "./tools/drawing";
import type { Viewer } from "./viewer";

/** An image that is looked at and drawn on, in reading and in disputes. */
export interface Easel {
  readonly session: Session;
  readonly phase: Phase;
  readonly tools: readonly string[];
  readonly board: Board;
  readonly drawing: Drawing;
  readonly viewer: Viewer;
  readonly open: Facts | null;
  choose(label: string): void;
}

/** A key as the help sheet tells it. */
export interface KeyWords {
  readonly shown: string;
  readonly words: string;
  readonly group: "Answer" | "Draw" | "Look";
}

export interface Key<On extends Easel = Reading> extends KeyWords {
  /** As `KeyboardEvent.key` gives it, with `Ctrl+` before where it is held. */
  readonly keys: readonly string[];
  readonly run: (on: On, event: KeyboardEvent) => void;
}

const STRIDE = 10; // as far with Shift

function tool(name: ToolName, key: string, words: string): Key<Easel> {
  return { keys: [key], shown: key.toUpperCase(), words, group: "Draw", run: (easel) => take(easel, name) };
}

/** Take a tool, if this project draws with it. */
export function take(easel: Easel, name: ToolName): void {
  const needed = name === "eraser" ? easel.tools.length > 0 : name === "move" || easel.tools.includes(name);
  if (!needed) return;
  easel.drawing.take(name);
  easel.board.choose(easel.board.selected);
}

export function resize(easel: Easel, factor: number): void {
  const { board } = easel;
  const next = factor > 1 ? Math.ceil(board.brush * factor) : Math.floor(board.brush * factor);
  setSize(easel, next);
}

export function setSize(easel: Easel, size: number): void {
  easel.board.brush = Math.min(Math.max(Math.round(size) || 1, 1), easel.board.largestBrush);
  easel.board.choose(easel.board.selected);
}

/** Whether regions can be seen; else the key slice is shown first. */
function onKeySlice({ viewer }: Easel): boolean {
  if (!viewer.onKey) void viewer.turnTo(viewer.facts?.key_slice ?? 0);
  return viewer.onKey;
}

function arrow(easel: Easel, event: KeyboardEvent): void {
  if (!onKeySlice(easel)) return;
  const least = Math.max(Math.round(1 / easel.viewer.view.scale), 1); // a pixel of the image, or of the screen if that is more
  const step = event.shiftKey ? STRIDE * least : least;
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
  easel.drawing.step((dx ?? 0) * step, (dy ?? 0) * step, 1);
  easel.viewer.redraw();
}

function digit(easel: Easel, event: KeyboardEvent): void {
  const label = easel.session.project.classes[Number(event.key) - 1];
  if (label) easel.choose(label);
}

function middle(easel: Easel): { x: number; y: number } {
  const { width, height } = easel.viewer.frame();
  return { x: width / 2, y: height / 2 };
}

/** Close an open polygon, else do what the key is for. */
export function closing<On extends Easel>(done: (on: On) => unknown): (on: On) => void {
  return (on) => void (on.drawing.polygon.finish() || done(on));
}

function escape(easel: Easel): void {
  (document.activeElement as HTMLElement | null)?.blur();
  if (!easel.drawing.cancel()) easel.board.choose(null);
  easel.drawing.cursor = null;
  easel.viewer.redraw();
}

/** Take back the last corner of an open polygon, else the last change. */
export function undo(easel: Easel): void {
  if (easel.phase !== "reading") return;
  if (!easel.drawing.polygon.back()) easel.board.undo();
  easel.viewer.redraw();
}

function nextPreset(easel: Easel): void {
  const { open, session, viewer } = easel;
  if (!open) return;
  const all = [open.window, ...session.project.presets];
  const at = all.findIndex((one) => one.center === viewer.window.center && one.width === viewer.window.width);
  const next = all[(at + 1) % all.length] ?? open.window;
  viewer.setWindow(next.center, next.width);
}

const whileReading = <On extends Easel>(run: (on: On) => unknown) => (on: On) => {
  if (on.phase === "reading") run(on);
};

/** Chooses one of the project's classes. */
export const CLASS: Key<Easel> = { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1 … 9", words: "Choose a class", group: "Answer", run: digit };

export const DRAWING: readonly Key<Easel>[] = [
  tool("box", "b", "Box"), tool("polygon", "p", "Polygon: click corners, or draw around; Enter closes it"),
  tool("brush", "d", "Brush"), tool("eraser", "e", "Eraser"), tool("move", "v", "Move the image, choose a region"),
  { keys: ["["], shown: "[", words: "Smaller brush", group: "Draw", run: (easel) => resize(easel, 1 / 1.25) },
  { keys: ["]"], shown: "]", words: "Larger brush", group: "Draw", run: (easel) => resize(easel, 1.25) },
  { keys: ["n"], shown: "N", words: "Next stroke begins a new region", group: "Draw", run: whileReading(({ board }) => { board.fresh = true; board.choose(null); }) },
  { keys: ["Delete"], shown: "Delete", words: "Remove the chosen or last region", group: "Draw", run: whileReading((easel) => onKeySlice(easel) && easel.board.remove()) },
  { keys: ["Ctrl+z"], shown: "Ctrl Z", words: "Undo; of an open polygon its last corner", group: "Draw", run: undo },
  { keys: ["Ctrl+Z", "Ctrl+y"], shown: "Ctrl Shift Z", words: "Redo", group: "Draw", run: whileReading(({ board }) => board.redo()) },
  { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: "Arrows", words: "Draw without a mouse: move the cross (Shift: ten times as far)", group: "Draw", run: arrow },
  { keys: [" "], shown: "Space", words: "Put the pen down at the cross, and lift it; set a corner", group: "Draw", run: whileReading((easel) => { if (onKeySlice(easel)) easel.drawing.press(1); easel.viewer.redraw(); }) },
  { keys: ["Escape"], shown: "Esc", words: "Give up what is being drawn", group: "Draw", run: escape },
];

export const LOOKING: readonly Key<Easel>[] = [
  { keys: ["w"], shown: "W", words: "Next window preset (or drag with the right button)", group: "Look", run: nextPreset },
  { keys: ["+", "="], shown: "+", words: "Larger", group: "Look", run: (easel) => easel.viewer.zoom(middle(easel), 1.25) },
  { keys: ["-"], shown: "−", words: "Smaller", group: "Look", run: (easel) => easel.viewer.zoom(middle(easel), 0.8) },
  { keys: ["f", "0"], shown: "F", words: "Fit the whole image", group: "Look", run: ({ viewer }) => viewer.fit() },
];

/** What every key does while reading. */
export const KEYS: readonly Key[] = [
  CLASS,
  { keys: ["Enter"], shown: "Enter", words: "Close an open polygon, else save and go on", group: "Answer", run: closing((reading) => reading.answer("labeled")) },
  { keys: ["u"], shown: "U", words: "Unsure", group: "Answer", run: whileReading((reading) => void reading.answer("unsure")) },
  { keys: ["s"], shown: "S", words: "Skip; it comes back at the end", group: "Answer", run: whileReading((reading) => void reading.answer("skipped")) },
  { keys: ["x"], shown: "X", words: "Bad image", group: "Answer", run: whileReading((reading) => void reading.answer("bad")) },
  { keys: ["Backspace"], shown: "Backspace", words: "Back to the case before, to correct it", group: "Answer", run: (reading) => void reading.back() },
  ...DRAWING,
  { keys: ["c"], shown: "C", words: "Copy the regions of the nearest slice you have read", group: "Draw", run: (reading) => reading.copyNeighbor() },
  ...LOOKING,
  { keys: ["m"], shown: "M", words: "Show or hide where the model looks", group: "Look", run: (reading) => reading.toggleMap() },
  { keys: ["g"], shown: "G", words: "Show or hide the difference of a pair", group: "Look", run: (reading) => void reading.toggleDifference() },
  { keys: ["PageUp", ","], shown: "Page up", words: "Slice before", group: "Look", run: ({ viewer }) => void viewer.turnTo(viewer.slice - 1) },
  { keys: ["PageDown", "."], shown: "Page down", words: "Next slice", group: "Look", run: ({ viewer }) => void viewer.turnTo(viewer.slice + 1) },
  { keys: ["k"], shown: "K", words: "Back to the key slice", group: "Look", run: ({ viewer }) => void viewer.turnTo(viewer.facts?.key_slice ?? 0) },
];

/** Do what a key does on an image; whether it does something there. */
export function press<On extends Easel>(on: On, keys: readonly Key<On>[], event: KeyboardEvent): boolean {
  const key = taken(event) ? null : keyOf(event, keys);
  if (!key) return false;
  event.preventDefault();
  if (event.repeat && key.group === "Answer") return false; // a key held down must not answer case after case
  key.run(on, event);
  return true;
}

/** What a key does; null if it does nothing here. */
export function keyOf<On extends Easel>(event: KeyboardEvent, keys: readonly Key<On>[]): Key<On> | null {
  // Some keyboards have brackets behind AltGr, which Windows reports as Ctrl and Alt.
  const graph = event.getModifierState("AltGraph");
  const held = (event.ctrlKey || event.metaKey) && !graph;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const wanted = held ? `Ctrl+${event.shiftKey ? name.toUpperCase() : name}` : name;
  return event.altKey && !graph ? null : (keys.find((key) => key.keys.includes(wanted)) ?? null);
}

/** Whether a key belongs to the control that has the focus. */
function taken(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest("input[type=range]")) return /^(Arrow|Page|Home|End)/.test(event.key);
  if (target.closest("input, select, textarea, summary")) return event.key !== "Escape";
  return target.closest("button, a") !== null && (event.key === "Enter" || event.key === " ");
}
