"""Results: journals as the plain dictionary that results.json and reports are made of."""

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from foveal import __version__
from foveal.core.files import write_whole
from foveal.core.pool import Pool
from foveal.core.spec import ExperimentSpec, settled
from foveal.evaluate import rankings, verdict, warnings_for
from foveal.loop.folds import merged
from foveal.loop.wants import wanted
from foveal.store import State

REPORTED = "test"


def run_record(name: str, spec: ExperimentSpec, state: State, pool: Pool) -> dict[str, Any]:
    """One run: arrays have an entry for each round that was trained."""
    n, taught = len(state.trained), settled(spec)
    return {
        "strategy": name,
        "task": spec.task,
        "acquire": spec.acquire.strategy,
        "parameters": dict(spec.acquire.parameters),
        "regions": spec.regions.source,
        "annotate": spec.regions.annotate,
        "region_share": spec.regions.share,
        "explanation_weight": taught.train.explanation_weight,
        "region_weight": taught.train.region_weight,
        "pooling": taught.model.pooling,
        "oracle": spec.regions.source == "oracle",
        "seed": spec.seed,
        "fold": spec.data.fold,
        "labels": _labels(state)[:n],
        "metrics": _metrics(state, REPORTED),
        "validation": _metrics(state, "val"),
        "queried": [list(q.ids) for q in state.queries[:n]],
        "cost_seconds": _costs(spec, state, pool)[:n],
        "wall_seconds": _wall(state),
        "ask_seconds": [round(float(d["seconds"]), 3) for d in state.details if "seconds" in d],
        "class_counts": _class_counts(state, pool)[:n],
        "recall_per_class": [t.details[REPORTED].get("recall_per_class") for t in state.trained],
        "reliability": state.trained[-1].details[REPORTED].get("reliability") if n else None,
        "misalignment_size": [
            d["misalignment_size"] for d in state.details if "misalignment_size" in d
        ],
        "advice": [d["advice"] for d in state.details if "advice" in d],
        "notes": [list(q.notes) for q in state.queries[:n]],
        "pool_digest": pool.digest(),
    }


