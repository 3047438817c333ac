import { describe, expect, it } from "vitest";
import { Board } from "../src/board";
import { ticks } from "../src/charts";
import { ReadingClock } from "../src/clock";
import { CLASS, closing, DRAWING, KEYS, LOOKING, undo, type Easel } from "../src/keys";
import { Drawing } from "../src/tools/drawing";
import { begun, done, redone, undone } from "../src/undo";
import { fitted, panned, toImage, toScreen, zoomed, type Frame } from "../src/view";

describe("clock", () => {
  it("counts reading and no pauses", () => {
    const clock = new ReadingClock(120, 1000);
    clock.active(1010);
    clock.active(1500); // a pause of 490 s
    clock.active(1505);
    expect(clock.seconds(1507)).toBe(17);
    expect(clock.seconds(1800)).toBe(15);
  });

  it("stands still while the page is hidden, and goes on with what was read before", () => {
    const clock = new ReadingClock(120, 0, 30);
    clock.pause(4);
    expect(clock.seconds(60)).toBe(34);
    clock.active(60);
    expect(clock.seconds(65)).toBe(39);
  });
});

describe("undo", () => {
  it("goes back and forth, and forgets what was undone when something else is done", () => {
    let trail = done(done(begun("a"), "b"), "c");
    expect(undone(undone(undone(trail))).now).toBe("a");
    expect(redone(redone(redone(undone(undone(trail))))).now).toBe("c");
    trail = done(undone(trail), "d");
    expect([trail.now, redone(trail).now, undone(trail).now]).toEqual(["d", "d", "b"]);
  });
});

describe("view", () => {
  const frame: Frame = { width: 900, height: 700, columns: 160, rows: 128, aspect: 1.5 };

  it("finds every image point again on the screen", () => {
    const view = panned(zoomed(fitted(frame), frame, { x: 200, y: 300 }, 3), frame, 13, -40);
    for (const p of [{ x: 0, y: 0 }, { x: 31.25, y: 77.5 }, { x: 160, y: 128 }]) {
      const back = toImage(view, frame, toScreen(view, frame, p));
      expect(back.x).toBeCloseTo(p.x, 9);
      expect(back.y).toBeCloseTo(p.y, 9);
    }
  });

  it("shows the whole image when fitted", () => {
    const view = fitted(frame);
    const [a, b] = [toScreen(view, frame, { x: 0, y: 0 }), toScreen(view, frame, { x: 160, y: 128 })];
    expect(Math.min(a.x, a.y)).toBeGreaterThanOrEqual(0);
    expect(b.x).toBeLessThanOrEqual(900);
    expect(b.y).toBeLessThanOrEqual(700);
  });

  it("zooms around the pointer", () => {
    const at = { x: 500, y: 250 };
    const view = fitted(frame);
    const held = toImage(view, frame, at);
    const there = toScreen(zoomed(view, frame, at, 2), frame, held);
    expect([there.x, there.y].map((v) => Math.round(v))).toEqual([500, 250]);
  });
});

describe("ticks", () => {
  it("are round, inside the range and few", () => {
    expect(ticks(0.5, 1)).toEqual([0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    expect(ticks(0, 120)).toEqual([0, 20, 40, 60, 80, 100, 120]);
    expect(ticks(0, 4).every(Number.isInteger)).toBe(true);
  });
});

describe("keys", () => {
  const easel = () => {
    const board = new Board(() => undefined);
    board.open(100, 100, []);
    return { board, drawing: new Drawing(board, () => undefined), phase: "reading", tools: ["polygon"], viewer: { redraw: () => undefined } };
  };

  it("do one thing each", () => {
    for (const list of [KEYS, [CLASS, ...DRAWING, ...LOOKING]]) {
      const all = list.flatMap(({ keys }) => keys);
      expect(new Set(all).size).toBe(all.length);
    }
  });

  it("take back the last corner of an open polygon before anything else", () => {
    const on = easel();
    on.board.add({ type: "box", x0: 1, y0: 1, x1: 9, y1: 9 });
    on.drawing.take("polygon");
    for (const x of [20, 40]) {
      on.drawing.polygon.down({ x, y: 20 }, 1);
      on.drawing.polygon.up();
    }
    const seen = [0, 1, 2].map(() => (undo(on as unknown as Easel), [on.drawing.polygon.points.length, on.board.shapes.length]));
    expect(seen).toEqual([[1, 1], [0, 1], [0, 0]]);
  });

  it("close an open polygon before they save", () => {
    const on = easel();
    let saved = 0;
    const enter = closing<Easel>(() => (saved += 1));
    on.drawing.take("polygon");
    for (const [x, y] of [[20, 20], [60, 20], [60, 60]] as const) on.drawing.polygon.down({ x, y }, 1);
    enter(on as unknown as Easel);
    expect([saved, on.board.shapes.length]).toEqual([0, 1]);
    enter(on as unknown as Easel);
    expect(saved).toBe(1);
  });
});
