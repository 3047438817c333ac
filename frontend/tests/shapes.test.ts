import { describe, expect, it } from "vitest";
import { area, bounds, boxOf, contains, kept, packRuns, paint, polygonOf, rasterize, unpackRuns, type Shape } from "../src/shapes";

const count = (mask: Uint8Array): number => mask.reduce((sum, value) => sum + value, 0);

function chance(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

describe("runs", () => {
  it("give back every mask, and cover it exactly", () => {
    const random = chance(3);
    for (let round = 0; round < 50; round += 1) {
      const mask = Uint8Array.from({ length: 1 + Math.floor(random() * 60) }, () => (random() < 0.4 ? 1 : 0));
      const runs = packRuns(mask);
      expect(unpackRuns(runs, mask.length)).toEqual(mask);
      expect(runs.reduce((sum, n) => sum + n, 0)).toBe(mask.length);
      expect(area({ type: "mask", runs })).toBe(count(mask));
    }
  });

  it("begin with the pixels outside, even if there are none", () => {
    expect(packRuns(Uint8Array.of(1, 1, 0))).toEqual([0, 2, 1]);
    expect(packRuns(Uint8Array.of(0, 0))).toEqual([2]);
  });
});

describe("the rectangle around a mask", () => {
  it("is the smallest one that holds all that is inside", () => {
    const random = chance(5);
    for (let round = 0; round < 200; round += 1) {
      const [width, height] = [1 + Math.floor(random() * 9), 1 + Math.floor(random() * 7)];
      const mask = Uint8Array.from({ length: width * height }, () => (random() < 0.15 ? 1 : 0));
      const inside = [...mask.keys()].filter((at) => mask[at]);
      const [xs, ys] = [inside.map((at) => at % width), inside.map((at) => Math.floor(at / width))];
      const wanted = inside.length === 0 ? null : { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs) + 1, y1: Math.max(...ys) + 1 };
      expect(bounds(packRuns(mask), width)).toEqual(wanted);
    }
  });
});

describe("boxes and polygons", () => {
  it("stay inside the image, whichever way they are drawn", () => {
    expect(boxOf({ x: 9.996, y: 50 }, { x: -3, y: 2.5 }, 20, 30)).toEqual({ type: "box", x0: 0, y0: 2.5, x1: 10, y1: 30 });
    expect(kept(20.0001, 20)).toBe(20);
  });

  it("need a surface", () => {
    expect(boxOf({ x: 3, y: 4 }, { x: 3.001, y: 9 }, 20, 20)).toBeNull();
    expect(polygonOf([{ x: 1, y: 1 }, { x: 5, y: 1 }, { x: 5, y: 1.001 }], 20, 20)).toBeNull();
    expect(polygonOf([{ x: 1, y: 1 }, { x: 5, y: 1 }, { x: 5, y: 5 }, { x: 1, y: 1 }], 20, 20)?.points).toHaveLength(3);
  });

  it("hold the pixels whose center lies inside", () => {
    const box: Shape = { type: "box", x0: 1.5, y0: 0, x1: 3.5, y1: 1 };
    expect([...rasterize(box, 5, 1)]).toEqual([0, 1, 1, 0, 0]);
    const square: Shape = { type: "polygon", points: [[1, 1], [4, 1], [4, 3], [1, 3]] };
    const same: Shape = { type: "box", x0: 1, y0: 1, x1: 4, y1: 3 };
    expect(rasterize(square, 6, 5)).toEqual(rasterize(same, 6, 5));
  });

  it("leave a hole where an outline is crossed twice", () => {
    const ring: Shape = { type: "polygon", points: [[0, 0], [6, 0], [6, 6], [0, 6], [0, 0], [2, 2], [2, 4], [4, 4], [4, 2], [2, 2]] };
    expect(count(rasterize(ring, 6, 6))).toBe(36 - 4);
  });

  it("contain exactly the centers of their pixels", () => {
    const random = chance(11);
    for (let round = 0; round < 20; round += 1) {
      const points = Array.from({ length: 5 }, () => ({ x: random() * 12, y: random() * 9 }));
      const polygon = polygonOf(points, 12, 9)!;
      const mask = rasterize(polygon, 12, 9);
      const drawn: Shape = { type: "mask", runs: packRuns(mask) };
      mask.forEach((value, i) => {
        const center = { x: (i % 12) + 0.5, y: Math.floor(i / 12) + 0.5 };
        expect(contains(polygon, center, 12)).toBe(value === 1);
        expect(contains(drawn, center, 12)).toBe(value === 1);
      });
    }
  });
});

describe("brush", () => {
  it("paints the pixels within its radius of the way, and clears the same ones", () => {
    const [width, height] = [20, 12];
    const mask = new Uint8Array(width * height);
    const [a, b] = [{ x: 4, y: 6 }, { x: 14, y: 6 }];
    paint(mask, width, height, a, b, 3, 1);
    mask.forEach((value, i) => {
      const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
      const dx = Math.max(a.x - x, 0, x - b.x);
      expect(value).toBe(dx * dx + (y - 6) ** 2 <= 9 ? 1 : 0);
    });
    paint(mask, width, height, a, b, 3, 0);
    expect(count(mask)).toBe(0);
  });

  it("is never smaller than the pixel under it, and never leaves the image", () => {
    const mask = new Uint8Array(9);
    paint(mask, 3, 3, { x: 1.05, y: 1.95 }, { x: 1.05, y: 1.95 }, 0.2, 1);
    expect([...mask]).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0]);
    expect(() => paint(mask, 3, 3, { x: -50, y: 9 }, { x: -40, y: 70 }, 4, 1)).not.toThrow();
    expect(count(mask)).toBe(1);
  });

  it("tells which rectangle it changed", () => {
    const mask = new Uint8Array(400);
    const rect = paint(mask, 20, 20, { x: 5, y: 5 }, { x: 9, y: 7 }, 2, 1);
    mask.forEach((value, i) => {
      const [x, y] = [i % 20, Math.floor(i / 20)];
      if (value) expect(x >= rect.x0 && x < rect.x1 && y >= rect.y0 && y < rect.y1).toBe(true);
    });
  });
});
