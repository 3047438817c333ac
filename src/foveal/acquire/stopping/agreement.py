"""Agreement: whether successive rounds predict the same, so that labels change little."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from foveal.acquire.stopping.advice import ONE_CLASS, Advice, counted
from foveal.core.arrays import IntArray, check_shape
from foveal.core.errors import SpecError

Predictions = Mapping[Hashable, int]

NO_SAMPLES = "cannot tell yet: successive rounds have no sample in common"


def stability(
    predictions: Sequence[Predictions], *, threshold: float = 0.99, comparisons: int = 3
) -> Advice:
    """Whether the model has stopped changing its mind: agreement of successive predictions.

    Cohen's kappa of each round's predictions with those of the round before, averaged over the
    last comparisons. The publication compares on a stop set drawn once; a mapping over the
    unlabeled pool, which shrinks, is compared on the samples that both rounds hold. A stable
    model may be stably wrong, and small batches change little even while there is much to learn.

    Args:
        predictions: (r,) for each round, class index by sample; where findings do not exclude
            each other, 0 or 1 by sample and finding.
        threshold: average kappa from which on to stop, at most 1.
        comparisons: how many are averaged, at least 1; they take one round more.

    Returns:
        Advice; numbers hold `kappa` (average), `lowest`, `threshold`, `samples` (of the last
        comparison).

    Raises:
        SpecError: if `threshold` or `comparisons` is out of range.
    Source:
        Bloodgood and Vijay-Shanker 2009, A Method for Stopping Active Learning Based on
        Stabilizing Predictions, arXiv:1409.5165.
    """
    if not threshold <= 1 or comparisons < 1:
        raise SpecError(
            "`threshold` must be at most 1 and `comparisons` at least 1, not "
            f"{threshold} and {comparisons}"
        )
    if len(predictions) <= comparisons:
        words = (
            f"cannot tell yet: the last {comparisons + 1} rounds are compared, and there "
            f"{counted(len(predictions))}"
        )
        return Advice("stability", False, words)
    shared = [_shared(a, b) for a, b in pairwise(predictions[-comparisons - 1 :])]
    known = [k for k in (kappa(a, b) for a, b in shared) if k is not None]
    if len(known) < comparisons:
        apart = any(after.size == 0 for _, after in shared)
        return Advice("stability", False, NO_SAMPLES if apart else ONE_CLASS)
    average = float(np.mean(known))
    stop = average >= threshold
    end = "stable, though perhaps stably wrong; you may stop" if stop else "still moving; go on"
    words = (
        f"over the last {comparisons} comparisons the model agreed with itself by a kappa of "
        f"{average:.3f} (1 is complete, {threshold:.3g} is enough): its predictions are {end}"
    )
    numbers = {
        "kappa": average,
        "lowest": float(min(known)),
        "threshold": threshold,
        "samples": float(shared[-1][0].size),
    }
    return Advice("stability", stop, words, numbers)


def kappa(first: Sequence[int] | IntArray, second: Sequence[int] | IntArray) -> float | None:
    """Cohen's kappa: agreement of two labelings beyond what their class counts give by chance.

    Args:
        first: (n,) class indices.
        second: (n,) class indices of the same samples.

    Returns:
        (observed - by chance) / (1 - by chance), in [-1, 1]; None for no sample, and where both
        give all samples one and the same class, so that chance alone agrees completely.

    Raises:
        EvidenceError: if lengths differ.
    Source:
        Cohen 1960, A Coefficient of Agreement for Nominal Scales.
    """
    a, b = np.asarray(first), np.asarray(second)
    check_shape("second", b, a.shape)
    n = a.size
    classes = np.unique(np.concatenate([a, b]))
    if classes.size < 2:
        return None
    by_chance = sum(float((a == c).sum()) * float((b == c).sum()) for c in classes) / n**2
    return (float((a == b).mean()) - by_chance) / (1 - by_chance)


def _shared(before: Predictions, after: Predictions) -> tuple[IntArray, IntArray]:
    """Both rounds' classes of the samples that both hold."""
    common = [sample for sample in after if sample in before]
    classes = np.array([(before[s], after[s]) for s in common], dtype=np.int64).reshape(-1, 2)
    return classes[:, 0], classes[:, 1]
