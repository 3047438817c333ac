"""Laws of k-center: farthest first, shrinking radius, at most twice the optimum."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from foveal.acquire import acquire
from foveal.acquire.strategies.k_center import k_center
from foveal.core.errors import EvidenceError
from foveal.core.evidence import Evidence
from generators import embeddings

RNG = np.random.default_rng(0)
pools = st.integers(2, 24).flatmap(embeddings)


def radius(rows, centers):
    return cdist(rows, centers).min(axis=1).max()


@given(pools, st.integers(1, 3).flatmap(embeddings))
def test_the_first_pick_is_the_farthest_from_all_that_is_labeled(rows, labeled):
    apart = cdist(rows, labeled).min(axis=1)
    assert apart[k_center(rows, 1, RNG, labeled)[0]] == pytest.approx(apart.max())


@given(pools)
def test_every_pick_is_the_farthest_and_the_radius_never_grows(rows):
    order = k_center(rows, len(rows), RNG)
    radii = []
    for k in range(1, len(rows)):
        apart = cdist(rows, rows[order[:k]]).min(axis=1)
        radii.append(apart.max())
        assert apart[order[k]] == pytest.approx(apart.max())
    assert (np.diff(radii) <= 1e-9).all()


@given(st.integers(3, 8).flatmap(embeddings), st.integers(1, 3))
def test_the_radius_is_at_most_twice_the_smallest_possible(rows, k):
    best = min(radius(rows, rows[list(c)]) for c in combinations(range(len(rows)), k))
    assert radius(rows, rows[k_center(rows, k, RNG)]) <= 2 * best + 1e-9


@given(pools, st.integers(1, 3).flatmap(embeddings))
def test_duplicates_come_last(rows, labeled):
    order = k_center(rows, len(rows), RNG, labeled)
    known = {tuple(row) for row in labeled.tolist()}
    new = []
    for row in rows[order].tolist():
        new.append(tuple(row) not in known)
        known.add(tuple(row))
    assert new == sorted(new, reverse=True)


def test_near_duplicates_in_single_precision_do_not_mislead():
    rng = np.random.default_rng(1)
    slices = 1000 + np.repeat(rng.standard_normal((1, 30)), 50, axis=0)
    rows = np.vstack([slices + 1e-4 * rng.standard_normal(slices.shape), slices[:1] + 5])
    rows = rows.astype(np.float32)
    assert k_center(rows, 1, RNG, rows[:20])[0] == 50
    picked = k_center(rows, 30, RNG, rows[:20])
    assert set(picked[1:]) <= set(range(20, 50))


@given(pools)
def test_the_same_weight_for_all_is_no_weight(rows):
    with_weight = k_center(rows, len(rows), RNG, weight=np.full(len(rows), 0.5))
    np.testing.assert_array_equal(with_weight, k_center(rows, len(rows), RNG))


def test_weight_multiplies_the_distance():
    line = np.array([[1.0], [2.0], [4.0]])
    zero = np.array([[0.0]])
    weight = np.array([1.0, 1.0, 0.4])
    assert k_center(line, 3, RNG, zero).tolist()[0] == 2
    assert k_center(line, 3, RNG, zero, weight).tolist()[0] == 1
    assert k_center(line, 3, RNG, zero, weight * [1, 1, 0]).tolist() == [1, 0, 2]
    assert k_center(line, 1, RNG, None, np.array([0.2, 0.1, 0.9])).tolist() == [2]


@given(pools)
def test_cosine_ignores_lengths(rows):
    scale = np.where(np.arange(len(rows)) % 2, 4, 1)[:, None].astype(np.float32)
    one = k_center(rows, len(rows), RNG, metric="cosine")
    np.testing.assert_array_equal(k_center(rows * scale, len(rows), RNG, metric="cosine"), one)


def test_cosine_prefers_another_direction_to_another_length():
    rows = np.array([[10.0, 0.0], [0.0, 1.0]])
    labeled = np.array([[1.0, 0.0]])
    assert k_center(rows, 1, RNG, labeled)[0] == 0
    assert k_center(rows, 1, RNG, labeled, metric="cosine")[0] == 1


def test_labeled_samples_are_covered_through_the_engine():
    pool = Evidence(("a", "b", "c"), {"embedding": np.array([[0.0], [5.0], [6.0]])})
    labeled = Evidence(("x",), {"embedding": np.array([[5.5]])})
    assert acquire(pool, "k_center", 1, context={"labeled": labeled}).ids == ("a",)


def test_a_weight_out_of_range_is_refused():
    with pytest.raises(EvidenceError, match="`weight`"):
        k_center(np.zeros((2, 1)), 1, RNG, weight=np.array([0.0, 2.0]))
