"""Targeted selection: which similarity a query set is sought by, and what to do where it is blind.

The gradient of a misclassified exemplar (truly rare r, predicted common c) is positive at c and
negative at r. A candidate predicted c has, by its hypothesized label, a gradient negative at c: its
cosine with the exemplar is negative, however alike the images are. Only candidates predicted as the
exemplar's class can be found. Where they are fewer than the budget, ranking the others by gradient
would prefer the least similar ones (a sign trap), so the rest of the batch is chosen by features.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from foveal.acquire.registry import Chosen, Facts
from foveal.acquire.sets import Items, features, gradients, similarity
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import EvidenceError, SpecError

Kernel = Literal["gradient", "features"]
Choose = Callable[[Items, Items, IntArray, int], IntArray]

NO_RESIDUALS = (
    "similarity of features was used, because the evidence lacks residuals (`probs` of the pool, "
    "`probs` and `label` of the exemplars)"
)


def target(
    choose: Choose,
    k: int,
    embedding: FloatArray,
    exemplar_embedding: FloatArray,
    residual: FloatArray | None,
    exemplar_residual: FloatArray | None,
    kernel: Kernel,
) -> Chosen:
    """A batch that resembles the exemplars: by gradients where these can tell, else by features.

    Args:
        choose: candidates, exemplars, the candidates' rows in the pool and k to k positions among
            these candidates.
        k: how many.
        embedding: (n, D); residual: (n, C) or None.
        exemplar_embedding: (q, D); exemplar_residual: (q, C), with true labels, or None.
        kernel: what is asked for.
    Returns:
        positions, the highest similarity of each candidate to an exemplar as part `similarity`,
        and a note wherever features stood in for gradients.
    Raises:
        EvidenceError: if there is no exemplar.
    """
    check_exemplars(exemplar_embedding)
    alike, sought = features(embedding), features(exemplar_embedding)
    everyone = np.arange(len(alike))
    if kernel == "features":
        return _chosen(choose(alike, sought, everyone, k), nearest(alike, sought))
    if residual is None or exemplar_residual is None:
        return _chosen(choose(alike, sought, everyone, k), nearest(alike, sought), NO_RESIDUALS)
    slopes = gradients(residual, embedding)
    slopes_sought = gradients(exemplar_residual, exemplar_embedding)
    near = nearest(slopes, slopes_sought)
    seen = np.flatnonzero(near > 0)
    if seen.size >= k:
        return _chosen(choose(slopes, slopes_sought, everyone, k), near)
    first = seen[choose(slopes.rows(seen), slopes_sought, seen, seen.size)]
    others = np.setdiff1d(everyone, seen)
    rest = others[choose(alike.rows(others), sought, others, k - seen.size)]
    return _chosen(np.concatenate([first, rest]), near, _blind(seen.size, k))


def nearest(items: Items, others: Items) -> FloatArray:
    """(n,) similarity of each item to the most similar of `others`, in [-1, 1]; -1 if none."""
    if not len(others):
        return np.full(len(items), -1.0)
    near: FloatArray = similarity(items, others).max(axis=1).astype(np.float64)
    return near


def like(
    pool: Items, embedding: FloatArray | None, residual: FloatArray | None, width: int
) -> Items:
    """A set beside the pool as items of the pool's kind; empty where there is none.

    Args:
        embedding: (m, D) or None; residual: (m, C) or None.
        width: D, of the empty set.
    """
    if embedding is None:
        embedding, residual = np.zeros((0, width), np.float32), None
    if len(pool.factors) == 1:
        return features(embedding)
    if residual is None:
        if len(embedding):
            raise EvidenceError(
                "the kernel `gradient` needs residuals of the private set (`probs` and `label`), "
                "but there are none; use `kernel: features`"
            )
        residual = np.zeros((0, pool.factors[0].shape[1]), np.float32)
    return gradients(residual, embedding)


def check_exemplars(exemplar_embedding: FloatArray) -> None:
    """Raise `EvidenceError` if nothing is sought."""
    if len(exemplar_embedding) == 0:
        raise EvidenceError(
            "targeted selection needs at least one exemplar of what is sought, but the query set "
            "is empty; label one, take the exemplars from the validation part, or use all of them "
            "instead of the misclassified ones"
        )


def check_weights(**settings: float) -> None:
    """Raise `SpecError` unless settings such as eta and nu are at least 0 and finite."""
    for name, value in settings.items():
        if not 0 <= value < np.inf:
            raise SpecError(f"`{name}` must be at least 0 and finite, not {value}")


def why(facts: Facts) -> str:
    """The reason for a pick: how much it resembles what is sought."""
    return f"resembles an exemplar of what is sought (similarity {facts['similarity']:.2f} of 1)"


def _blind(seen: int, k: int) -> str:
    found = {0: "no candidate is", 1: "one candidate is"}.get(seen, f"{seen} candidates are")
    return (
        f"only gradients of candidates predicted as an exemplar's class can resemble it, and "
        f"{found} among them; {k - seen} of {k} were chosen by similarity of features instead"
    )


def _chosen(positions: IntArray, near: FloatArray, *notes: str) -> Chosen:
    return Chosen(positions, {"similarity": near}, notes)
