"""GLISTER: candidates whose training step would raise the likelihood of held-out labels most."""

import numpy as np
from scipy.special import softmax

from foveal.acquire.derived import residual
from foveal.acquire.registry import Chosen, Facts, selector
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError


def _why(facts: Facts) -> str:
    return "a training step on it is expected to raise the likelihood of known labels"


@selector(
    "glister",
    needs=(
        "probs",
        "embedding",
        "labeled_embedding",
        "labeled_label",
        "head_weight",
        "head_bias",
    ),
    optional=("val_embedding", "val_label"),
    why=_why,
)
def glister(
    probs: FloatArray,
    embedding: FloatArray,
    k: int,
    rng: np.random.Generator,
    labeled_embedding: FloatArray,
    labeled_label: IntArray,
    head_weight: FloatArray,
    head_bias: FloatArray,
    val_embedding: FloatArray | None = None,
    val_label: IntArray | None = None,
    *,
    eta: float = 0.01,
    refresh: int = 1,
) -> Chosen:
    """Greedy choice of the largest one-step gain in held-out log-likelihood.

    Training the last layer on candidate u with its predicted label as hypothesis moves it by
    -eta g_u, g_u = (p - onehot) (x) [h, 1]. To first order that changes the mean held-out loss by
    -eta <grad loss, g_u>, so the gain is <grad loss, g_u>. After a pick the held-out logits take
    that step (GLISTER's Taylor refresh) and the gains are computed anew.

    Args:
        probs: (n, C) probabilities; rows sum to 1.
        embedding: (n, D).
        k: how many to choose.
        rng: not used; equal candidates are taken in their order, which the engine draws.
        labeled_embedding: (m, D) and
        labeled_label: (m,) classes, the held-out set where there is no validation part; a note
            says so. Labels that the model was trained on tell less.
        head_weight: (C, D) of the last layer.
        head_bias: (C,) of the last layer.
        val_embedding: (v, D) and
        val_label: (v,) classes of the validation part.
        eta: learning rate of the step, above 0. The first pick does not depend on it.
        refresh: picks between two refreshes of the gains, at least 1; more is faster.

    Returns:
        (k,) positions, most wanted first; part `gain` (n,) at the start, over eta; and notes.

    Raises:
        SpecError: if a setting is out of range.
    Source:
        Killamsetty et al. 2021, GLISTER: generalization based data subset selection for efficient
        and robust learning, arXiv:2012.10630.
    """
    _check(eta, refresh)
    if val_embedding is None or val_label is None or not len(val_label):
        held_out = HeldOut(labeled_embedding, labeled_label, head_weight, head_bias)
        notes: tuple[str, ...] = (FALLBACK,)
    else:
        held_out, notes = HeldOut(val_embedding, val_label, head_weight, head_bias), ()
    r = residual(probs)
    first = gains = held_out.gains(r, embedding)
    picked: list[int] = []
    open_ = np.ones(len(probs), dtype=bool)
    for i in range(k):
        if i and i % refresh == 0:
            gains = held_out.gains(r, embedding)
        best = int(np.argmax(np.where(open_, gains, -np.inf)))
        held_out.step(r[best], embedding[best], eta)
        picked.append(best)
        open_[best] = False
    return Chosen(np.array(picked, dtype=np.int64), {"gain": first}, notes)


FALLBACK = (
    "glister measured gains on the labeled samples, because there is no `val` set with `embedding` "
    "and `label`"
)


class HeldOut:
    """Logits of samples with known labels, which steps of the last layer move.

    Args:
        embedding: (m, D); m = 0 makes all gains 0.
        label: (m,) classes.
        head_weight: (C, D); head_bias: (C,).
    """

    def __init__(
        self,
        embedding: FloatArray,
        label: IntArray,
        head_weight: FloatArray,
        head_bias: FloatArray,
    ) -> None:
        self._h = np.asarray(embedding, dtype=np.float64)
        self._y = np.eye(len(head_bias))[label]
        self.logits = self._h @ head_weight.T + head_bias

    def gains(self, r: FloatArray, h: FloatArray) -> FloatArray:
        """(n,) <grad of the mean loss, r (x) [h, 1]> for residuals (n, C) and embeddings (n, D)."""
        slope = (softmax(self.logits, axis=1) - self._y) / max(1, len(self._y))
        weight, bias = (slope.T @ self._h).astype(h.dtype), slope.sum(axis=0)
        gains: FloatArray = ((h @ weight.T + bias) * r).sum(axis=1)
        return gains

    def step(self, r: FloatArray, h: FloatArray, eta: float) -> None:
        """The logits after one step of the last layer on one candidate, (C,) and (D,)."""
        self.logits -= eta * np.outer(self._h @ h + 1, r)


def _check(eta: float, refresh: int) -> None:
    if not 0 < eta < np.inf:
        raise SpecError(f"`eta` of glister must be positive and finite, not {eta}")
    if refresh < 1:
        raise SpecError(f"`refresh` of glister must be at least 1, not {refresh}")
