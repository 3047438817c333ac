"""Laws of BADGE: agreement with gradients that are really built, and no repeats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire import acquire
from foveal.acquire.strategies.badge import badge, gradient_distances
from foveal.core.evidence import Evidence
from generators import embeddings, numbers


def chance(seed=0):
    return np.random.default_rng(seed)


def gradients(residual, embedding):
    return np.einsum("nc,nd->ncd", residual, embedding.astype(float)).reshape(len(embedding), -1)


def reference(residual, embedding, k, rng, weight):
    """k-means++ seeding on built gradients, with the same uniform numbers."""
    g = gradients(residual, embedding)
    picked = [int(np.argmax(weight * (g**2).sum(axis=1)))]
    while len(picked) < k:
        apart = np.min([((g - g[i]) ** 2).sum(axis=1) for i in picked], axis=0) * weight
        below = np.cumsum(apart)
        picked.append(int(np.searchsorted(below, rng.random() * below[-1], side="right")))
    return picked


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(5))
def test_it_draws_what_built_gradients_would(dtype, seed):
    rng = chance(seed)
    embedding = rng.standard_normal((200, 16)).astype(dtype)
    residual = rng.standard_normal((200, 4)) / 3
    weight = rng.uniform(0.1, 1, 200)
    own = badge(residual, embedding, 40, chance(seed), weight)
    assert own.tolist() == reference(residual, embedding, 40, chance(seed), weight)


@given(st.data())
def test_distances_are_those_of_built_gradients(data):
    n = data.draw(st.integers(1, 12))
    embedding, residual = data.draw(embeddings(n)), data.draw(numbers(n, 3))
    g = gradients(residual, embedding)
    distance_to = gradient_distances(residual, embedding)
    for i in range(n):
        np.testing.assert_allclose(distance_to(i), ((g - g[i]) ** 2).sum(axis=1), atol=1e-9)


def test_near_duplicates_keep_their_digits_and_equal_rows_are_at_zero():
    rng = chance(1)
    base_h, base_r = 100 + rng.standard_normal(30), rng.standard_normal(3)
    h = (base_h + 1e-4 * rng.standard_normal((40, 30))).astype(np.float32)
    r = (base_r + 1e-6 * rng.standard_normal((40, 3))).astype(np.float64)
    h[20:], r[20:] = h[:20], r[:20]
    g = gradients(r, h)
    distance_to = gradient_distances(r, h)
    for i in range(20):
        expected = ((g - g[i]) ** 2).sum(axis=1)
        np.testing.assert_allclose(distance_to(i), expected, rtol=1e-6)
        assert distance_to(i)[i + 20] == 0


@given(st.data())
def test_identical_gradients_are_not_both_taken_before_distinct_ones(data):
    n = data.draw(st.integers(1, 16))
    embedding, residual = data.draw(embeddings(n)), data.draw(numbers(n, 2))
    g = gradients(residual, embedding)
    picked = badge(residual, embedding, n, chance(n))
    distinct = len(np.unique(g, axis=0))
    assert len(np.unique(g[picked[:distinct]], axis=0)) == distinct
    assert sorted(picked.tolist()) == list(range(n))


def test_the_first_pick_has_the_largest_gradient():
    embedding, residual = np.array([[1.0], [3.0], [2.0]]), np.array([[1.0], [0.5], [1.0]])
    assert badge(residual, embedding, 1, chance()).tolist() == [2]
    assert badge(residual, embedding, 1, chance(), np.array([1.0, 1.0, 0.3])).tolist() == [1]


def test_a_random_first_pick_follows_the_weights():
    same, weight = np.ones((4, 1)), np.array([0.0, 0.2, 0.0, 0.6])
    first = [badge(same, same, 1, chance(s), weight, first="random")[0] for s in range(400)]
    counts = np.bincount(first, minlength=4)
    assert counts[[0, 2]].sum() == 0
    assert counts[3] / 400 == pytest.approx(0.75, abs=0.07)


def test_draws_are_proportional_to_squared_distance_and_weight():
    embedding = np.array([[10.0], [9.0], [8.0]])
    weight = np.array([1.0, 1.0, 0.5])
    second = [badge(np.ones((3, 1)), embedding, 2, chance(s), weight)[1] for s in range(600)]
    assert np.mean(np.array(second) == 2) == pytest.approx(2 / 3, abs=0.06)


def test_weight_zero_comes_last():
    rng = chance(2)
    embedding, residual = rng.standard_normal((10, 3)), rng.standard_normal((10, 2))
    weight = np.where(np.arange(10) < 4, 0.0, 1.0)
    assert set(badge(residual, embedding, 6, chance(), weight)) == set(range(4, 10))


def test_a_sure_model_leaves_chance_to_the_engine():
    pool = Evidence(tuple("abcdef"), {"probs": np.tile([1.0, 0.0], (6, 1)), "embedding": np.eye(6)})
    assert len({acquire(pool, "badge", 2, seed=s).ids for s in range(8)}) > 1
