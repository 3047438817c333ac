"""Foreground-aware random: the baseline where most images show nothing."""

import numpy as np

from foveal.acquire.registry import Facts, scorer
from foveal.core.arrays import FloatArray

EVERY = 3  # of three draws one is among candidates with a finding, as of nnActive's patches


def _why(facts: Facts) -> str:
    share = float(facts["region_size"])
    seen = f"a region of {share:.0%} of the image is expected" if share > 0 else "none is expected"
    return f"drawn at random, every third among candidates with an expected region; here {seen}"


@scorer(
    "foreground_random",
    needs=("region_size",),
    source="Baseline of nnActive: 2025, arXiv:2511.19183.",
    why=_why,
)
def foreground_random(region_size: FloatArray, chance: FloatArray) -> FloatArray:
    """Random draws, of which every third is among the candidates where a region is expected.

    nnActive found no strategy that reliably beats such a baseline in segmentation. It knows only
    the expected region, never the hidden one, unless `regions.source` is oracle.

    Args:
        region_size: (n,) share of the image that the expected region covers, in [0, 1].
        chance: (n,) independent uniform numbers in (0, 1).

    Returns:
        (n,) minus the place in the order of draws, distinct numbers from 0 down.
    Source:
        nnActive 2025, arXiv:2511.19183: two thirds of the patches uniform, one third on foreground.
    """
    order = np.argsort(chance, kind="stable")
    found = iter(order[region_size[order] > 0].tolist())
    anyone = iter(order.tolist())
    drawn: dict[int, int] = {}
    while len(drawn) < len(order):
        due = found if len(drawn) % EVERY == EVERY - 1 else anyone
        pick = next((p for p in due if p not in drawn), None)
        if pick is None:  # no candidate with a finding is left
            pick = next(p for p in anyone if p not in drawn)
        drawn[pick] = len(drawn)
    score = np.empty(len(order))
    score[list(drawn)] = 0.0 - np.arange(len(order))
    return score
