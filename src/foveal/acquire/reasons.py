"""Why each sample was asked: one plain sentence, with its place among the other candidates."""

import numpy as np

from foveal.acquire.registry import Facts, Strategy
from foveal.core.arrays import FloatArray


def standings(score: FloatArray, picked: FloatArray) -> list[str]:
    """Words for where picked scores stand among all scores (n,) of the pool."""
    ordered = np.sort(score)
    below = np.searchsorted(ordered, picked, side="left")
    level = np.searchsorted(ordered, picked, side="right") - below - 1
    pairs = zip(below.tolist(), level.tolist(), strict=True)
    return [_standing(b, e, score.size - 1) for b, e in pairs]


def sentence(strategy: Strategy, facts: Facts) -> str:
    """The strategy's own reason, or its score in words."""
    if strategy.why is not None:
        return strategy.why(facts)
    if "score" not in facts:
        return f"chosen by {strategy.name} as one of a set"
    return f"{strategy.name.replace('_', ' ')} {facts['score']:.3g}, {facts['standing']}"


def _standing(below: int, level: int, others: int) -> str:
    if others == 0:
        return "the only candidate"
    tied = f"level with {level} other{'s' * (level > 1)}, taken in random order" if level else ""
    if level == others:
        return tied
    higher = "all other candidates" if below == others else f"{100 * below // others} % of the pool"
    return f"higher than {higher}" + (f" and {tied}" if tied else "")
