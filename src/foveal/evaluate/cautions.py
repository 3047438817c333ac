"""Cautions: what a reader of a comparison must know before believing it."""

import math
from collections.abc import Iterator, Mapping, Sequence

from foveal.evaluate.runs import Curve, Run, baseline_of, strategies_of, table_of
from foveal.evaluate.statistics import MINIMUM_PAIRS, critical_t

ENOUGH_SEEDS = 5
LEVEL = 0.05


def warnings_for(runs: Sequence[Run]) -> list[str]:
    """What these runs cannot say, as sentences.

    Args:
        runs: see `runs.table_of`.

    Returns:
        Sentences about too few seeds, seeds that strategies do not share, label axes that differ
        and values that do not exist; none if all is well.

    Raises:
        EvidenceError: if a strategy and seed occur twice.
    """
    table = table_of(runs)
    return [*_on_seeds(runs), *_on_axes(runs), *_on_gaps(table)]


def _on_seeds(runs: Sequence[Run]) -> Iterator[str]:
    arms = strategies_of(runs)
    seeds = {name: {r["seed"] for r in runs if r["strategy"] == name} for name in arms}
    if not seeds:
        return
    shared = set.intersection(*seeds.values())
    count = f"{len(shared)} seed{'' if len(shared) == 1 else 's'}"
    common = " in common" if len(seeds) > 1 else ""
    if len(shared) < MINIMUM_PAIRS:
        yield (
            f"With {count}{common} nothing can be said about significance, and any difference may "
            "be luck. Run 5 seeds or more."
        )
    elif len(shared) < ENOUGH_SEEDS:
        yield (
            f"{count}{common} give a test little power: only |t| > {critical_t(len(shared)):.2f} "
            "counts as significant at 5 %, so a real difference may go unnoticed. Run 5 seeds or "
            "more."
        )
    if len(shared) >= MINIMUM_PAIRS and len(arms) > 1:
        # The first family of `contrasts.compare`: with too few seeds for it there is no finding.
        family = math.comb(len(arms), 2) if baseline_of(runs) is None else len(arms) - 1
        yield from _on_ranks(len(shared), family)
    lonely = [name for name, own in seeds.items() if own != shared]
    if lonely:
        yield (
            "Not all strategies ran with the same seeds; pairs are matched by seed, and further "
            f"runs of {', '.join(lonely)} count in means only."
        )


def _on_ranks(seeds: int, pairs: int) -> Iterator[str]:
    """Wilcoxon's exact p has a floor, 2^(1 - S), and Holm's rule lifts it for its first step."""
    least = 2.0 ** (1 - seeds)
    if pairs * least <= LEVEL:
        return
    lifted = min(1.0, pairs * least)
    holm = f", and {lifted:.2g} after Holm's adjustment over {pairs} pairs" if pairs > 1 else ""
    needed = math.ceil(1 + math.log2(pairs / LEVEL))
    yield (
        f"Wilcoxon's test can show no difference here: over {seeds} seeds its p is at least "
        f"{least:.4g}{holm}. It would take {needed} seeds."
    )


def _on_axes(runs: Sequence[Run]) -> Iterator[str]:
    axes = {tuple(run["labels"]) for run in runs}
    if len(axes) > 1:
        ends = sorted({axis[-1] for axis in axes if axis})
        spans = f" (the last from {ends[0]} to {ends[-1]})" if len(ends) > 1 else ""
        yield (
            f"Runs were measured at different numbers of labels{spans}; areas under their curves "
            "do not compare like with like."
        )


def _on_gaps(table: Mapping[str, Mapping[str, Sequence[Curve]]]) -> Iterator[str]:
    for metric, curves in table.items():
        gaps = sum(v is None for members in curves.values() for c in members for v in c.values)
        if gaps:
            points_word = "point" if gaps == 1 else "points"
            yield f"`{metric}` does not exist at {gaps} {points_word}, which were skipped."
