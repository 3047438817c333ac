"""Rows of the tables of the page: every cell a finished piece of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foveal.report.contrasts import Contrast, against
from foveal.report.drawing import look_of
from foveal.report.glossary import metric_of, ordered
from foveal.report.reading import (
    MOST_ARMS,
    Arm,
    Results,
    arms_of,
    common_minutes,
    finite,
    metrics_of,
    pooled,
    value_at,
)
from foveal.report.rounds import final_recall, last_of, total_of
from foveal.report.words import (
    MISSING,
    TARGET_ARM,
    labels_to_target,
    number,
    plus_minus,
    whole_labels,
)

REGIONS = {
    "oracle": "hidden masks of the pool",
    "predicted": "predicted by a region head",
    "atlas": "mean of bought regions",
    "weak": "boxes or organ masks that exist beforehand",
    "none": "none",
}
MARKS: Mapping[str, str] = {"▲": "better", "▼": "worse"}  # than random choice, where it was shown
ASKED = {"mask": "class and mask", "box": "class and box", "none": "class only"}


@dataclass(frozen=True, slots=True)
class ArmName:
    """An arm as tables show it: its dot of color, its name, its mark."""

    name: str
    color: str = ""
    oracle: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A named row; `strong` is the set of positions of cells to emphasize."""

    arm: ArmName
    cells: tuple[str, ...]
    strong: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Block:
    """Rows under one heading of a table."""

    title: str
    rows: tuple[Row, ...]


def arm_name(arm: Arm) -> ArmName:
    """The name of an arm with its color and mark."""
    return ArmName(arm.name, look_of(arm).color, arm.oracle)


def asked_of(run: Results) -> str:
    """What the expert gives."""
    kind, share = str(run.get("annotate")), finite(run.get("region_share"))
    if kind in ("mask", "box") and share is not None and share < 1:
        return f"class, and {kind} of {share:.0%}".replace("%", " %")
    return ASKED.get(kind, MISSING)


def trained_with(run: Results) -> str:
    """What the network learns from beside classes, and whether it attends to its outlines."""
    losses = [
        f"{name} loss {weight:g}"
        for name in ("explanation", "region")
        if (weight := finite(run.get(f"{name}_weight")) or 0.0) > 0
    ]
    if run.get("task") == "segmentation":
        return "masks, pixel by pixel"
    attends = ["attention"] if run.get("pooling") == "attention" else []
    return ", ".join([*losses, *attends]) or "classes alone"


def arm_rows(results: Results) -> tuple[Row, ...]:
    """What distinguishes the arms: strategy, regions, what the expert gives, training, seeds."""
    return tuple(
        Row(
            arm_name(arm),
            (
                _strategy(arm.runs[0]),
                REGIONS.get(str(arm.runs[0].get("regions")), MISSING),
                asked_of(arm.runs[0]),
                trained_with(arm.runs[0]),
                _seeds([run.get("seed") for run in arm.runs]),
            ),
        )
        for arm in arms_of(results)
    )


def summary_blocks(results: Results) -> tuple[Block, ...]:
    """AUBC, final value and labels to random's final, a block a metric, a row an arm."""
    summary = results.get("summary") or {}
    names = ordered({str(m) for entry in summary.values() for m in entry or ()})
    blocks = [Block(metric_of(m).title, _summary_rows(results, summary, m)) for m in names]
    return tuple(block for block in blocks if block.rows)


def cost_rows(results: Results) -> tuple[Row, ...]:
    """What each arm cost, and how far it came in the minutes that all arms have spent.

    Cells: what the expert gives, labels, expert minutes, seconds a label, computing minutes, and
    the primary metric at the common minutes.
    """
    arms, metric = arms_of(results), next(iter(metrics_of(results)), "")
    common = common_minutes(arms, metric)
    return tuple(
        Row(
            arm_name(arm),
            (*cells, number(None if common is None else value_at(arm, metric, common))),
        )
        for arm in arms
        if (cells := _cost_cells(arm))
    )


def recall_rows(results: Results, classes: Sequence[str]) -> tuple[Row, ...]:
    """Final recall, a row an arm, a cell a class."""
    rows = []
    for arm in arms_of(results):
        recall = final_recall(arm)
        spreads = [pooled(recall.get(c, ())) for c in classes]
        if any(spreads):
            cells = tuple(plus_minus(*s[:2], digits=2) if s else MISSING for s in spreads)
            rows.append(Row(arm_name(arm), cells))
    return tuple(rows)


