// View: where the image lies on the screen; pure. One view serves all linked pictures of a case.

import type { Point } from "./shapes";

export interface View {
  /** The image point in the middle of the picture, in pixels of the image. */
  readonly x: number;
  readonly y: number;
  /** Screen pixels to one pixel of the image, across. */
  readonly scale: number;
}

export interface Frame {
  /** Size on the screen, in CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** Size of the image, in pixels. */
  readonly columns: number;
  readonly rows: number;
  /** Height of a pixel over its width. */
  readonly aspect: number;
}

const MOST = 64; // screen pixels to a pixel of the image
const MARGIN = 8; // CSS pixels that stay free around a fitted image

/** The whole image, as large as it fits. */
export function fitted(frame: Frame): View {
  const across = Math.max(frame.width - 2 * MARGIN, 1) / frame.columns;
  const down = Math.max(frame.height - 2 * MARGIN, 1) / (frame.rows * frame.aspect);
  return { x: frame.columns / 2, y: frame.rows / 2, scale: Math.min(across, down) };
}

/** From an image point to CSS pixels of the picture. */
export function toScreen(view: View, frame: Frame, p: Point): Point {
  return {
    x: frame.width / 2 + (p.x - view.x) * view.scale,
    y: frame.height / 2 + (p.y - view.y) * view.scale * frame.aspect,
  };
}

/** From CSS pixels of the picture to an image point. */
export function toImage(view: View, frame: Frame, p: Point): Point {
  return {
    x: view.x + (p.x - frame.width / 2) / view.scale,
    y: view.y + (p.y - frame.height / 2) / (view.scale * frame.aspect),
  };
}

/** Larger by `factor` around a place on the screen, which keeps showing the same image point. */
export function zoomed(view: View, frame: Frame, at: Point, factor: number): View {
  const least = fitted(frame).scale / 2;
  const scale = Math.min(Math.max(view.scale * factor, least), Math.max(MOST, least));
  const held = toImage(view, frame, at);
  return within(
    {
      x: held.x - (at.x - frame.width / 2) / scale,
      y: held.y - (at.y - frame.height / 2) / (scale * frame.aspect),
      scale,
    },
    frame,
  );
}

/** Moved by so many CSS pixels. */
export function panned(view: View, frame: Frame, dx: number, dy: number): View {
  const moved = { ...view, x: view.x - dx / view.scale, y: view.y - dy / (view.scale * frame.aspect) };
  return within(moved, frame);
}

/** The middle of the picture stays on the image. */
function within(view: View, frame: Frame): View {
  const clip = (v: number, most: number): number => Math.min(Math.max(v, 0), most);
  return { ...view, x: clip(view.x, frame.columns), y: clip(view.y, frame.rows) };
}
