"""Random: the baseline that every other strategy has to beat."""

import numpy as np

from foveal.acquire.registry import BOTH, Facts, scorer
from foveal.core.arrays import FloatArray


def _why(_: Facts) -> str:
    return "drawn at random"


@scorer("random", tasks=BOTH, why=_why)
def random(chance: FloatArray) -> FloatArray:
    """Uniform chance: every batch of the candidates is equally likely.

    Args:
        chance: (n,) independent uniform numbers in (0, 1).

    Returns:
        (n,) the same numbers; the highest are drawn.
    Source:
        Simple random sampling without replacement.
    """
    return np.array(chance, dtype=np.float64)
