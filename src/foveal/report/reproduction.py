"""Published beside ours: the table of a reproduction, and how far the two are alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.core.preset import PERCENT, Aspect, Preset, Published, filled, same
from foveal.evaluate import aubc, paired_t
from foveal.report.reference import against_all
from foveal.report.words import MISSING, number, p_words, signed

Run = Mapping[str, Any]
BASELINE = "random"


@dataclass(frozen=True, slots=True)
class Stood:
    """One published number and ours beside it, as finished text.

    differs: names of what is not alike; empty where the two can be compared.
    """

    what: str
    arm: str
    theirs: str
    source: str
    ours: str
    differs: tuple[str, ...]


def stood_beside(
    preset: Preset, data: str, results: Mapping[str, Any], rare: Sequence[str] = ()
) -> tuple[Stood, ...]:
    """A row for each published number.

    Args:
        data: what the user calls the data set.
        results: the content of its results.json.
        rare: classes that were made rare.
    """
    unlike = tuple(a.aspect for a in preset.protocol if not same(a, results["spec"]))
    rows = []
    for one in preset.published:
        here = () if one.data.casefold() == data.casefold() else ("data",)
        rows.append(
            Stood(
                f"{one.data}: {one.what}",
                one.arm,
                theirs_of(one),
                one.source,
                ours_of(one, results["runs"], rare, results.get("reference")),
                (*here, *unlike),
            )
        )
    return tuple(rows)


def theirs_of(one: Published) -> str:
    """The published number with its unit, or the words that are public."""
    if one.value is None:
        return one.told or MISSING
    digits = _digits(one)
    told = number(one.value, digits) if one.measure != "gain" else signed(one.value, digits)
    spread = "" if one.spread is None else f" ± {number(one.spread, digits)}"
    return f"{told}{spread}{_unit(one)}"


def ours_of(
    one: Published,
    runs: Sequence[Run],
    rare: Sequence[str] = (),
    reference: Mapping[str, Any] | None = None,
) -> str:
    """Mean and deviation over the seeds of the arm that stands beside a published number."""
    if one.measure == "share_to_full":
        return _share_words(one, runs, reference)
    values = measured(one, runs, rare)
    if not values:
        return "not run"
    scale = 100 if one.unit in PERCENT else 1
    mean = scale * float(np.mean(values))
    digits = _digits(one)
    told = signed(mean, digits) if one.measure in ("gain", "lead") else number(mean, digits)
    spread = (
        f" ± {number(scale * float(np.std(values, ddof=1)), digits)}" if len(values) > 1 else ""
    )
    p = paired_t(values, [0.0] * len(values)) if one.measure == "lead" and len(values) > 1 else None
    sure = "" if p is None else f", p {p_words(p)}"
    return f"{told}{spread}{_unit(one)} ({len(values)} seed{'s' * (len(values) != 1)}{sure})"


def measured(one: Published, runs: Sequence[Run], rare: Sequence[str] = ()) -> list[float]:
    """What the arm reached, a number a seed; none for seeds without it.

    Metrics are fractions, `rare_found` a count; `lead` is the paired difference to `random`.
    """
    mine = {run["seed"]: run for run in runs if run["strategy"] == one.arm}
    base = {run["seed"]: run for run in runs if run["strategy"] == BASELINE}
    values = []
    for seed, run in sorted(mine.items()):
        value = _value(one, run, rare)
        if one.measure == "lead":
            other = _value(one, base[seed], rare) if seed in base else None
            value = None if value is None or other is None else value - other
        if value is not None:
            values.append(value)
    return values


def _share_words(one: Published, runs: Sequence[Run], reference: Mapping[str, Any] | None) -> str:
    """The share of labels of the mean curve, and how near to all labels its end comes."""
    row = next((r for r in against_all(runs, reference, one.metric) if r.arm == one.arm), None)
    if row is None:
        return "not run"
    said = "not reached" if row.share is None else f"{100 * row.share:.1f} %"
    return f"{said} (at the end {100 * row.of_full:.0f} % of the full value)"


def _value(one: Published, run: Run, rare: Sequence[str]) -> float | None:
    curve = _curve(one.metric, run, rare)
    if one.measure in ("aubc", "lead"):
        return aubc(run["labels"], curve) if any(v is not None for v in curve) else None
    if one.measure == "final":
        return curve[-1] if curve else None
    if len(curve) < 2 or curve[1] is None:
        return None
    if one.measure == "first":
        return curve[1]
    return None if curve[0] is None else curve[1] - curve[0]


def _curve(metric: str, run: Run, rare: Sequence[str]) -> list[float | None]:
    if metric == "rare_found" and rare:
        counts = [sum(row.get(c, 0) for c in rare) for row in run["class_counts"]]
        return [float(n - counts[0]) for n in counts]
    if metric == "rare_recall" and rare:
        return [_mean([row.get(c) for c in rare]) for row in run["recall_per_class"]]
    return list(run["metrics"].get(metric, ()))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _digits(one: Published) -> int:
    return {"%": 2, "points": 1, "images": 1, "": 3}[one.unit]


def _unit(one: Published) -> str:
    return f" {one.unit}" if one.unit else ""


def markdown(
    preset: Preset,
    sets: Mapping[str, Mapping[str, Any]],
    command: str,
    rare: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The whole page: published beside ours for every set, the protocols, and what is not public.

    Args:
        sets: the user's name of a data set to the content of its results.json, one or more.
        command: how this was made.
        rare: the user's name of a data set to the classes made rare in it.
    """
    lines = [f"# {preset.title}", "", preset.paper, "", f"    {command}"]
    for name, results in sets.items():
        rows = stood_beside(preset, name, results, (rare or {}).get(name, ()))
        lines += ["", f"## Published beside ours: {name}", "", *_table(rows), "", likeness(rows)]
        lines += ["", f"### The protocol: {name}", "", *_protocol(preset.protocol, results["spec"])]
        lines += [f"\nNote: {warning}" for warning in results.get("warnings", ())]
    lines += ["", "## Not public", "", *(f"- {fact}" for fact in preset.not_public), ""]
    return "\n".join(lines)


def likeness(rows: Sequence[Stood]) -> str:
    """Whether the numbers can be compared, in a sentence or two."""
    shared = [a for a in (rows[0].differs if rows else ()) if all(a in r.differs for r in rows)]
    if not shared:
        return "Like for like where the last column says yes."
    return (
        f"Not like for like: {', '.join(shared)} differ in every row. The published number says "
        "what was reached there, not what should be reached here; compare the order of the arms."
    )


def _table(rows: Sequence[Stood]) -> list[str]:
    head = ("published for", "source", "published", "ours", "arm here", "like for like")
    cells = [
        (r.what, r.source, r.theirs, r.ours, r.arm, "yes" if not r.differs else "no") for r in rows
    ]
    return _markdown_table(head, cells)


def _protocol(aspects: Sequence[Aspect], spec: Mapping[str, Any]) -> list[str]:
    head = ("aspect", "theirs", "ours", "the same")
    return _markdown_table(
        head,
        [
            (a.aspect, a.theirs, filled(a.ours, spec), "yes" if same(a, spec) else "no")
            for a in aspects
        ],
    )


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"

    return [line(head), "|" + "---|" * len(head), *(line(row) for row in rows)]
