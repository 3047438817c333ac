"""Folds: the runs of one arm and seed on every fold become one, whose metrics are their means."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

FIRST = ("misalignment_size", "advice", "reliability", "recall_per_class", "subgroups")
MEANS = ("cost_seconds", "wall_seconds", "ask_seconds")


def merged(records: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """One record for each arm and seed, in the order in which they first occur.

    A mean over folds is taken round by round, of the folds where the metric exists; what cannot be
    averaged is that of the first fold. `by_fold` keeps each fold's metrics. An arm and seed that
    lacks a fold is left out, for its mean would be over other patients.

    Args:
        records: of `run_record`, with `fold` None where there is one split only.
    Returns:
        the records, and what was left out, in words.
    """
    groups: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["strategy"], record["seed"]), []).append(record)
    folds = max((len(group) for group in groups.values()), default=0)
    whole = [group for group in groups.values() if len(group) == folds]
    lacking = [
        f"{name} with seed {seed} has ended on {len(group)} of {folds} folds and is left out"
        for (name, seed), group in groups.items()
        if len(group) < folds
    ]
    return [_joined(sorted(group, key=lambda r: r["fold"] or 0)) for group in whole], lacking


def _joined(group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = dict(group[0])
    if len(group) == 1:
        return first
    rounds = min(len(record["labels"]) for record in group)
    joined = first | {key: _means([r[key] for r in group]) for key in MEANS}
    joined |= {key: first[key] for key in FIRST if key in first}
    joined |= {
        "fold": None,
        "labels": [int(np.mean([r["labels"][i] for r in group])) for i in range(rounds)],
        "metrics": _metrics([r["metrics"] for r in group]),
        "validation": _metrics([r["validation"] for r in group]),
        "by_fold": [r["metrics"] for r in group],
        "queried": [[i for r in group for i in r["queried"][n]] for n in range(rounds)],
        "notes": [sorted({t for r in group for t in r["notes"][n]}) for n in range(rounds)],
        "class_counts": [_sums([r["class_counts"][n] for r in group]) for n in range(rounds)],
        "gallery": [one for r in group for one in r["gallery"]],
        "pool_digest": _digest(r["pool_digest"] for r in group),
    }
    return joined


def _digest(pools: Iterable[str]) -> str:
    return hashlib.sha256("".join(pools).encode()).hexdigest()


def _metrics(each: Sequence[Mapping[str, Sequence[float | None]]]) -> dict[str, Any]:
    names = sorted({name for metrics in each for name in metrics})
    return {name: _means([m[name] for m in each if name in m]) for name in names}


def _means(curves: Sequence[Sequence[float | None]]) -> list[float | None]:
    shortest = min(len(curve) for curve in curves)
    return [_mean([curve[i] for curve in curves]) for i in range(shortest)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _sums(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {name: sum(c.get(name, 0) for c in counts) for name in counts[0]}
