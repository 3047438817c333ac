"""What the runs recorded round by round besides metrics: classes, calibration, sizes, time."""

from collections.abc import Mapping, Sequence
from typing import Any

from foveal.report.reading import Arm, Results, finite, pooled


def classes_of(results: Results) -> tuple[str, ...]:
    """Class names in the order of the pool; those that occur in runs only come last, sorted."""
    named = [str(c) for c in (results.get("pool") or {}).get("classes") or ()]
    met: set[str] = set()
    for run in results.get("runs") or ():
        for key in ("class_counts", "recall_per_class"):
            met |= {str(c) for row in run.get(key) or () for c in row or ()}
    return (*named, *sorted(met - set(named)))


def asked_per_round(arm: Arm, classes: Sequence[str]) -> list[list[float]]:
    """(rounds + 1, classes) labels bought in each round, mean over seeds; row 0 is the seed set."""
    tables = [t for run in arm.runs if (t := _bought(run.get("class_counts") or (), classes))]
    if not tables:
        return []
    shortest = min(len(table) for table in tables)
    return [
        [sum(t[r][c] for t in tables) / len(tables) for c in range(len(classes))]
        for r in range(shortest)
    ]


def final_recall(arm: Arm) -> dict[str, list[float]]:
    """Recall after the last round by class, one value a seed."""
    found: dict[str, list[float]] = {}
    for run in arm.runs:
        rows = run.get("recall_per_class") or ()
        for name, value in (rows[-1] or {}).items() if rows else ():
            if (recall := finite(value)) is not None:
                found.setdefault(str(name), []).append(recall)
    return found


def reliability_of(arm: Arm) -> list[tuple[float, float, float]]:
    """(confidence, accuracy, count) of every bin that is not empty, pooled over the seeds."""
    bins: dict[int, list[tuple[float, float, float]]] = {}
    for run in arm.runs:
        table = run.get("reliability") or {}
        columns = [table.get(key) or () for key in ("confidence", "accuracy", "counts")]
        for i, row in enumerate(zip(*columns, strict=False)):
            c, a, n = (finite(v) for v in row)
            if c is not None and a is not None and n:
                bins.setdefault(i, []).append((c, a, n))
    return [_merged(bins[i]) for i in sorted(bins)]


def size_points_of(arm: Arm) -> list[tuple[float, float]]:
    """(area fraction > 0, misalignment) of the last recorded round of every seed."""
    points: list[tuple[float, float]] = []
    for run in arm.runs:
        rounds = [r for r in run.get("misalignment_size") or () if r.get("points")]
        for area, misalignment in rounds[-1]["points"] if rounds else ():
            a, m = finite(area), finite(misalignment)
            if a is not None and m is not None and a > 0:
                points.append((a, m))
    return points


def correlations_of(arm: Arm) -> list[tuple[int, float]]:
    """(round, Spearman's rho averaged over the seeds that have one), in the order of rounds."""
    found: dict[int, list[float]] = {}
    for run in arm.runs:
        for entry in run.get("misalignment_size") or ():
            if (rho := finite(entry.get("spearman"))) is not None:
                found.setdefault(int(entry.get("round", 0)), []).append(rho)
    return [(r, sum(values) / len(values)) for r, values in sorted(found.items())]


def advice_of(arm: Arm) -> list[Mapping[str, Any]]:
    """What the stopping criteria said at the last query of the first seed that has any."""
    told = [run["advice"][-1] for run in arm.runs if run.get("advice")]
    rows = told[0] if told else ()
    return [{**row, "criterion": str(row["criterion"]).replace("_", " ")} for row in rows]


def last_of(arm: Arm, key: str) -> tuple[float, float, int] | None:
    """Mean, deviation and count over seeds of the last entry of a list such as `cost_seconds`."""
    return pooled([run[key][-1] for run in arm.runs if run.get(key)])


def total_of(arm: Arm, key: str) -> tuple[float, float, int] | None:
    """The same for the sum of a list such as `wall_seconds`."""
    return pooled([sum(finite(v) or 0 for v in run[key]) for run in arm.runs if run.get(key)])


def notes_of(arm: Arm) -> list[tuple[str, list[int]]]:
    """Every note once, with the rounds in which any seed made it."""
    found: dict[str, set[int]] = {}
    for run in arm.runs:
        for r, notes in enumerate(run.get("notes") or ()):
            for note in notes or ():
                found.setdefault(str(note), set()).add(r)
    return [(note, sorted(rounds)) for note, rounds in found.items()]


def _bought(counts: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> list[list[float]]:
    table = [[finite((row or {}).get(c)) or 0.0 for c in classes] for row in counts]
    before = [[0.0] * len(classes), *table]
    return [
        [max(0.0, now - then) for now, then in zip(row, last, strict=True)]
        for row, last in zip(table, before, strict=False)
    ]


def _merged(rows: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    n = sum(row[2] for row in rows)
    return sum(c * k for c, _, k in rows) / n, sum(a * k for _, a, k in rows) / n, n
