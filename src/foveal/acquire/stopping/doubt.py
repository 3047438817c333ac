"""Doubt: whether the model is sure of all that is left in the pool."""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from scipy.special import entr

from foveal.acquire.stopping.advice import ONE_CLASS, Advice
from foveal.core.arrays import FloatArray, check_probs, check_shape, check_unit, two_columns
from foveal.core.errors import SpecError, near_miss
from foveal.core.evidence import Task

Measure = Literal["mean", "max", "expected_error"]

MEASURES: Mapping[Measure, str] = {
    "mean": "mean uncertainty",
    "max": "largest uncertainty",
    "expected_error": "expected error",
}


def confidence(
    probs: FloatArray | None,
    *,
    measure: Measure = "mean",
    threshold: float = 0.05,
    task: Task = "classification",
) -> Advice:
    """Whether the model is sure of all that is left in the pool.

    Uncertainty is entropy over its largest possible value, in [0, 1]: its `mean` over the pool
    (overall uncertainty) or its `max`; `expected_error` is the mean probability that the likeliest
    class is wrong. The threshold depends on the task; the publications tie it to whether
    predictions still change, so read this beside `stability`. An overconfident network stops too
    early by it.

    Args:
        probs: (n, C) probabilities of the unlabeled pool, or None where they are not known.
        measure: what is compared.
        threshold: below it, stop; in (0, 1].
        task: in `multilabel` every finding of every sample counts as a sample of two classes.

    Returns:
        Advice; numbers hold `uncertainty`, `threshold`, `samples`.

    Raises:
        SpecError: if `measure` is unknown or `threshold` out of range.
        EvidenceError: if `probs` are no probabilities.
    Source:
        Zhu, Wang and Hovy 2008, Multi-Criteria-Based Strategy to Stop Active Learning for Data
        Annotation; Zhu et al. 2010, Confidence-Based Stopping Criteria for Active Learning for
        Data Annotation.
    """
    if measure not in MEASURES:
        raise SpecError(f"no measure {measure!r}.{near_miss(measure, MEASURES)}")
    if not 0 < threshold <= 1:
        raise SpecError(f"`threshold` of confidence must lie in (0, 1], not {threshold}")
    if probs is None:
        return Advice("confidence", False, "cannot tell yet: no predictions of the pool are known")
    p = _pairs(probs, task)
    if p.shape[0] == 0:
        return Advice("confidence", True, "no unlabeled sample is left; stop")
    if p.shape[1] < 2:
        return Advice("confidence", False, ONE_CLASS)
    found = _uncertainty(p, measure)
    stop = found < threshold
    end = (
        "the model is sure; if it is also well calibrated, you may stop"
        if stop
        else "the model is still unsure of some; go on"
    )
    words = (
        f"the {MEASURES[measure]} in the unlabeled pool is {found:.3f} (below {threshold:.3g} is "
        f"enough): {end}"
    )
    numbers = {"uncertainty": found, "threshold": threshold, "samples": float(len(probs))}
    return Advice("confidence", stop, words, numbers)


def _pairs(probs: FloatArray, task: Task) -> FloatArray:
    check_shape("probs", probs, (None, None))
    if task == "multilabel":
        check_unit("probs", probs)
        pairs: FloatArray = two_columns(np.asarray(probs, dtype=np.float64)).reshape(-1, 2)
        return pairs
    check_probs("probs", probs)
    return np.asarray(probs, dtype=np.float64)


def _uncertainty(p: FloatArray, measure: Measure) -> float:
    if measure == "expected_error":
        return float((1 - p.max(axis=1)).mean())
    doubt = entr(np.clip(p, 0, 1)).sum(axis=1) / math.log(p.shape[1])
    return float(doubt.mean() if measure == "mean" else doubt.max())
