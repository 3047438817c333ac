"""Learning loss: samples on which a head beside the network expects a large loss."""

import numpy as np

from foveal.acquire.registry import BOTH, Facts, scorer
from foveal.core.arrays import FloatArray


def _why(facts: Facts) -> str:
    return f"the loss head predicts {facts['score']:.3g}; {facts['standing']}"


@scorer("learning_loss", needs=("predicted_loss",), tasks=BOTH, why=_why)
def learning_loss(predicted_loss: FloatArray) -> FloatArray:
    """Loss that the network would suffer on a sample, as predicted by a head trained beside it.

    Args:
        predicted_loss: (n,) any finite numbers. The head is trained to order samples, so that
            neither zero nor scale has a meaning.

    Returns:
        (n,) the same numbers: the largest predicted loss is asked first.
    Source:
        Yoo and Kweon 2019, Learning Loss for Active Learning, arXiv:1905.03677.
    """
    return np.array(predicted_loss, dtype=np.float64)
