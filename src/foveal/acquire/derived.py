"""Evidence that follows from other evidence: mean probabilities, residuals, labels one by one.

Where nobody gives the features that no label has trained, the embedding stands in for them.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from foveal.core.arrays import AnyArray, FloatArray, two_columns
from foveal.core.evidence import PROBABILITIES, Evidence, Task


def array_of(evidence: Evidence, name: str) -> AnyArray | None:
    """An array of the evidence, made from others where it is not there itself, or None."""
    if name in evidence.arrays:
        return evidence.arrays[name]
    if name == "probs":
        return _mean_probs(evidence)
    if name == "residual":
        return _residual(evidence)
    if name == "backbone_embedding":
        return evidence.arrays.get("embedding")
    return None


def probs_of(evidence: Evidence) -> AnyArray | None:
    """(n, C) `probs`, or the mean of `mc_probs` over draws, or None where both are missing."""
    return array_of(evidence, "probs")


def residual(
    probs: FloatArray, label: AnyArray | None = None, task: Task = "classification"
) -> FloatArray:
    """Gradient of the cross-entropy with respect to the logits: p - y.

    Args:
        probs: (n, C) probabilities.
        label: true labels, (n,) class indices or, for `multilabel`, (n, C) of 0 and 1. Without
            them y is hypothesized from the prediction: the likeliest class, or every finding that
            is likelier than not.
        task: what a column means.
    Returns:
        (n, C) in [-1, 1]; its product with (n, D) embeddings is the gradient of the last layer.
    Source:
        Ash et al. 2020 (BADGE), arXiv:1906.03671.
    """
    p = np.asarray(probs, dtype=np.float64)
    if task == "multilabel":
        return p - (p >= 0.5 if label is None else np.asarray(label, dtype=np.float64))
    y = p.argmax(axis=1) if label is None else np.asarray(label, dtype=np.int64)
    gradient = p.copy()
    gradient[np.arange(len(p)), y] -= 1
    return gradient


def each_label(arrays: Mapping[str, AnyArray]) -> Iterator[dict[str, AnyArray]]:
    """The arrays of every label of a multi-label problem as those of a problem of two classes."""
    count = next(a.shape[-1] for name, a in arrays.items() if name in PROBABILITIES)
    for label in range(count):
        yield {
            name: two_columns(a[..., label]) if name in PROBABILITIES else a  # type: ignore[arg-type]
            for name, a in arrays.items()
        }


def _mean_probs(evidence: Evidence) -> AnyArray | None:
    draws = evidence.arrays.get("mc_probs")
    if draws is None:
        return None
    mean: FloatArray = np.mean(draws, axis=0, dtype=np.float64)  # type: ignore[arg-type]
    return mean


def _residual(evidence: Evidence) -> AnyArray | None:
    probs = probs_of(evidence)
    if probs is None:
        return None
    return residual(probs, evidence.arrays.get("label"), evidence.task)  # type: ignore[arg-type]
