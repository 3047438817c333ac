"""Closed forms of least confidence, margin and entropy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire.strategies.uncertainty import (
    entropy,
    largest_entropy,
    least_confidence,
    margin,
)
from generators import probabilities

LC_MARGIN_ENTROPY = [least_confidence, margin, entropy]


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_the_uniform_prediction_is_the_most_uncertain(classes):
    uniform = np.full((1, classes), 1 / classes)
    assert entropy(uniform)[0] == pytest.approx(math.log(classes))
    assert entropy(uniform, log_base="2")[0] == pytest.approx(math.log2(classes))
    assert entropy(uniform, normalize=True)[0] == pytest.approx(1)
    assert least_confidence(uniform)[0] == pytest.approx(1 - 1 / classes)
    assert margin(uniform)[0] == pytest.approx(1)


@pytest.mark.parametrize("score", LC_MARGIN_ENTROPY)
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_a_certain_prediction_scores_zero(score, classes):
    assert score(np.eye(classes)) == pytest.approx(np.zeros(classes))


def test_worked_examples():
    p = np.array([[0.5, 0.25, 0.25], [0.6, 0.4, 0.0]])
    assert least_confidence(p) == pytest.approx([0.5, 0.4])
    assert margin(p) == pytest.approx([0.75, 0.8])
    assert entropy(p, log_base="2") == pytest.approx([1.5, 0.97095], abs=1e-5)


@given(probabilities(classes=2), st.floats(0, 1))
def test_with_two_classes_all_three_give_one_ranking(probs, p):
    rows = np.vstack([probs.astype(np.float64), [[p, 1 - p]]])
    surer = np.abs(rows[:, 0] - 0.5)
    for score in LC_MARGIN_ENTROPY:
        values = score(rows)
        for i in range(len(rows)):
            less_sure = surer > surer[i] + 1e-6
            assert (values[less_sure] < values[i]).all()


@given(probabilities())
def test_ranges_hold(probs):
    classes = probs.shape[1]
    bounds = [(least_confidence, 1 - 1 / classes), (margin, 1.0), (entropy, math.log(classes))]
    for score, most in bounds:
        values = score(probs)
        assert values.min() >= -1e-6
        assert values.max() <= most + 1e-6


@given(probabilities(), st.data())
def test_the_names_of_classes_do_not_matter(probs, data):
    order = data.draw(st.permutations(range(probs.shape[1])))
    for score in LC_MARGIN_ENTROPY:
        np.testing.assert_allclose(score(probs[:, order]), score(probs), atol=1e-12)


@given(probabilities())
def test_entropy_is_the_written_formula(probs):
    by_hand = [-sum(float(p) * math.log(p) for p in row if p > 0) for row in probs]
    np.testing.assert_allclose(entropy(probs), by_hand, atol=1e-9)


def test_half_precision_is_summed_in_double():
    halves = np.full((1, 4), 0.25, dtype=np.float16)
    assert entropy(halves).dtype == np.float64
    assert entropy(halves)[0] == pytest.approx(math.log(4))


def test_largest_entropy():
    assert largest_entropy(3) == pytest.approx(1.0986, abs=1e-4)
    assert largest_entropy(8, "2") == 3
