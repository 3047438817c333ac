// Pointers: mouse, pen and fingers on a picture; one draws, two fingers move and zoom.

import type { Pane } from "./pane";
import type { Point } from "./shapes";
import type { Drawing } from "./tools/drawing";
import type { Viewer } from "./viewer";

const REACH = { mouse: 8, pen: 10, touch: 20 }; // CSS pixels that still count as "on it"
const SPEED = 1 / 300; // of the window's width, for each CSS pixel dragged
const PALM = 1_000; // milliseconds after a pen was seen in which a touch is of the hand that holds it
const LINE = 100; // how far a notch of a wheel turns

type Mode = "draw" | "pan" | "window" | "pinch";

export class Pointers {
  private readonly down = new Map<number, { x: number; y: number }>();
  private mode: Mode | null = null;
  private moved = false;
  private turned = 0;
  private penned = -Infinity; // when a pen was seen last
  locked = false;

  constructor(
    private readonly viewer: Viewer, private readonly drawing: Drawing, private readonly hover: (pane: Pane, p: Point | null) => void,
  ) {}

  /** Listen to the pictures that are shown now. */
  attach(): void {
    for (const pane of this.viewer.panes) {
      const { overlay } = pane;
      if (overlay.dataset["attached"]) continue;
      overlay.dataset["attached"] = "yes";
      overlay.addEventListener("pointerdown", (event) => this.press(event, pane));
      overlay.addEventListener("pointermove", (event) => this.drag(event, pane));
      overlay.addEventListener("pointerup", (event) => this.lift(event, pane, true));
      overlay.addEventListener("pointercancel", (event) => this.lift(event, pane, false));
      overlay.addEventListener("pointerleave", () => this.leave(pane));
      overlay.addEventListener("dblclick", () => this.ended());
      overlay.addEventListener("wheel", (event) => this.wheel(event, pane), { passive: false });
      overlay.addEventListener("contextmenu", (event) => event.preventDefault());
    }
  }

  private reach(event: PointerEvent): number {
    const width = REACH[event.pointerType as keyof typeof REACH] ?? REACH.mouse;
    return width / this.viewer.view.scale;
  }

  private get draws(): boolean {
    return !this.locked && this.drawing.hand !== null && this.viewer.onKey;
  }

  /** Whether this is the hand that holds the pen: what touches the screen while the pen is near it. */
  private palm(event: PointerEvent): boolean {
    if (event.pointerType === "pen") this.penned = event.timeStamp;
    return event.pointerType === "touch" && event.timeStamp - this.penned < PALM;
  }

  /** Whoever draws with a pen moves the image with a finger. */
  private fingers(event: PointerEvent): boolean {
    return event.pointerType === "touch" && this.penned > -Infinity;
  }

  /** The pen came down after the hand that holds it. */
  private forgetFingers(): void {
    if (this.down.size > 0 && this.mode === "draw") this.drawing.revoke();
    this.down.clear();
  }

  private press(event: PointerEvent, pane: Pane): void {
    event.preventDefault();
    if (this.palm(event)) return;
    if (event.pointerType === "pen") this.forgetFingers();
    (document.activeElement as HTMLElement | null)?.blur();
    pane.overlay.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.moved = false;
    if (this.down.size > 1) {
      if (this.mode === "draw") this.drawing.revoke();
      this.mode = "pinch";
    } else if (event.button === 2) this.mode = "window";
    else if (event.button === 1 || !this.draws || this.fingers(event)) this.mode = "pan";
    else {
      this.mode = "draw";
      this.drawing.cursor = null;
      this.drawing.hand?.down(this.viewer.pointAt(event.clientX, event.clientY, pane), this.reach(event));
    }
    this.viewer.redraw();
  }

  private drag(event: PointerEvent, pane: Pane): void {
    if (this.palm(event)) return;
    const p = this.viewer.pointAt(event.clientX, event.clientY, pane);
    this.hover(pane, p);
    const before = this.down.get(event.pointerId);
    if (!before) {
      if (this.draws && event.pointerType !== "touch") this.drawing.hand?.move(p, this.reach(event));
      this.viewer.redraw();
      return;
    }
    const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
    if (Math.abs(dx) + Math.abs(dy) > 2) this.moved = true;
    if (this.mode === "pinch") this.pinch(event, before, pane);
    else if (this.mode === "draw") this.draw(event, pane);
    else if (this.mode === "pan") this.viewer.pan(dx, dy);
    else if (this.mode === "window") this.level(dx, dy);
    this.down.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  /** Browsers gather several moves into one event; all of them are drawn. */
  private draw(event: PointerEvent, pane: Pane): void {
    const gathered = event.getCoalescedEvents?.() ?? [];
    for (const one of gathered.length ? gathered : [event]) {
      this.drawing.hand?.move(this.viewer.pointAt(one.clientX, one.clientY, pane), this.reach(event));
    }
    this.viewer.redraw();
  }

  private level(dx: number, dy: number): void {
    const { center, width } = this.viewer.window;
    const step = Math.max(this.viewer.facts?.window.width ?? width, 1) * SPEED;
    this.viewer.setWindow(center + dy * step, width + dx * step);
  }

  private pinch(event: PointerEvent, before: Point, pane: Pane): void {
    const other = [...this.down].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) return;
    const box = pane.element.getBoundingClientRect();
    const distance = (p: Point): number => Math.hypot(p.x - other.x, p.y - other.y);
    const now = { x: event.clientX, y: event.clientY };
    const middle = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
    this.viewer.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    if (distance(before) > 10) this.viewer.zoom(middle, distance(now) / distance(before));
  }

  private lift(event: PointerEvent, pane: Pane, whole: boolean): void {
    if (!this.down.delete(event.pointerId)) return;
    const p = this.viewer.pointAt(event.clientX, event.clientY, pane);
    if (this.mode === "draw" && whole) this.drawing.hand?.up(p, this.reach(event));
    else if (this.mode === "draw") this.drawing.cancel();
    else if (this.mode === "pan" && !this.moved && !this.locked && event.button === 0) this.drawing.chooseAt(p);
    if (this.down.size === 0) this.mode = null;
    this.viewer.redraw();
  }

  private leave(pane: Pane): void {
    this.hover(pane, null);
    if (this.mode) return;
    this.drawing.brush.at = this.drawing.eraser.at = this.drawing.polygon.next = null;
    this.viewer.redraw();
  }

  private ended(): void {
    if (this.draws) this.drawing.hand?.finish();
    this.viewer.redraw();
  }

  private wheel(event: WheelEvent, pane: Pane): void {
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode === 0 ? 1 : 40);
    if ((this.viewer.facts?.slices ?? 1) > 1 && !event.ctrlKey) {
      this.turned += turned;
      const steps = Math.trunc(this.turned / LINE) || (Math.abs(turned) >= 40 ? Math.sign(turned) : 0);
      if (steps === 0) return;
      this.turned = 0;
      void this.viewer.turnTo(this.viewer.slice + steps);
      return;
    }
    const box = pane.element.getBoundingClientRect();
    this.viewer.zoom({ x: event.clientX - box.left, y: event.clientY - box.top }, Math.exp(-turned / 400));
  }
}
