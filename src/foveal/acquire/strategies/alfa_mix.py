"""ALFA-Mix: candidates that a little of a labeled class, mixed in, moves to another class."""

import math
from collections.abc import Iterator

import numpy as np

from foveal.acquire.derived import residual
from foveal.acquire.geometry.clusters import k_means, representatives
from foveal.acquire.geometry.distances import squared_distances, unit_rows
from foveal.acquire.geometry.picks import filled
from foveal.acquire.registry import Chosen, Facts, selector
from foveal.core.arrays import BoolArray, FloatArray, IntArray
from foveal.core.errors import SpecError


def _why(facts: Facts) -> str:
    return "its predicted class changes when features of labeled samples are mixed in"


@selector(
    "alfa_mix",
    needs=(
        "probs",
        "embedding",
        "labeled_embedding",
        "labeled_label",
        "head_weight",
        "head_bias",
    ),
    why=_why,
)
def alfa_mix(
    probs: FloatArray,
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    labeled_embedding: FloatArray,
    labeled_label: IntArray,
    head_weight: FloatArray,
    head_bias: FloatArray,
    *,
    step: float = 0.2,
) -> Chosen:
    """k-means among the candidates whose prediction some mix with a labeled class flips.

    The anchors z* are the means of labeled classes. The mix is a z* + (1 - a) z, one share a for
    each feature, and the shares that raise the loss most are, in closed form,
    a = e |z* - z| grad / (|grad| (z* - z)) with e = cap / sqrt(D). So the mix is a step from z
    along the gradient of the loss at the predicted class, of length e |z* - z|. The cap grows from
    `step` by `step`, at most to 1, until more than k candidates flip.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        embedding: (n, D).
        k: how many to choose.
        rng: draws the first centers.
        labeled_embedding: (m, D).
        labeled_label: (m,) classes.
        head_weight: (C, D) of the last layer.
        head_bias: (C,) of the last layer.
        step: growth of the cap, in (0, 1].

    Returns:
        (k,) positions, most wanted first, and notes. k-means runs on embeddings of length 1 and
        takes the member nearest to each center. Where no more than k candidates flip, all of them
        are chosen, and the rest follow in their order, which the engine draws.

    Raises:
        SpecError: if `step` is out of range.
    Source:
        Parvaneh et al. 2022, Active learning by feature mixing, arXiv:2203.07034.
    """
    if not 0 < step <= 1:
        raise SpecError(f"`step` of alfa_mix must lie in (0, 1], not {step}")
    flips = np.zeros(len(probs), dtype=bool)
    anchors = class_means(labeled_embedding, labeled_label)
    for _, flips in growing_mixes(probs, embedding, anchors, head_weight, head_bias, step):
        if flips.sum() > k:
            break
    found = np.flatnonzero(flips)
    if found.size <= k:
        note = f"a mix with labeled classes flips {found.size} candidates; alfa_mix chose the "
        rest = (f"{note}other {k - found.size} of {k} at random",) if found.size < k else ()
        return Chosen(filled(found.tolist(), len(probs), k), notes=rest)
    rows = unit_rows(embedding[found])
    return Chosen(found[representatives(rows, k_means(rows, k, rng), k)])


def class_means(labeled_embedding: FloatArray, labeled_label: IntArray) -> list[FloatArray]:
    """(D,) means of the classes that have labels."""
    return [
        labeled_embedding[labeled_label == c].mean(axis=0, dtype=np.float64)
        for c in np.unique(labeled_label)
    ]


def growing_mixes(
    probs: FloatArray,
    embedding: FloatArray,
    anchors: list[FloatArray],
    head_weight: FloatArray,
    head_bias: FloatArray,
    step: float,
) -> Iterator[tuple[float, BoolArray]]:
    """Caps, and (n,) whether a mix under that cap flips the predicted class.

    Along the gradient r W the logits move by r W W' / |r W|: C numbers a candidate, whatever D is.
    """
    predicted = np.argmax(probs, axis=1)
    logits = embedding @ head_weight.T.astype(embedding.dtype) + head_bias
    # Residuals sum to 0: what all classes share moves no logit past another, and would cost digits.
    weight = head_weight - head_weight.mean(axis=0, dtype=np.float64)
    r = residual(probs)
    moves = r @ (weight @ weight.T)
    length = np.sqrt(np.maximum((moves * r).sum(axis=1, keepdims=True), 0))
    moves = np.divide(moves, length, out=np.zeros_like(moves), where=length > 0)
    away = [np.sqrt(squared_distances(embedding, anchor)) for anchor in anchors]
    for i in range(1, math.ceil(1 / step - 1e-9) + 1):
        cap = min(1.0, i * step)
        flips = np.zeros(len(probs), dtype=bool)
        for distance in away:
            steps = cap / math.sqrt(embedding.shape[1]) * distance
            flips |= np.argmax(logits + steps[:, None] * moves, axis=1) != predicted
        yield cap, flips
