"""Calibration: whether the model is right as often as it says."""

from dataclasses import dataclass

import numpy as np

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import EvidenceError
from foveal.evaluate.checks import check_predictions

BINS = 15


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability diagram in numbers; bin b holds confidences in (edges[b], edges[b + 1]].

    `confidence` and `accuracy` are means of the samples in a bin, None where `counts` is 0.
    """

    edges: tuple[float, ...]
    confidence: tuple[float | None, ...]
    accuracy: tuple[float | None, ...]
    counts: tuple[int, ...]


def reliability(probs: FloatArray, labels: IntArray, bins: int = BINS) -> Reliability:
    """Confidence beside accuracy in `bins` bins of equal width over [0, 1].

    The confidence of a sample is its greatest probability.

    Args:
        probs: (n, C) probabilities, n >= 1; of equal classes the first counts as most probable.
        labels: (n,) class indices in [0, C).
        bins: number of bins, 1 or more.

    Returns:
        The diagram, NaN-free.

    Raises:
        EvidenceError: if the arrays do not fit together or hold no sample, or `bins` < 1.
    """
    check_predictions(probs, labels)
    if bins < 1:
        raise EvidenceError(f"`bins` must be 1 or more, not {bins}")
    edges = np.linspace(0, 1, bins + 1)
    confidence = np.minimum(probs.max(axis=1).astype(np.float64), 1)  # rows may sum to 1.001
    right = probs.argmax(axis=1) == labels
    place = np.searchsorted(edges[1:-1], confidence, side="left")
    counts = np.bincount(place, minlength=bins)
    return Reliability(
        tuple(edges.tolist()),
        _means(np.bincount(place, confidence, bins), counts),
        _means(np.bincount(place, right, bins), counts),
        tuple(counts.tolist()),
    )


def ece(probs: FloatArray, labels: IntArray, bins: int = BINS) -> float:
    """Expected calibration error: sum over bins of (share of samples) x |accuracy - confidence|.

    Bins are of equal width and closed on the right; the confidence of a sample is its greatest
    probability. Lower is better.

    Args:
        probs: (n, C) probabilities, n >= 1.
        labels: (n,) class indices in [0, C).
        bins: number of bins, 1 or more; the literature's usual number is 15.

    Returns:
        A number in [0, 1], 0 if the model is right as often as it says in every bin.

    Raises:
        EvidenceError: as for `reliability`.

    Source:
        Guo et al. 2017, arXiv:1706.04599.
    """
    diagram = reliability(probs, labels, bins)
    rows = zip(diagram.counts, diagram.confidence, diagram.accuracy, strict=True)
    gaps = [n * abs(a - c) for n, c, a in rows if a is not None and c is not None]
    return float(sum(gaps) / len(labels))


def _means(sums: FloatArray | IntArray, counts: IntArray) -> tuple[float | None, ...]:
    return tuple(float(s / n) if n else None for s, n in zip(sums, counts, strict=True))
