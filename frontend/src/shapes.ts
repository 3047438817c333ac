// Shapes: what a reader draws, as boxes, polygons and painted pixels of the image's own grid.
// x runs to the right and y down from the image's corner (0, 0); pixel (i, j) covers
// [j, j + 1) in x and [i, i + 1) in y. Pure; agrees with `foveal.core.shapes`.

export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface Box {
  readonly type: "box";
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}
export interface Polygon {
  readonly type: "polygon";
  readonly points: readonly (readonly [number, number])[];
}
export interface Mask {
  readonly type: "mask";
  readonly runs: readonly number[];
}
export type Shape = Box | Polygon | Mask;

export interface Shapes {
  readonly version: 1;
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly Shape[];
}

const STEPS = 100; // coordinates are kept to a hundredth of a pixel

/** A coordinate inside [0, size], to a hundredth of a pixel. */
export function kept(value: number, size: number): number {
  return Math.min(Math.max(Math.round(value * STEPS) / STEPS, 0), size);
}

/** The box between two corners, inside the image; null if it has no width or height. */
export function boxOf(a: Point, b: Point, width: number, height: number): Box | null {
  const x0 = kept(Math.min(a.x, b.x), width);
  const x1 = kept(Math.max(a.x, b.x), width);
  const y0 = kept(Math.min(a.y, b.y), height);
  const y1 = kept(Math.max(a.y, b.y), height);
  return x0 < x1 && y0 < y1 ? { type: "box", x0, y0, x1, y1 } : null;
}

/** The polygon of at least three different points, inside the image; else null. */
export function polygonOf(points: readonly Point[], width: number, height: number): Polygon | null {
  const found: [number, number][] = [];
  for (const point of points) {
    const [x, y] = [kept(point.x, width), kept(point.y, height)];
    const last = found[found.length - 1];
    if (!last || last[0] !== x || last[1] !== y) found.push([x, y]);
  }
  const [first, last] = [found[0], found[found.length - 1]];
  if (found.length > 1 && first && last && first[0] === last[0] && first[1] === last[1]) found.pop();
  return found.length < 3 ? null : { type: "polygon", points: found };
}

/** Runs of a mask (1 inside, 0 outside) row by row, those outside and inside in turn, outside first. */
export function packRuns(mask: Uint8Array): number[] {
  const runs: number[] = [];
  let [at, other] = [0, 1];
  while (at < mask.length) {
    const found = mask.indexOf(other, at);
    const end = found < 0 ? mask.length : found;
    runs.push(end - at);
    [at, other] = [end, 1 - other];
  }
  return runs.length > 0 ? runs : [0];
}

/** The mask of its runs: 1 inside, 0 outside. */
export function unpackRuns(runs: readonly number[], size: number): Uint8Array {
  const mask = new Uint8Array(size);
  let at = 0;
  runs.forEach((length, i) => {
    if (i % 2 === 1) mask.fill(1, at, at + length);
    at += length;
  });
  return mask;
}

/** First and end of the pixels whose center lies in [low, high). */
function centers(low: number, high: number, size: number): [number, number] {
  const clip = (v: number): number => Math.min(Math.max(Math.ceil(v - 0.5), 0), size);
  return [clip(low), clip(high)];
}

/** The pixels whose center lies in a shape: 1 inside, 0 outside. */
export function rasterize(shape: Shape, width: number, height: number): Uint8Array {
  if (shape.type === "mask") return unpackRuns(shape.runs, width * height);
  const mask = new Uint8Array(width * height);
  if (shape.type === "box") {
    const [left, right] = centers(shape.x0, shape.x1, width);
    const [top, bottom] = centers(shape.y0, shape.y1, height);
    for (let row = top; row < bottom; row += 1) mask.fill(1, row * width + left, row * width + right);
  } else {
    for (let row = 0; row < height; row += 1) fillRow(mask, shape, row, width);
  }
  return mask;
}

