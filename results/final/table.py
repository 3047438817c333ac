"""The two questions about the default, from the committed results of the final runs.

python results/final/table.py

Selection alone: area under the curve of macro AUROC on test, variance reduction less each of the
others under the same training; paired t over seeds, Holm over the comparisons of a set and a
training. The whole of Foveal: labels and expert seconds until the mean curve reaches the last point
of today's practice (random images, classes alone), as shares of what practice spent.
"""

import json
from pathlib import Path

import numpy as np

from foveal.evaluate import aubc, holm, labels_to_target, paired_t

HERE, METRIC = Path(__file__).parent, "macro_auroc"
SETS = ("busi", "brain_tumor_t1c", "skin_isic8", "pneumoniamnist")
OURS, PRACTICE = "variance reduction", "random"
OTHERS = ("random", "entropy", "BADGE")
ORACLE = "EG variance reduction, boxes, oracle"


def areas(runs: list[dict], arm: str) -> np.ndarray:
    """(seeds,) area under the curve of each run of an arm, by seed."""
    own = sorted((r for r in runs if r["strategy"] == arm), key=lambda r: r["seed"])
    return np.array([aubc(r["labels"], r["metrics"][METRIC]) for r in own])


def selection(runs: list[dict], suffix: str) -> None:
    """Variance reduction beside each other way to choose, under one training."""
    ours = areas(runs, OURS + suffix)
    pairs = [(o + suffix, areas(runs, o + suffix)) for o in OTHERS]
    pairs = [(name, theirs) for name, theirs in pairs if len(theirs)]
    if not len(ours) or not pairs:
        return
    print(f"  {OURS + suffix}: {ours.mean():.4f} ± {ours.std(ddof=1):.4f}")
    chances = holm([paired_t(ours.tolist(), theirs.tolist()) for _, theirs in pairs])
    for (name, theirs), p in zip(pairs, chances, strict=True):
        d = ours - theirs
        print(
            f"    against {name}: {theirs.mean():.4f}, {d.mean():+.4f} ± {d.std(ddof=1):.4f}, "
            f"p {p:.4f}"
        )
    oracle = areas(runs, ORACLE)
    if suffix and len(oracle):
        base = areas(runs, "random" + suffix).mean()
        print(f"    {ORACLE}: {oracle.mean():.4f}, {oracle.mean() - base:+.4f} above random")


def whole(runs: list[dict]) -> None:
    """What each arm spends until it is as good as practice is at its end."""

    def mean(arm: str, key: str) -> list[float]:
        own = [r for r in runs if r["strategy"] == arm]
        rows = [r["metrics"][METRIC] if key == METRIC else r[key] for r in own]
        return np.mean(rows, axis=0).tolist()

    target = mean(PRACTICE, METRIC)[-1]
    spent = {key: mean(PRACTICE, key)[-1] for key in ("labels", "cost_seconds")}
    print(
        f"  practice ends at {target:.4f}: {spent['labels']:.0f} labels, "
        f"{spent['cost_seconds']:.0f} s"
    )
    for arm in dict.fromkeys(r["strategy"] for r in runs):
        values, told = mean(arm, METRIC), []
        for key in spent:
            reached = labels_to_target(mean(arm, key), values, target)
            told.append("not reached" if reached is None else f"{reached / spent[key]:.0%}")
        print(f"    {arm}: {told[0]} of the labels, {told[1]} of the seconds")


def main() -> None:
    """Print both tables for every set that has results."""
    for name in SETS:
        path = HERE / name / "results.json"
        if not path.exists():
            continue
        runs = json.loads(path.read_text())["runs"]
        print(f"{name} ({len({r['seed'] for r in runs})} seeds)")
        for suffix in ("", ", boxes"):
            selection(runs, suffix)
        whole(runs)


if __name__ == "__main__":
    main()
