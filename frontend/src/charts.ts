// Charts: the learning curve with its interval, and bars; plain drawings with words for those who listen.

import { s } from "./dom";
import type { CurvePoint } from "./records";

const [WIDTH, HEIGHT] = [560, 250];
const MARGIN = { left: 44, right: 14, top: 12, bottom: 34 };

interface Line {
  readonly name: string;
  readonly words: string;
  /** What it says to somebody who reads images. */
  readonly meaning: string;
  readonly style: string;
}

/** Metrics that are shown, as far as a project has them. */
const METRICS: readonly Line[] = [
  { name: "macro_auroc", words: "AUROC", meaning: "how well the model tells the classes apart: 1 is always, 0.5 is no better than chance", style: "line-1" },
  { name: "balanced_accuracy", words: "Balanced accuracy", meaning: "share of cases in which it names the right class, each class counting the same", style: "line-2" },
  { name: "dice", words: "Dice", meaning: "how far its regions and those of readers overlap: 0 is not at all, 1 is wholly", style: "line-1" },
];

/** Metrics that a curve has values of. */
export function shownMetrics(curve: readonly CurvePoint[]): readonly Line[] {
  return METRICS.filter(({ name }) => curve.some((point) => typeof point.metrics[name] === "number"));
}

/** Whole steps that cover a range, at most six. */
export function ticks(low: number, high: number, most = 6): number[] {
  const span = Math.max(high - low, 1e-9);
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => span / one <= most) ?? span;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The curve of all trainings; null before the first. */
export function curveChart(curve: readonly CurvePoint[]): SVGElement | null {
  const lines = shownMetrics(curve);
  if (curve.length === 0 || lines.length === 0) return null;
  const all = curve.flatMap((point) => lines.flatMap(({ name }) => [point.metrics[name], ...(point.interval[name] ?? [])]))
    .filter((value): value is number => typeof value === "number");
  const low = Math.max(Math.floor(Math.min(...all) * 10) / 10, 0);
  const high = Math.min(Math.ceil(Math.max(...all) * 10) / 10, 1) || 1;
  const most = Math.max(...curve.map((point) => point.labels), 1);
  const x = (labels: number): number => MARGIN.left + (labels / most) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number): number => HEIGHT - MARGIN.bottom - ((value - low) / (high - low || 1)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const last = curve[curve.length - 1];
  const told = lines.map(({ name, words }) => `${words} ${last?.metrics[name]?.toFixed(3) ?? "none"}`).join(", ");
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "data-testid": "curve", "aria-label": `Learning curve on the test cases: after ${last?.labels} cases read for training ${told}` },
    ...axes(x, y, low, high, most), ...lines.flatMap((line) => drawn(curve, line, x, y)));
}

type Scale = (value: number) => number;

function axes(x: Scale, y: Scale, low: number, high: number, most: number): SVGElement[] {
  const across = ticks(low, high).flatMap((value) => [
    s("line", { class: "grid", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(value), y2: y(value) }),
    s("text", { x: MARGIN.left - 7, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(value % 0.1 > 0.001 && value % 0.1 < 0.099 ? 2 : 1)),
  ]);
  const down = ticks(0, most).map((value) => s("text", { x: x(value), y: HEIGHT - MARGIN.bottom + 16, "text-anchor": "middle" }, String(value)));
  return [...across, ...down, s("text", { x: (MARGIN.left + WIDTH - MARGIN.right) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, "Cases read for training")];
}

function drawn(curve: readonly CurvePoint[], line: Line, x: Scale, y: Scale): SVGElement[] {
  const points = curve.filter((point) => typeof point.metrics[line.name] === "number");
  const at = (point: CurvePoint, value: number): string => `${x(point.labels).toFixed(1)},${y(value).toFixed(1)}`;
  const banded = points.filter((point) => point.interval[line.name]);
  const upper = banded.map((point) => at(point, point.interval[line.name]![1]));
  const lower = banded.map((point) => at(point, point.interval[line.name]![0])).reverse();
  const path = points.map((point) => at(point, point.metrics[line.name]!));
  return [
    ...(banded.length > 1 ? [s("polygon", { class: `band ${line.style}`, points: [...upper, ...lower].join(" ") })] : []),
    s("polyline", { class: `curve ${line.style}`, points: path.join(" ") }),
    ...points.map((point) => s("circle", { class: `point ${line.style}`, cx: x(point.labels), cy: y(point.metrics[line.name]!), r: 3.5 },
      s("title", {}, `${line.words} ${point.metrics[line.name]!.toFixed(3)} after ${point.labels} cases, on ${point.tested_on} test cases`))),
  ];
}
