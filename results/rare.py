"""Rare classes in a study: how many were found, and what the model makes of them.

    python results/rare.py results/pneumonia_clinical/results.json --classes 1 [--round 1]

Rare recall and balanced accuracy are those of the test part; `found` are labeled samples of the
rare classes beyond the seed set. Means and deviations over seeds; p of a paired t-test against
random, by Holm within a column.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from foveal.evaluate import aubc, holm, paired_t

COLUMNS = ("found", "rare recall", "gain", "balanced accuracy", "accuracy", "AUBC rare recall")


def measured(run: dict, classes: list[str], at: int) -> dict[str, float]:
    """What one run reached at round `at` (-1: the last)."""
    counts = [sum(row[c] for c in classes) for row in run["class_counts"]]
    recalls = [float(np.mean([row[c] for c in classes])) for row in run["recall_per_class"]]
    accuracy, balanced = run["metrics"]["accuracy"], run["metrics"]["balanced_accuracy"]
    return {
        "found": counts[at] - counts[0],
        "rare recall": recalls[at],
        "gain": 100 * (accuracy[at] - accuracy[0]),
        "balanced accuracy": balanced[at],
        "accuracy": accuracy[at],
        "AUBC rare recall": aubc(run["labels"], recalls),
    }


def table(runs: list[dict], classes: list[str], at: int) -> dict[str, dict[str, list[float]]]:
    """Arm to column to values, in the order of the seeds."""
    arms: dict[str, dict[str, list[float]]] = {}
    for run in sorted(runs, key=lambda r: r["seed"]):
        for column, value in measured(run, classes, at).items():
            arms.setdefault(run["strategy"], {}).setdefault(column, []).append(value)
    return arms


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--classes", nargs="+", required=True)
    parser.add_argument("--round", type=int, default=-1)
    chosen = parser.parse_args()
    runs = json.loads(chosen.results.read_text())["runs"]
    arms = table(runs, chosen.classes, chosen.round)
    labels = sorted({run["labels"][chosen.round] for run in runs})
    print(f"after {labels} labels, {len(next(iter(arms.values()))['found'])} seeds")
    print(f"| arm | {' | '.join(COLUMNS)} | p of rare recall | p of found |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    others = [arm for arm in arms if arm != "random"]
    ps = {
        column: dict(
            zip(
                others,
                holm([paired_t(arms[a][column], arms["random"][column]) for a in others]),
                strict=True,
            )
        )
        for column in ("rare recall", "found")
    }
    for arm, columns in arms.items():
        cells = [f"{np.mean(v):.3g} ± {np.std(v, ddof=1):.2g}" for v in columns.values()]
        cells += [shown(ps[column].get(arm)) for column in ("rare recall", "found")]
        print(f"| {arm} | {' | '.join(cells)} |")


def shown(p: float | None) -> str:
    """A p-value, or a dash."""
    return "–" if p is None else ("< .001" if p < 0.001 else f"{p:.3f}")


if __name__ == "__main__":
    main()
