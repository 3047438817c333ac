"""Laws of CDAL: symmetric divergence, farthest first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from foveal.acquire.strategies.cdal import FLOOR, cdal, contextual_diversity
from generators import probabilities

RNG = np.random.default_rng(0)


def apart(p, q):
    p, q = np.maximum(p, FLOOR).astype(float), np.maximum(q, FLOOR).astype(float)
    return np.array([contextual_diversity(p, row) for row in q])


def test_it_is_the_mean_of_both_divergences():
    rng = np.random.default_rng(1)
    p, q = rng.dirichlet(np.ones(4), 9), rng.dirichlet(np.ones(4))
    expected = [(entropy(row, q) + entropy(q, row)) / 2 for row in p]
    np.testing.assert_allclose(contextual_diversity(p, q), expected)


@given(probabilities())
def test_it_is_a_symmetric_distance_that_is_zero_for_equals(probs):
    d = apart(probs, probs)
    np.testing.assert_allclose(d, d.T, atol=1e-12)
    assert (d >= 0).all()
    assert np.isfinite(d).all()
    assert (d.diagonal() == 0).all()


@given(st.data())
def test_every_pick_is_the_farthest(data):
    classes = data.draw(st.integers(2, 4))
    probs = data.draw(probabilities(classes=classes))
    labeled = data.draw(st.none() | probabilities(2, classes))
    order = cdal(probs, len(probs), RNG, labeled)
    covered = [] if labeled is None else list(labeled)
    for i in order:
        if covered:
            reach = apart(probs, np.array(covered)).min(axis=0)
            assert reach[i] == pytest.approx(reach.max(), rel=1e-6, abs=1e-9)
        covered.append(probs[i])


def test_without_labels_it_starts_near_the_mean_or_at_the_highest_weight():
    probs = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
    assert cdal(probs, 1, RNG).tolist() == [1]
    assert cdal(probs, 1, RNG, weight=np.array([0.1, 0.2, 0.3])).tolist() == [2]


def test_weight_multiplies_the_distance():
    probs = np.array([[0.5, 0.5], [0.2, 0.8], [0.99, 0.01]])
    labeled = probs[:1]
    assert cdal(probs, 1, RNG, labeled).tolist() == [2]
    assert cdal(probs, 3, RNG, labeled, np.array([1.0, 1.0, 0.0])).tolist() == [1, 0, 2]