def results_of(
    spec: Mapping[str, Any],
    created: Mapping[str, Any],
    runs: Sequence[Mapping[str, Any]],
    command: str,
    machine: Mapping[str, Any],
    failures: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """All runs with what they say together, and warnings.

    Args:
        spec: the experiment as the user wrote it, defaults filled in.
        created: the `created` entry of one run's journal; all runs share pool and splits.
        failures: of runs that are not among `runs`, as `study.attempt` records them.
    """
    parts = list(created["parts"].values())
    whole, lacking = merged([run for run in runs if not run.get("everything")])
    full, _ = merged([run for run in runs if run.get("everything")])
    return {
        "version": __version__,
        "name": spec["name"],
        "command": command,
        "spec": dict(spec),
        "pool": {
            "digest": created["pool_digest"],
            "classes": created["classes"],
            "counts": {part: parts.count(part) for part in sorted(set(parts))},
            "receipt": created["receipt"],
        },
        "runs": whole,
        **({"reference": reference_of(full)} if full else {}),
        **judged(whole, failures, lacking),
        "machine": dict(machine),
    }


def judged(
    runs: Sequence[Mapping[str, Any]],
    failures: Sequence[Mapping[str, Any]] = (),
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """All of results.json that follows from its runs; see `evaluate.verdict`."""
    return {
        **verdict(runs),
        "failures": list(failures),
        "warnings": [*_failed(failures), *notes, *warnings_for(runs), *_own_warnings(runs)],
    }


def reference_of(full: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What training on all candidates gives: {"labels", "seeds", "metrics": {name: [a seed each]}}.

    With folds also `by_fold`, for each seed a list of {name: value}, a fold each.

    Args:
        full: a record for each seed, of one round.
    """
    names = sorted({name for run in full for name in run["metrics"]})
    folds = [
        [{name: curve[-1] for name, curve in one.items()} for one in run["by_fold"]]
        for run in full
        if "by_fold" in run
    ]
    return {
        "labels": full[0]["labels"][-1],
        "seeds": [run["seed"] for run in full],
        "metrics": {name: [run["metrics"].get(name, [None])[-1] for run in full] for name in names},
        **({"by_fold": folds} if folds else {}),
    }


def results_of_sets(
    sets: Mapping[str, Mapping[str, Any]], command: str, machine: Mapping[str, Any]
) -> dict[str, Any]:
    """Comparisons on several data sets, and the ranking of the arms over them.

    Args:
        sets: what `results_of` returned, by the folder in which it lies.

    Returns:
        {"version", "name", "command", "sets": [{"name", "folder", "failures": how many, "metrics":
        {metric: {arm: {"aubc", "final"}}}}], "ranking", see `evaluate.rankings`, "machine"}.
    """
    summaries = {folder: results["summary"] for folder, results in sets.items()}
    return {
        "version": __version__,
        "name": f"{len(sets)} data sets",
        "command": command,
        "sets": [
            {
                "name": results["name"],
                "folder": folder,
                "failures": len(results["failures"]),
                "metrics": _means(results["summary"]),
            }
            for folder, results in sets.items()
        ],
        "ranking": rankings(summaries),
        "machine": dict(machine),
    }


def write_results(results: Mapping[str, Any], folder: Path) -> Path:
    """Write `results.json` whole."""
    path = folder / "results.json"
    write_whole(path, json.dumps(results, separators=(",", ":"), allow_nan=False).encode())
    return path


def _metrics(state: State, part: str) -> dict[str, list[float | None]]:
    rounds = [t.metrics.get(part, {}) for t in state.trained]
    names = {name for metrics in rounds for name in metrics}
    return {name: [metrics.get(name) for metrics in rounds] for name in sorted(names)}


def _labels(state: State) -> list[int]:
    rounds = [a.round for a in state.annotations.values() if a.verdict == "labeled"]
    return [sum(r <= q.round for r in rounds) for q in state.queries]


def _costs(spec: ExperimentSpec, state: State, pool: Pool) -> list[float]:
    """Cumulative expert seconds; who reads the validation part's labels pays for them."""
    start = len(pool.ids("val")) * spec.cost.class_seconds if reads_validation(spec) else 0.0
    spent = [sum(a.seconds for a in state.history if a.round == q.round) for q in state.queries]
    return [start + total for total in accumulate(spent)]


def reads_validation(spec: ExperimentSpec) -> bool:
    """Whether training or selection uses the validation part's labels.

    Exemplars from there are paid for by every arm of a study that names them, so that an arm which
    does not seek them has no cheaper labels than one that does.
    """
    sought = (spec.acquire.target, spec.acquire.private)
    named = any(one.classes and one.exemplars != "labeled" for one in sought)
    return bool(spec.train.patience) or named or "val" in wanted(spec)[1]


def _wall(state: State) -> list[float]:
    return [
        round(sum(t.durations.values()) + float(d.get("seconds", 0)), 3)
        for t, d in zip(state.trained, state.details, strict=False)
    ]


def _class_counts(state: State, pool: Pool) -> list[dict[str, int]]:
    rounds = []
    for query in state.queries:
        seen = [a.label for a in state.annotations.values() if a.round <= query.round]
        rounds.append({name: seen.count(i) for i, name in enumerate(pool.classes)})
    return rounds


def _means(summary: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float | None]]]:
    metrics: dict[str, dict[str, dict[str, float | None]]] = {}
    for arm, entries in summary.items():
        for metric, entry in entries.items():
            means = {number: entry[number]["mean"] for number in ("aubc", "final")}
            metrics.setdefault(metric, {})[arm] = means
    return metrics


def _failed(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{one['arm']} with seed {one['seed']} stopped in round {one['round']} at {one['labels']} "
        f"labels and is left out: {one['error']}. The same command tries it again."
        for one in failures
    ]


def _own_warnings(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    warnings = []
    if len({run["pool_digest"] for run in runs}) > 1:
        warnings.append(
            "the arms were run on different pools or splits: their figures cannot be compared"
        )
    first: dict[int, set[frozenset[str]]] = {}
    for run in runs:
        first.setdefault(run["seed"], set()).add(frozenset(*run["queried"][:1]))
    if any(len(seed_sets) > 1 for seed_sets in first.values()):
        warnings.append(
            "the arms begin with different seed sets (`cold_start`, `acquire.stratum`): their "
            "differences are not of the query strategy alone"
        )
    if len({run["annotate"] for run in runs}) > 1:
        warnings.append(
            "the arms differ in what the expert gives (class alone, box or mask); compare them by "
            "expert minutes as well as by labels"
        )
    return warnings
