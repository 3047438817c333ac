"""EG-AL: uncertain, or looked at in the wrong place."""

import math
from typing import Literal

import numpy as np

from foveal.acquire.registry import BOTH, Facts, Scored, scorer
from foveal.acquire.scaling import average_ranks, over_pool
from foveal.acquire.strategies.misalignment import look
from foveal.acquire.strategies.misalignment import misalignment as checked_misalignment
from foveal.acquire.strategies.uncertainty import LogBase, entropy, largest_entropy
from foveal.core.arrays import FloatArray
from foveal.core.errors import SpecError

Form = Literal["convex", "additive", "product", "rank_average"]
Normalize = Literal["none", "log_classes", "pool"]

WEIGHT = 0.5


def _why(facts: Facts) -> str:
    most = largest_entropy(facts["probs"].size, facts["log_base"])
    told = [f"entropy {facts['entropy']:.2f} of at most {most:.2f}"]
    if "misalignment" in facts:
        told.append(look(facts["misalignment"]))
    return "; ".join([*told, facts["standing"]])


@scorer("eg_al", needs=("probs",), optional=("misalignment",), tasks=BOTH, why=_why)
def eg_al(
    probs: FloatArray,
    misalignment: FloatArray | None = None,
    *,
    weight: float = WEIGHT,
    form: Form = "convex",
    normalize: Normalize = "pool",
    log_base: LogBase = "e",
    temperature: float = 1.0,
) -> Scored:
    """Entropy of the prediction and misalignment of its explanation, combined.

    The publication states the two terms and a balance; form, logarithm and normalization are not
    known and therefore settings. Its predecessor's code is `form="convex", weight=0.3,
    normalize="none"`. Without misalignment the score is the entropy, and a note says so.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        misalignment: (n,) 1 - agreement of map and expected region, in [0, 1].
        weight: w in [0, 1]. It stands at the entropy H in `convex` and `rank_average`, so that 1
            is entropy alone and 0 is misalignment D alone; in `additive` it stands at D.
        form: `convex` w H + (1 - w) D; `additive` H + w D; `product` H D, which has no weight;
            `rank_average` as convex, with each term's average rank in the pool, scaled to [0, 1],
            in place of its value.
        normalize: `none`; `log_classes` divides H by log C; `pool` brings the smallest of each
            term in the pool to 0 and the largest to 1, a constant term to 0.
        log_base: `e` or `2`; matters only with `normalize="none"`.
        temperature: T > 0 sharpens (below 1) or flattens (above 1) the prediction before its
            entropy is taken: p^(1/T), brought back to sum 1. A softmax over distances of unit
            vectors is flat, and needs T < 1 lest misalignment alone decide.

    Returns:
        Scored with (n,) score and the parts `entropy` (after temperature, before normalization)
        and `misalignment`.

    Raises:
        SpecError: if `weight` or `temperature` is out of range.
        EvidenceError: if a misalignment lies outside [0, 1].
    Source:
        Uddin et al. 2026, Learning to Select Like Humans, arXiv:2602.13308.
    """
    _check(weight, temperature)
    h = entropy(_tempered(probs, temperature), log_base=log_base)
    if misalignment is None:
        return Scored(h, {"entropy": h}, (MISSING,))
    d = checked_misalignment(misalignment)
    score = _combined(*_normalized(h, d, normalize, np.shape(probs)[1], log_base), form, weight)
    idle = _idle(weight, form, normalize, log_base)
    return Scored(score, {"entropy": h, "misalignment": d}, idle)


MISSING = (
    "eg_al ranked by entropy alone, because the evidence holds no `misalignment`; `regions.source` "
    "says where expected regions come from"
)


def _check(weight: float, temperature: float) -> None:
    if not 0 <= weight <= 1:
        raise SpecError(f"`weight` of eg_al must lie in [0, 1], not {weight}")
    if not 0 < temperature < math.inf:
        raise SpecError(f"`temperature` of eg_al must be positive and finite, not {temperature}")


def _tempered(probs: FloatArray, temperature: float) -> FloatArray:
    p = np.asarray(probs, dtype=np.float64)
    if temperature == 1:
        return p
    # Relative to the likeliest class, so that not every power of a low temperature underflows.
    powers: FloatArray = (p / p.max(axis=1, keepdims=True)) ** (1 / temperature)
    probs = powers / powers.sum(axis=1, keepdims=True)
    return probs


def _normalized(
    h: FloatArray, d: FloatArray, normalize: Normalize, classes: int, log_base: LogBase
) -> tuple[FloatArray, FloatArray]:
    if normalize == "pool":
        return over_pool(h), over_pool(d)
    if normalize == "log_classes" and classes > 1:
        return h / largest_entropy(classes, log_base), d
    return h, d


def _combined(h: FloatArray, d: FloatArray, form: Form, weight: float) -> FloatArray:
    if form == "product":
        return h * d
    if form == "additive":
        return h + weight * d
    if form == "rank_average":
        h, d = average_ranks(h), average_ranks(d)
    return weight * h + (1 - weight) * d


def _idle(weight: float, form: Form, normalize: Normalize, log_base: LogBase) -> tuple[str, ...]:
    """Settings that were changed and have no effect on the ranking."""
    notes = []
    if form == "product" and weight != WEIGHT:
        notes.append(f"`weight` ({weight}) has no effect in eg_al with `form: product`")
    if form == "rank_average" and normalize != "pool":
        notes.append(f"`normalize` ({normalize}) has no effect in eg_al with `form: rank_average`")
    if log_base != "e" and (form in ("product", "rank_average") or normalize != "none"):
        notes.append(f"`log_base` ({log_base}) has no effect on this ranking of eg_al")
    return tuple(notes)
