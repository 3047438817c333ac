"""Classification metrics: how often the model is right, on the whole and class by class."""

import numpy as np
from scipy.stats import rankdata

from foveal.core.arrays import BoolArray, FloatArray, IntArray
from foveal.evaluate.checks import check_predictions


def accuracy(probs: FloatArray, labels: IntArray) -> float:
    """Share of samples whose most probable class is the reference class.

    Args:
        probs: (n, C) probabilities, n >= 1; of equal classes the first counts as most probable.
        labels: (n,) class indices in [0, C).

    Returns:
        A number in [0, 1].

    Raises:
        EvidenceError: if the arrays do not fit together or hold no sample.
    """
    check_predictions(probs, labels)
    return float((probs.argmax(axis=1) == labels).mean())


def recall_per_class(probs: FloatArray, labels: IntArray) -> tuple[float | None, ...]:
    """Share of each class's samples that the model finds.

    Args:
        probs: (n, C) probabilities, n >= 1; of equal classes the first counts as most probable.
        labels: (n,) class indices in [0, C).

    Returns:
        C numbers in [0, 1]; None for a class without samples.

    Raises:
        EvidenceError: if the arrays do not fit together or hold no sample.
    """
    check_predictions(probs, labels)
    classes = probs.shape[1]
    have = np.bincount(labels, minlength=classes)
    found = np.bincount(labels[probs.argmax(axis=1) == labels], minlength=classes)
    return tuple(float(f / h) if h else None for f, h in zip(found, have, strict=True))


def balanced_accuracy(probs: FloatArray, labels: IntArray) -> float:
    """Mean recall over the classes that have samples; rare classes weigh as much as common ones.

    Args:
        probs: (n, C) probabilities, n >= 1; of equal classes the first counts as most probable.
        labels: (n,) class indices in [0, C).

    Returns:
        A number in [0, 1].

    Raises:
        EvidenceError: if the arrays do not fit together or hold no sample.
    """
    recalls = [r for r in recall_per_class(probs, labels) if r is not None]
    return float(np.mean(recalls))


def macro_auroc(probs: FloatArray, labels: IntArray) -> float | None:
    """Area under the ROC curve of each class against the rest, averaged over classes.

    Classes without positives or without negatives have no such area and are left out.

    Args:
        probs: (n, C) probabilities, n >= 1.
        labels: (n,) class indices in [0, C).

    Returns:
        A number in [0, 1], 0.5 for chance; None if all samples are of one class.

    Raises:
        EvidenceError: if the arrays do not fit together or hold no sample.

    Source:
        Hand and Till 2001 discuss the multi-class forms; this is one-vs-rest, unweighted.
    """
    check_predictions(probs, labels)
    areas = [_auroc(probs[:, c], labels == c) for c in np.unique(labels)]
    known = [area for area in areas if area is not None]
    return float(np.mean(known)) if known else None


def _auroc(scores: FloatArray, positive: BoolArray) -> float | None:
    """Mann-Whitney: the chance that a positive outranks a negative, ties counting one half."""
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    ranks = rankdata(scores)
    above = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))
