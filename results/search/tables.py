"""Tables of the logs of a search, as markdown.

python results/search/tables.py training busi
python results/search/tables.py selection_regions busi
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from development import kept

from foveal.evaluate import aubc, holm, paired_t

Values = Mapping[str, Mapping[tuple[int, ...], float]]


def training(log: Path) -> None:
    """Each way beside plain training, at every number of labels."""
    lines = list(kept(log))
    values: dict[str, dict[tuple[int, ...], float]] = {}
    for line in lines:
        key = (line["seed"], line["labels"])
        values.setdefault(line["way"], {})[key] = line["macro_auroc"]
    sizes = sorted({line["labels"] for line in lines})
    print(f"| way | {' | '.join(str(s) for s in sizes)} | against plain | p |")
    print("|---" * (len(sizes) + 3) + "|")
    for (way, own), (gain, p) in zip(values.items(), _against(values, "plain"), strict=True):
        means = [np.mean([v for (_, n), v in own.items() if n == size]) for size in sizes]
        print(f"| {way} | {' | '.join(f'{m:.3f}' for m in means)} | {gain:+.4f} | {p} |")


def selection(log: Path, metric: str = "macro_auroc") -> None:
    """Each arm's area under the curve beside that of the first: random choice, or practice."""
    lines = list(kept(log))
    values: dict[str, dict[tuple[int, ...], float]] = {}
    for line in lines:
        values.setdefault(line["arm"], {})[(line["seed"],)] = aubc(line["labels"], line[metric])
    rows = [
        (np.mean(list(own.values())), arm, len(own), np.std(list(own.values()), ddof=1), gain, p)
        for (arm, own), (gain, p) in zip(
            values.items(), _against(values, next(iter(values))), strict=True
        )
    ]
    print("| arm | seeds | AUBC | against the first | p |\n|---|---|---|---|---|")
    for mean, arm, seeds, spread, gain, p in sorted(rows, reverse=True):
        print(f"| {arm} | {seeds} | {mean:.4f} ± {spread:.4f} | {gain:+.4f} | {p} |")


def _against(values: Values, baseline: str) -> list[tuple[float, str]]:
    """Mean difference from the baseline and p (Holm) of each, paired; means over labels by seed."""
    base, gains, chances = values[baseline], [], []
    for own in values.values():
        shared = sorted(own.keys() & base.keys())
        seeds = sorted({key[0] for key in shared})
        ours, theirs = (
            [float(np.mean([v[k] for k in shared if k[0] == seed])) for seed in seeds]
            for v in (own, base)
        )
        gains.append(float(np.mean(ours) - np.mean(theirs)))
        chances.append(None if own is base else paired_t(ours, theirs))
    shown = ["–" if p is None else "< .001" if p < 0.001 else f"{p:.3f}" for p in holm(chances)]
    return list(zip(gains, shown, strict=True))


if __name__ == "__main__":
    kind, name = sys.argv[1:]
    log = Path(__file__).with_name(f"{kind}-{name}.jsonl")
    (training if kind == "training" else selection)(log)