def round_rows(arm: Arm, metrics: Sequence[str]) -> list[tuple[str, ...]]:
    """Labels and every metric of a single run, round by round."""
    run = arm.runs[0]
    table = [(run.get("metrics") or {}).get(m) or () for m in metrics]
    return [
        (text(labels), *(number(finite(v[i])) if i < len(v) else MISSING for v in table))
        for i, labels in enumerate(run.get("labels") or ())
    ]


def definitions(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Nested settings as pairs of words: dotted name, value."""
    pairs: list[tuple[str, str]] = []
    for key, value in settings.items():
        name = str(key).replace("_", " ")
        if isinstance(value, Mapping) and value:
            pairs += [(f"{name}, {inner}", words) for inner, words in definitions(value)]
        else:
            pairs.append((name, text(value)))
    return pairs


def text(value: Any) -> str:
    """A setting as a person would write it."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {text(v)}" for k, v in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(text(v) for v in value) or "none"
    return str(value)


def _cost_cells(arm: Arm) -> tuple[str, ...]:
    labels, seconds = last_of(arm, "labels"), last_of(arm, "cost_seconds")
    if seconds is None:
        return ()
    wall = total_of(arm, "wall_seconds")
    return (
        asked_of(arm.runs[0]),
        number(labels[0] if labels else None, 0),
        number(seconds[0] / 60, 0),
        number(seconds[0] / labels[0] if labels and labels[0] else None, 0),
        number(wall[0] / 60 if wall else None, 1),
    )


def _seeds(seeds: Sequence[Any]) -> str:
    first = seeds[0]
    if len(seeds) > 2 and isinstance(first, int) and seeds == [*range(first, first + len(seeds))]:
        return f"{first} to {seeds[-1]}"
    return ", ".join(text(seed) for seed in seeds)


def _strategy(run: Results) -> str:
    parameters = run.get("parameters") or {}
    name = str(run.get("acquire") or run.get("strategy") or MISSING)
    inner = ", ".join(f"{k} = {text(v)}" for k, v in parameters.items())
    return f"{name} ({inner})" if inner else name


def _summary_rows(results: Results, summary: Results, metric: str) -> tuple[Row, ...]:
    arms = {arm.name: arm for arm in arms_of(results)}
    found = [(name, entry[metric]) for name, entry in summary.items() if (entry or {}).get(metric)]
    never = "not reached" if TARGET_ARM in summary else MISSING
    best = [_best(found, key, metric, arms) for key in ("aubc", "final")]
    tests = _against_random(results, metric)
    rows = []
    for name, entry in found:
        known = arms.get(name)
        strong = frozenset(i for i, b in enumerate(best) if b == name)
        need = labels_to_target(results, name, metric)
        reached = f"{whole_labels(need):,}" if need is not None else never
        area = f"{_mark(tests.get(name))}{_spread(entry.get('aubc'))}"
        cells = (area, _spread(entry.get("final")), reached)
        rows.append(Row(arm_name(known) if known else ArmName(name), cells, strong))
    if len(rows) > MOST_ARMS:
        sign = -1 if metric_of(metric).better == "higher" else 1
        areas = {n: finite((e.get("aubc") or {}).get("mean")) for n, e in found}
        rows.sort(key=lambda row: sign * (areas[row.arm.name] or 0))
    return tuple(rows)


def _against_random(results: Results, metric: str) -> Mapping[str, Contrast]:
    arms = arms_of(results)
    rival = next((arm.name for arm in arms if arm.baseline), None)
    return {} if rival is None else against(results, metric, rival, arms)


def _mark(test: Contrast | None) -> str:
    if test is None or not (test.better or test.worse):
        return ""
    return "▲ " if test.better else "▼ "


def _best(
    found: Sequence[tuple[str, Results]], key: str, metric: str, arms: Mapping[str, Arm]
) -> str | None:
    honest = [(n, e) for n, e in found if n not in arms or not arms[n].oracle]
    means = {n: m for n, e in honest if (m := finite((e.get(key) or {}).get("mean"))) is not None}
    if len(means) < 2:
        return None
    choose = max if metric_of(metric).better == "higher" else min
    return choose(means, key=lambda n: means[n])


def _spread(entry: Mapping[str, Any] | None) -> str:
    entry = entry or {}
    return plus_minus(finite(entry.get("mean")), finite(entry.get("std")))
