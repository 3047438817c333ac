"""The two planned contrasts of RESULTS.md, from a results.json.

    python results/effects.py results/busi/results.json

Effect of the explanation loss: AUBC with it less AUBC without it, averaged over the five ways of
selecting, seed by seed. Effect of selecting: AUBC of a strategy less that of random under the same
training, averaged over training with and without the loss, seed by seed. Paired t over seeds, Holm
over the selection contrasts of a metric.
"""

import json
import sys
from pathlib import Path

import numpy as np

from foveal.evaluate import aubc, holm, paired_t

LOSS = " + explanation loss"
METRICS = ("macro_auroc", "balanced_accuracy", "cam_dice", "pointing_game", "ece")


def areas(runs: list[dict], metric: str) -> dict[str, list[float]]:
    """AUBC of each arm, in the order of the seeds."""
    table: dict[str, dict[int, float]] = {}
    for run in runs:
        table.setdefault(run["strategy"], {})[run["seed"]] = aubc(
            run["labels"], run["metrics"][metric]
        )
    return {arm: [by_seed[s] for s in sorted(by_seed)] for arm, by_seed in table.items()}


def line(name: str, a: np.ndarray, b: np.ndarray, p: float | None) -> str:
    """Both means, the difference with its deviation over seeds, and p."""
    d = a - b
    return (
        f"  {name:44s} {a.mean():.3f} against {b.mean():.3f}: "
        f"{d.mean():+.4f} ± {d.std(ddof=1):.4f}, p {p:.4f}"
    )


def main(path: Path) -> None:
    """Print both contrasts for every metric."""
    runs = json.loads(path.read_text())["runs"]
    for metric in METRICS:
        table = {arm: np.array(v) for arm, v in areas(runs, metric).items()}
        plain = [arm for arm in table if not arm.endswith(LOSS)]
        print(f"{metric} (AUBC, {len(table[plain[0]])} seeds)")
        without = np.mean([table[a] for a in plain], axis=0)
        with_loss = np.mean([table[a + LOSS] for a in plain], axis=0)
        print(line("explanation loss", with_loss, without, paired_t(with_loss, without)))
        both = {a: (table[a] + table[a + LOSS]) / 2 for a in plain}
        others = [a for a in plain if a != "random"]
        raw = [paired_t(both[a], both["random"]) for a in others]
        for arm, p in zip(others, holm(raw), strict=True):
            print(line(f"{arm} (p by Holm)", both[arm], both["random"], p))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
