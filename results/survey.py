"""All strategies of a study in one table: area under the curve, final value, time of a selection.

    python results/survey.py results/survey_busi/results.json [--metric macro_auroc]

Sorted by area. Means and deviations over seeds; p of a paired t-test against random, by Holm. The
time is the mean of a round: evidence of the candidates and the choice among them.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from foveal.evaluate import aubc, holm, paired_t


def measured(runs: list[dict], metric: str) -> dict[str, dict[str, list[float]]]:
    """Strategy to column to values, in the order of the seeds."""
    arms: dict[str, dict[str, list[float]]] = {}
    for run in sorted(runs, key=lambda r: r["seed"]):
        values = run["metrics"][metric]
        columns = arms.setdefault(run["strategy"], {"area": [], "final": [], "seconds": []})
        columns["area"].append(aubc(run["labels"], values))
        columns["final"].append(values[-1])
        columns["seconds"].append(float(np.mean(run["ask_seconds"])))
    return arms


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--metric", default="macro_auroc")
    chosen = parser.parse_args()
    arms = measured(json.loads(chosen.results.read_text())["runs"], chosen.metric)
    others = [arm for arm in arms if arm != "random"]
    chance = arms["random"]["area"]
    ps = dict(zip(others, holm([paired_t(arms[a]["area"], chance) for a in others]), strict=True))
    print(f"{len(chance)} seeds, {len(arms)} strategies")
    print(f"| strategy | AUBC {chosen.metric} | against random | p | final | seconds a round |")
    print("|---|---|---|---|---|---|")
    for arm, columns in sorted(arms.items(), key=lambda item: -np.mean(item[1]["area"])):
        area, ahead = columns["area"], np.mean(columns["area"]) - np.mean(chance)
        p = "" if ps.get(arm) is None else f"{ps[arm]:.3f}"
        spread = f"{np.mean(area):.4f} ± {np.std(area, ddof=1):.4f}"
        last, seconds = np.mean(columns["final"]), np.mean(columns["seconds"])
        print(f"| {arm} | {spread} | {ahead:+.4f} | {p} | {last:.3f} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
