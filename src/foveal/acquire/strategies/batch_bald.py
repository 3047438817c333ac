"""BatchBALD: the batch whose answers together tell most about the model.

The joint mutual information of a batch A is I(A) = H(y_A) - sum over A of E_t H(y_i given t).
Greedily, a candidate i adds H(y_i given y_A) - E_t H(y_i given t). Given one joint answer a of the
batch so far, draw t has the posterior weight w_t(a), proportional to the product of its
probabilities of these answers, so H(y_i given y_A) is the mean over answers of the entropy of
sum_t w_t(a) p_ti. Answers are enumerated while they are few, and sampled from then on.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from foveal.acquire.registry import Facts, selector
from foveal.acquire.strategies.bayesian import check_draws, expected_entropy
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError

DECIMALS = 12  # of gains in nats; what lies behind is rounding, and must not break ties
CELLS = 1 << 22  # numbers held at once for a block of candidates: 32 MB


@dataclass(frozen=True, slots=True)
class Answers:
    """Joint answers to the batch so far: their chances (S,), and given each the draws' (S, T)."""

    chances: FloatArray
    posterior: FloatArray


def _why(_: Facts) -> str:
    return "its label, together with those asked before it, tells most about the model"


@selector("batch_bald", needs=("mc_probs",), why=_why)
def batch_bald(
    mc_probs: FloatArray, k: int, rng: np.random.Generator, *, samples: int = 512
) -> IntArray:
    """Greedy batch of the largest joint mutual information between its labels and the weights.

    The first choice is that of BALD. A copy of a chosen sample adds only what its own noise
    leaves open, so a batch is not one sample many times. Greedy is within 1 - 1/e of the best
    batch as long as joint answers are enumerated.

    Args:
        mc_probs: (T, n, C) probabilities of T draws or members; rows sum to 1. A draw must be the
            same weights for all samples.
        k: how many to choose, at most n.
        rng: of sampled answers; not used while they are enumerated.
        samples: most joint answers to hold. All C^b answers of b samples are used while they are
            no more than this; later so many are sampled. Time and precision grow with it.

    Returns:
        (k,) distinct positions in the order of choice; among equals the first.

    Raises:
        EvidenceError: if T < 2.
        SpecError: if `samples` is below 1.
    Source:
        Kirsch, van Amersfoort and Gal 2019, BatchBALD, arXiv:1906.08158.
    """
    check_draws(mc_probs)
    if samples < 1:
        raise SpecError(f"`samples` of batch_bald must be at least 1, not {samples}")
    draws = len(mc_probs)
    answers = Answers(np.ones(1), np.full((1, draws), 1 / draws))
    noise = expected_entropy(mc_probs)
    chosen: list[int] = []
    for _ in range(k):
        gain = np.round(_conditional_entropy(mc_probs, answers) - noise, DECIMALS)
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
        answers = _with(answers, mc_probs[:, chosen[-1]], samples, rng)
    return np.array(chosen, dtype=np.int64)


def _conditional_entropy(mc_probs: FloatArray, answers: Answers) -> FloatArray:
    """(n,) nats: mean over joint answers of the entropy of each candidate's label."""
    draws, n, classes = mc_probs.shape
    step = max(1, CELLS // (answers.chances.size * classes))
    nats = np.empty(n)
    for start in range(0, n, step):
        block = np.asarray(mc_probs[:, start : start + step], dtype=np.float64)
        predicted = answers.posterior @ block.reshape(draws, -1)
        nats[start : start + step] = (answers.chances @ entr(predicted)).reshape(-1, classes).sum(1)
    return nats


def _with(answers: Answers, probs: FloatArray, samples: int, rng: np.random.Generator) -> Answers:
    """Joint answers of the batch and one sample more, whose probabilities are (T, C)."""
    p = np.asarray(probs, dtype=np.float64)
    chances = (answers.chances[:, None] * (answers.posterior @ p)).ravel()
    kept = np.flatnonzero(chances)
    chances = chances[kept] / chances[kept].sum()
    if kept.size > samples:
        some = _systematic(chances, samples, rng)
        kept, chances = kept[some], np.full(samples, 1 / samples)
    before, answer = np.divmod(kept, p.shape[1])
    posterior = answers.posterior[before] * p[:, answer].T
    return Answers(chances, posterior / posterior.sum(axis=1, keepdims=True))


def _systematic(chances: FloatArray, count: int, rng: np.random.Generator) -> IntArray:
    """(count,) positions by their chances, evenly spaced: each as often as expected, within one."""
    points = (np.arange(count) + rng.random()) / count
    places = np.searchsorted(np.cumsum(chances), points, side="right")
    return np.minimum(places, chances.size - 1)
