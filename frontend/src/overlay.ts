// Overlay: regions and the model's map drawn over the pixels of a picture.

import { bounds, type Mask, type Point, type Rect, type Shape, unpackRuns } from "./shapes";
import { toScreen, type Frame, type View } from "./view";

export const DRAWN = "#ffd166";
export const CHOSEN = "#7fe3ff";
export const READ = "#a9b4c2"; // of another slice: seen, not changed
const DARK = "rgba(0, 0, 0, 0.6)";
const NOTHING: Rect = { x0: 0, y0: 0, x1: 0, y1: 0 };
const ROOM = 128; // pixels of the image
const MOST_PIXELS = 2 ** 24; // 64 MB

/** A mask as a picture of its own, no larger than what is painted; a stroke changes it piece by piece. */
export class MaskPicture {
  private canvas = document.createElement("canvas");
  private context = this.canvas.getContext("2d") as CanvasRenderingContext2D;
  private readonly color: number;
  private area: Rect;

  /** `inside` holds all that is painted already; null if nothing is. */
  constructor(public mask: Uint8Array, readonly width: number, readonly height: number, color: string, inside: Rect | null) {
    const area = (this.area = inside ?? NOTHING);
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    this.color = red | (green << 8) | (blue << 16); // as browsers keep pixels: the alpha last
    Object.assign(this.canvas, { width: area.x1 - area.x0, height: area.y1 - area.y0 });
    this.update(area);
  }

  /** Pixels of the picture. */
  get size(): number {
    return this.canvas.width * this.canvas.height;
  }

  private at(x: number, y: number): boolean {
    return x >= 0 && y >= 0 && x < this.width && y < this.height && this.mask[y * this.width + x] !== 0;
  }

  private edge(x: number, y: number): boolean {
    return !(this.at(x - 1, y) && this.at(x + 1, y) && this.at(x, y - 1) && this.at(x, y + 1));
  }

  /** Cover a rectangle too, and some room around it for the next part of the stroke. */
  private cover(rect: Rect): void {
    const { area, canvas } = this;
    if (rect.x0 >= area.x0 && rect.y0 >= area.y0 && rect.x1 <= area.x1 && rect.y1 <= area.y1) return;
    const held = this.size > 0 ? area : rect;
    const wide = {
      x0: Math.max(Math.min(held.x0, rect.x0 - ROOM), 0), y0: Math.max(Math.min(held.y0, rect.y0 - ROOM), 0),
      x1: Math.min(Math.max(held.x1, rect.x1 + ROOM), this.width), y1: Math.min(Math.max(held.y1, rect.y1 + ROOM), this.height),
    };
    this.canvas = document.createElement("canvas");
    Object.assign(this.canvas, { width: wide.x1 - wide.x0, height: wide.y1 - wide.y0 });
    this.context = this.canvas.getContext("2d") as CanvasRenderingContext2D;
    if (canvas.width * canvas.height > 0) this.context.drawImage(canvas, area.x0 - wide.x0, area.y0 - wide.y0);
    this.area = wide;
  }

  /** Take over the pixels of a rectangle from the mask. */
  update(rect: Rect): void {
    const [w, t] = [rect.x1 - rect.x0, rect.y1 - rect.y0];
    if (w <= 0 || t <= 0) return;
    this.cover(rect);
    const image = this.context.createImageData(w, t);
    const pixels = new Uint32Array(image.data.buffer);
    for (let row = 0; row < t; row += 1) {
      for (let column = 0; column < w; column += 1) {
        const [x, y] = [rect.x0 + column, rect.y0 + row];
        if (this.at(x, y)) pixels[row * w + column] = this.color | ((this.edge(x, y) ? 255 : 100) << 24);
      }
    }
    this.context.putImageData(image, rect.x0 - this.area.x0, rect.y0 - this.area.y0);
  }

  /** Nothing more is painted: only what is seen is held. */
  dry(): this {
    this.mask = new Uint8Array();
    return this;
  }

  draw(context: CanvasRenderingContext2D, view: View, frame: Frame): void {
    if (this.size > 0) layOver(context, view, frame, this.canvas, false, this.area);
  }
}

/** Pictures of painted regions, the latest seen last: few enough that a browser can hold them. */
const pictures: { mask: Mask; color: string; picture: MaskPicture }[] = [];

