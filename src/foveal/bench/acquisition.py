"""Acquisition: selections beside submodlib, and large pools within a minute and few gigabytes.

Peers live in an environment of their own (`make peers`, then `.venv-peers/bin/foveal bench
selection`); rows whose peer is not installed are left out. The large pools need no peer.
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from foveal.acquire.strategies.badge import badge
from foveal.acquire.strategies.facility_location import facility_location
from foveal.acquire.strategies.k_center import k_center
from foveal.acquire.strategies.smi import flqmi, flvmi, logdetmi
from foveal.acquire.strategies.typiclust import typiclust
from foveal.bench.timing import Row, seconds_row, side_by_side
from foveal.core.arrays import FloatArray, IntArray

N, Q, D, K = 5000, 20, 64, 50
GIB = 2**30
MILLION = 1_000_000
LONGEST, MOST_GIB = 60.0, 4.0

Choose = Callable[..., Any]


def selection() -> Iterator[Row]:
    """FLQMI, FLVMI and LogDetMI beside submodlib, kernels and greedy together; the same picks."""
    if find_spec("submodlib") is None:
        return
    pool, query = _cloud(N, D), _cloud(Q, D, seed=1)
    for fn, peer, target in (
        (flqmi, "FacilityLocationVariantMutualInformationFunction", 1000.0),
        (flvmi, "FacilityLocationMutualInformationFunction", 20.0),
        (logdetmi, "LogDeterminantMutualInformationFunction", 20.0),
    ):
        ours, theirs = side_by_side(
            partial(_ours, fn, pool, query, K),
            partial(with_submodlib, peer, pool, query, K),
            repeats=3,
        )
        name = f"{fn.__name__}, {N} candidates, {Q} exemplars, {K} picks"
        yield seconds_row(name, ours, theirs, "submodlib 0.0.3", target)


def large() -> Iterator[Row]:
    """Large pools: seconds and peak memory of a fresh process, beside what is allowed."""
    yield from _within("flqmi", MILLION, 64, K, 10.0, 2.0)
    for name in ("k_center", "badge", "typiclust", "facility_location"):
        yield from _within(name, 100_000, 512, 500, LONGEST, MOST_GIB)


def gradients() -> Iterator[Row]:
    """BADGE on factors beside k-means++ on gradients that are written down."""
    n, classes, features, k = 20_000, 10, 256, 100
    residual, embedding = _residuals(n, classes), _cloud(n, features)
    ours, plain = side_by_side(
        lambda: badge(residual, embedding, k, np.random.default_rng(0)),
        lambda: plain_badge(residual, embedding, k, np.random.default_rng(0)),
        repeats=3,
    )
    name = f"badge, {n} candidates, {classes} classes, {features} features, {k} picks"
    yield seconds_row(name, ours, plain, "k-means++ on materialized gradients", 5.0)


def with_submodlib(function: str, pool: FloatArray, query: FloatArray, k: int) -> IntArray:
    """The picks of submodlib's naive greedy with cosine kernels of its own making."""
    import submodlib

    settings: dict[str, Any] = {
        "n": len(pool),
        "num_queries": len(query),
        "data": pool,
        "queryData": query,
        "metric": "cosine",
    }
    if function.startswith("LogDet"):
        settings["lambdaVal"] = 1.0
    else:
        settings["queryDiversityEta"] = 1.0
    if function == "FacilityLocationMutualInformationFunction":
        settings["magnificationEta"] = settings.pop("queryDiversityEta")
    if function.startswith("LogDet"):
        settings["magnificationEta"] = 1.0
    f = getattr(submodlib, function)(**settings)
    picks = f.maximize(
        budget=k,
        optimizer="NaiveGreedy",
        stopIfZeroGain=False,
        stopIfNegativeGain=False,
        verbose=False,
        show_progress=False,
    )
    return np.array([i for i, _ in picks], dtype=np.int64)


def plain_badge(
    residual: FloatArray, embedding: FloatArray, k: int, rng: np.random.Generator
) -> IntArray:
    """k-means++ seeding on n x (C D) gradients, as published codes do it."""
    g = np.einsum("nc,nd->ncd", residual, embedding).reshape(len(residual), -1)
    picks = [int((g * g).sum(axis=1).argmax())]
    nearest = ((g - g[picks[0]]) ** 2).sum(axis=1)
    while len(picks) < k:
        pick = int(rng.choice(len(g), p=nearest / nearest.sum()))
        picks.append(pick)
        nearest = np.minimum(nearest, ((g - g[pick]) ** 2).sum(axis=1))
    return np.array(picks)


def _ours(fn: Choose, pool: FloatArray, query: FloatArray, k: int) -> IntArray:
    chosen = fn(pool, query, k, np.random.default_rng(0), kernel="features")
    positions: IntArray = chosen.positions
    return positions


def _within(
    name: str, n: int, features: int, k: int, longest: float, most_gib: float
) -> Iterator[Row]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        seconds, peak = pool.apply(_measured, (name, n, features, k))
    what = f"{name}, {n} x {features}, {k} picks"
    yield Row(what, "s", seconds, longest, "allowed", longest / seconds, 1.0)
    yield Row(f"{what}, peak memory", "GiB", peak, most_gib, "allowed", most_gib / peak, 1.0)


def _measured(name: str, n: int, features: int, k: int) -> tuple[float, float]:
    """Seconds of one selection, and the peak of the whole process, its inputs included."""
    pool, rng = _cloud(n, features), np.random.default_rng(0)
    works: dict[str, Callable[[], object]] = {
        "flqmi": lambda: flqmi(pool, _cloud(Q, features, seed=1), k, rng, kernel="features"),
        "k_center": lambda: k_center(pool, k, rng),
        "badge": lambda: badge(_residuals(n, 10), pool, k, rng),
        "typiclust": lambda: typiclust(pool, k, rng),
        "facility_location": lambda: facility_location(pool, k, rng),
    }
    began = time.perf_counter()
    works[name]()
    seconds = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB elsewhere
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


def _cloud(n: int, features: int, seed: int = 0) -> FloatArray:
    """Made-up embeddings: positive, as after a ReLU, in loose clusters."""
    rng = np.random.default_rng(seed)
    centers = rng.random((50, features), dtype=np.float32)
    cloud = centers[rng.integers(0, 50, n)]
    cloud += 0.3 * rng.random((n, features), dtype=np.float32)
    return cloud


def _residuals(n: int, classes: int) -> FloatArray:
    rng = np.random.default_rng(2)
    probs = rng.dirichlet(np.ones(classes) * 0.3, n).astype(np.float32)
    probs[np.arange(n), probs.argmax(axis=1)] -= 1
    return probs
