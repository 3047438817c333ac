"""Libraries: the same strategies in scikit-activeml and modAL, with the same picks.

Both live in an environment of their own (`make peers`, then `.venv-peers/bin/foveal bench
libraries`); rows whose peer is not installed are left out. Other picks are an error, not a row.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from foveal.acquire.strategies.batch_bald import batch_bald
from foveal.acquire.strategies.k_center import k_center
from foveal.acquire.strategies.uncertainty import entropy, margin
from foveal.bench.timing import Row, seconds_row, side_by_side
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import EvidenceError

N, D, K, LABELED = 3000, 64, 50, 20
MANY = 200_000
Pick = Callable[[], IntArray]


def libraries() -> Iterator[Row]:
    """k-center, BatchBALD, entropy and margin beside scikit-activeml and modAL."""
    if find_spec("skactiveml") is not None:
        yield _row(f"k_center, {N} x {D}, {K} picks", "scikit-activeml", *_k_center())
        yield _row("batch_bald, 500 candidates, 10 draws, 2 picks", "scikit-activeml", *_bald())
        yield _row(f"entropy, {MANY} candidates, {K} picks", "scikit-activeml", *_entropy())
    if find_spec("modAL") is not None:
        yield _row(f"margin, {MANY} candidates, {K} picks", "modAL", *_margin())


def _row(name: str, peer: str, ours: Pick, theirs: Pick) -> Row:
    if set(ours().tolist()) != set(theirs().tolist()):
        raise EvidenceError(f"{name}: the picks of {peer} must be ours, but differ")
    mine, other = side_by_side(ours, theirs, repeats=5)
    return seconds_row(name, mine, other, peer, None)


def _k_center() -> tuple[Pick, Pick]:
    from skactiveml.pool import k_greedy_center

    x = np.random.default_rng(0).random((N, D))
    y = np.full(N, np.nan)
    y[:LABELED] = 0

    def ours() -> IntArray:
        return k_center(x[LABELED:], K, np.random.default_rng(0), x[:LABELED]) + LABELED

    return ours, lambda: np.asarray(k_greedy_center(x, y, batch_size=K, random_state=0)[0])


def _bald() -> tuple[Pick, Pick]:
    from skactiveml.pool import batch_bald as peer

    draws = np.stack([_probs(500, seed) for seed in range(10)])

    def theirs() -> IntArray:
        picks: IntArray = np.nanargmax(peer(draws, batch_size=2, random_state=0), axis=1)
        return picks

    return lambda: batch_bald(draws, 2, np.random.default_rng(0)), theirs


def _entropy() -> tuple[Pick, Pick]:
    from skactiveml.pool import uncertainty_scores

    probs = _probs(MANY)
    return (
        lambda: _highest(entropy(probs)),
        lambda: _highest(uncertainty_scores(probs, method="entropy")),
    )


def _margin() -> tuple[Pick, Pick]:
    from modAL.uncertainty import margin_sampling

    probs = _probs(MANY)

    class Fixed:
        """A classifier that has been asked already."""

        def predict_proba(self, _: Any) -> FloatArray:
            """(n, C) probabilities."""
            return probs

    rows = np.zeros((MANY, 1))
    return (
        lambda: _highest(margin(probs)),
        lambda: np.asarray(margin_sampling(Fixed(), rows, n_instances=K)[0], np.int64),
    )


def _highest(score: FloatArray) -> IntArray:
    return np.argpartition(-score, K)[:K]


def _probs(n: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).dirichlet(np.ones(4), n)