/** Even-odd filling of one row of pixel centers. */
function fillRow(mask: Uint8Array, polygon: Polygon, row: number, width: number): void {
  const y = row + 0.5;
  const crossed: number[] = [];
  polygon.points.forEach(([ax, ay], i) => {
    const [bx, by] = polygon.points[(i + 1) % polygon.points.length] ?? [ax, ay];
    if (ay <= y !== by <= y) crossed.push(ax + ((y - ay) / (by - ay)) * (bx - ax));
  });
  crossed.sort((a, b) => a - b);
  for (let i = 0; i + 1 < crossed.length; i += 2) {
    const [first, end] = centers(crossed[i] ?? 0, crossed[i + 1] ?? 0, width);
    for (let x = first; x < end; x += 1) mask[row * width + x]! ^= 1;
  }
}

export interface Rect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** The smallest rectangle around what is inside, ends exclusive; null if nothing is. */
export function bounds(runs: readonly number[], width: number): Rect | null {
  let [at, x0, x1, y0, y1] = [0, width, 0, Infinity, 0];
  runs.forEach((length, i) => {
    const [end, inside] = [at + length, i % 2 === 1 && length > 0];
    if (inside) {
      const [first, last] = [Math.floor(at / width), Math.floor((end - 1) / width)];
      const whole = last > first; // it goes on in the next row, so both edges are reached
      [x0, x1] = [Math.min(x0, whole ? 0 : at % width), Math.max(x1, whole ? width : ((end - 1) % width) + 1)];
      [y0, y1] = [Math.min(y0, first), last + 1];
    }
    at = end;
  });
  return x1 > x0 ? { x0, y0, x1, y1 } : null;
}

/**
 * Paints (or clears) the pixels within `radius` of the way from a to b, and the pixel under b.
 * Gives the rectangle of pixels that may have changed, ends exclusive.
 */
export function paint(
  mask: Uint8Array, width: number, height: number, a: Point, b: Point, radius: number, value: 0 | 1,
): Rect {
  const rect = {
    x0: Math.max(Math.floor(Math.min(a.x, b.x) - radius - 1), 0),
    y0: Math.max(Math.floor(Math.min(a.y, b.y) - radius - 1), 0),
    x1: Math.min(Math.ceil(Math.max(a.x, b.x) + radius + 1), width),
    y1: Math.min(Math.ceil(Math.max(a.y, b.y) + radius + 1), height),
  };
  const limit = radius * radius;
  for (let row = rect.y0; row < rect.y1; row += 1) {
    for (let column = rect.x0; column < rect.x1; column += 1) {
      const near = squaredDistance({ x: column + 0.5, y: row + 0.5 }, a, b) <= limit;
      if (near) mask[row * width + column] = value;
    }
  }
  const [column, row] = [Math.floor(b.x), Math.floor(b.y)];
  if (column >= 0 && column < width && row >= 0 && row < height) mask[row * width + column] = value;
  return rect;
}

/** Squared distance of a point from the way between a and b. */
function squaredDistance(p: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(Math.max(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0), 1);
  return (p.x - a.x - t * dx) ** 2 + (p.y - a.y - t * dy) ** 2;
}

/** Whether a point lies in a shape. */
export function contains(shape: Shape, p: Point, width: number): boolean {
  if (shape.type === "box") return p.x >= shape.x0 && p.x < shape.x1 && p.y >= shape.y0 && p.y < shape.y1;
  if (shape.type === "polygon") {
    let inside = false;
    shape.points.forEach(([ax, ay], i) => {
      const [bx, by] = shape.points[(i + 1) % shape.points.length] ?? [ax, ay];
      if (ay <= p.y !== by <= p.y && p.x < ax + ((p.y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
    });
    return inside;
  }
  let [at, inside] = [Math.floor(p.y) * width + Math.floor(p.x), false];
  for (const length of shape.runs) {
    if (at < length) return inside;
    at -= length;
    inside = !inside;
  }
  return false;
}

/** Pixels inside a mask. */
export function area(mask: Mask): number {
  return mask.runs.reduce((sum, length, i) => (i % 2 === 1 ? sum + length : sum), 0);
}

/** A shape in words, for lists and for those who listen. */
export function described(shape: Shape): string {
  if (shape.type === "box") {
    return `Box, ${Math.round(shape.x1 - shape.x0)} × ${Math.round(shape.y1 - shape.y0)} px`;
  }
  if (shape.type === "polygon") return `Polygon, ${shape.points.length} points`;
  return `Painted, ${area(shape)} px`;
}
