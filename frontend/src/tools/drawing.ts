// Drawing: the tool in hand, from pointers and keys to the board, and what it shows meanwhile.

import { Board, type Hand, type ToolName } from "../board";
import { CHOSEN, circle, cross, drawShape, DRAWN, outline } from "../overlay";
import type { Point } from "../shapes";
import { toScreen, type Frame, type View } from "../view";
import { BoxTool } from "./box";
import { BrushTool, indexUnder } from "./brush";
import { PolygonTool } from "./polygon";

export class Drawing {
  readonly box: BoxTool;
  readonly polygon: PolygonTool;
  readonly brush: BrushTool;
  readonly eraser: BrushTool;
  /** Where the keyboard draws; null until an arrow key was used. */
  cursor: Point | null = null;
  private penDown = false;

  constructor(readonly board: Board, changed: () => void) {
    this.box = new BoxTool(board);
    this.polygon = new PolygonTool(board, changed);
    this.brush = new BrushTool(board, false);
    this.eraser = new BrushTool(board, true);
  }

  get hand(): Hand | null {
    const { tool } = this.board;
    return tool === "move" ? null : this[tool];
  }

  take(tool: ToolName): void {
    const waits = tool === "move" || tool === "polygon"; // an open polygon, while the image is moved
    if (!waits) this.polygon.finish(); // corners that were set are not thrown away
    if (this.hand !== this.polygon) this.hand?.finish();
    this.penDown = false;
    this.board.tool = tool;
    this.brush.at = this.eraser.at = null;
    if (tool !== "eraser") this.board.choose(null);
  }

  /** Close what is being drawn; whether there was something. */
  finish(): boolean {
    this.penDown = false;
    const polygon = this.polygon.finish();
    return (this.hand?.finish() ?? false) || polygon;
  }

  /** Give up what is being drawn; whether there was something. */
  cancel(): boolean {
    this.penDown = false;
    const polygon = this.polygon.cancel();
    return (this.hand?.cancel() ?? false) || polygon;
  }

  /** Go on with a polygon that was not closed. */
  resume(corners: readonly Point[]): void {
    this.take("polygon");
    this.polygon.points = [...corners];
  }

  /** A second finger came down: the first one meant to move the image. */
  revoke(): void {
    if (this.board.tool === "polygon") this.polygon.revoke();
    else this.cancel();
  }

  /** Nothing more is drawn on this case. */
  lift(): void {
    this.cancel();
    this.cursor = this.brush.at = this.eraser.at = this.polygon.next = null;
    this.board.choose(null);
  }

  /** Choose the region under a point. */
  chooseAt(p: Point): void {
    this.board.choose(indexUnder(this.board, p));
  }

  /** Move the keyboard's cursor; what is pressed is drawn with. */
  step(dx: number, dy: number, reach: number): void {
    const from = this.cursor ?? { x: this.board.width / 2, y: this.board.height / 2 };
    const clip = (v: number, most: number): number => Math.min(Math.max(v, 0), most);
    this.cursor = this.cursor === null ? from : { x: clip(from.x + dx, this.board.width), y: clip(from.y + dy, this.board.height) };
    if (this.penDown || this.board.tool === "polygon") this.hand?.move(this.cursor, reach);
  }

  /** Put the keyboard's pen down or lift it; a polygon gets a corner. */
  press(reach: number): void {
    this.cursor ??= { x: this.board.width / 2, y: this.board.height / 2 };
    const { hand, cursor } = this;
    if (!hand) this.chooseAt(cursor);
    else if (this.board.tool === "polygon") {
      hand.down(cursor, reach);
      hand.up(cursor, reach);
    } else if (this.penDown) {
      this.penDown = false;
      hand.up(cursor, reach);
    } else {
      this.penDown = true;
      hand.down(cursor, reach);
    }
  }

  /** All regions and what is being drawn. */
  paint(context: CanvasRenderingContext2D, view: View, frame: Frame): void {
    const { board, box, brush, eraser, polygon } = this;
    const hidden = [box.hides, brush.hides, eraser.hides];
    board.shapes.forEach((shape, i) => {
      if (!hidden.includes(i)) drawShape(context, view, frame, shape, i === board.selected ? CHOSEN : DRAWN);
    });
    if (box.preview) drawShape(context, view, frame, box.preview, CHOSEN);
    for (const { live } of [brush, eraser]) live?.draw(context, view, frame);
    this.paintPolygon(context, view, frame, polygon);
    const at = board.tool === "brush" ? brush.at : board.tool === "eraser" ? eraser.at : null;
    if (at) circle(context, view, frame, at, board.brush / 2, CHOSEN);
    if (this.cursor) cross(context, view, frame, this.cursor);
  }

  private paintPolygon(context: CanvasRenderingContext2D, view: View, frame: Frame, polygon: PolygonTool): void {
    const first = polygon.points[0];
    if (!first) return;
    const points = polygon.next ? [...polygon.points, polygon.next] : polygon.points;
    outline(context, points.map((p) => toScreen(view, frame, p)), CHOSEN, false);
    const at = toScreen(view, frame, first);
    context.fillStyle = CHOSEN;
    context.fillRect(at.x - 4, at.y - 4, 8, 8);
  }
}