function pictureOf(mask: Mask, width: number, height: number, color: string): MaskPicture {
  const at = pictures.findIndex((one) => one.mask === mask && one.color === color);
  const [known] = at < 0 ? [] : pictures.splice(at, 1);
  const area = bounds(mask.runs, width);
  const kept = known ?? { mask, color, picture: new MaskPicture(unpackRuns(mask.runs, width * height), width, height, color, area).dry() };
  pictures.push(kept);
  let held = pictures.reduce((sum, { picture }) => sum + picture.size, 0);
  while (held > MOST_PIXELS && pictures.length > 1) held -= pictures.shift()?.picture.size ?? 0;
  return kept.picture;
}

/** A picture laid over the image, or over a part of it. */
export function layOver(
  context: CanvasRenderingContext2D, view: View, frame: Frame, source: CanvasImageSource, smooth: boolean,
  part: Rect = { x0: 0, y0: 0, x1: frame.columns, y1: frame.rows },
): void {
  const [a, b] = [toScreen(view, frame, { x: part.x0, y: part.y0 }), toScreen(view, frame, { x: part.x1, y: part.y1 })];
  context.imageSmoothingEnabled = smooth;
  context.drawImage(source, a.x, a.y, b.x - a.x, b.y - a.y);
}

/** One region. */
export function drawShape(context: CanvasRenderingContext2D, view: View, frame: Frame, shape: Shape, color: string): void {
  if (shape.type === "mask") {
    pictureOf(shape, frame.columns, frame.rows, color).draw(context, view, frame);
    return;
  }
  const corners: Point[] = shape.type === "polygon"
    ? shape.points.map(([x, y]) => ({ x, y }))
    : [{ x: shape.x0, y: shape.y0 }, { x: shape.x1, y: shape.y0 }, { x: shape.x1, y: shape.y1 }, { x: shape.x0, y: shape.y1 }];
  outline(context, corners.map((p) => toScreen(view, frame, p)), color, true);
}

/** A line with a dark rim, so that it is seen on black and white. */
export function outline(context: CanvasRenderingContext2D, points: readonly Point[], color: string, closed: boolean): void {
  context.beginPath();
  points.forEach((p, i) => (i === 0 ? context.moveTo(p.x, p.y) : context.lineTo(p.x, p.y)));
  if (closed) context.closePath();
  for (const [style, width] of [[DARK, 4], [color, 2]] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke();
  }
}

/** A circle on the screen around an image point; `radius` in pixels of the image. */
export function circle(context: CanvasRenderingContext2D, view: View, frame: Frame, p: Point, radius: number, color: string): void {
  const at = toScreen(view, frame, p);
  for (const [style, width] of [[DARK, 3], [color, 1.5]] as const) {
    context.beginPath();
    context.ellipse(at.x, at.y, radius * view.scale, radius * view.scale * frame.aspect, 0, 0, 2 * Math.PI);
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke();
  }
}

/** A cross that marks where the keyboard draws. */
export function cross(context: CanvasRenderingContext2D, view: View, frame: Frame, p: Point): void {
  const at = toScreen(view, frame, p);
  outline(context, [{ x: at.x - 9, y: at.y }, { x: at.x + 9, y: at.y }], CHOSEN, false);
  outline(context, [{ x: at.x, y: at.y - 9 }, { x: at.x, y: at.y + 9 }], CHOSEN, false);
}

/** Red to yellow by value, ever less clear; as browsers keep pixels, the alpha last. */
const COLORS = Uint32Array.from({ length: 256 }, (_, value) => {
  const [green, blue, alpha] = [60 + (150 * value) / 255, 40 * (1 - value / 255), (170 * value) / 255].map(Math.round);
  return (235 | ((green ?? 0) << 8) | ((blue ?? 0) << 16) | ((alpha ?? 0) << 24)) >>> 0;
});

/** The model's map, gray from 0 to 255, as a picture that is clear where the model does not look. */
export function colored(map: ImageBitmap): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: map.width, height: map.height });
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.drawImage(map, 0, 0);
  const image = context.getImageData(0, 0, map.width, map.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = COLORS[(pixels[i] ?? 0) & 255] ?? 0;
  context.putImageData(image, 0, 0);
  return canvas;
}
