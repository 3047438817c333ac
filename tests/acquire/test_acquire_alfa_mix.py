"""Laws of ALFA-Mix: its closed form by features, its growing cap, its anchors."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from foveal.acquire.strategies.alfa_mix import alfa_mix, class_means, growing_mixes
from foveal.core.errors import SpecError

D, C, N = 4, 3, 30


def chance(seed=0):
    return np.random.default_rng(seed)


def problem(seed, dtype=np.float64):
    rng = chance(seed)
    weight, bias = rng.standard_normal((C, D)), rng.standard_normal(C)
    embedding = rng.standard_normal((N, D)).astype(dtype)
    labeled, label = rng.standard_normal((8, D)), rng.integers(0, C, 8)
    probs = softmax(embedding @ weight.T + bias, axis=1)
    return probs, embedding, labeled, label, weight, bias


def flips_by_features(probs, embedding, labeled, label, weight, bias, cap):
    """The published form: one share of the anchor for each feature, gradient by differences."""
    predicted = probs.argmax(axis=1)

    def loss(z):
        logits = z @ weight.T + bias
        return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(N), predicted]

    h = 1e-6
    slope = np.stack([(loss(embedding + h * e) - loss(embedding - h * e)) for e in np.eye(D)], 1)
    slope /= 2 * h
    flips = np.zeros(N, bool)
    for c in np.unique(label):
        gap = labeled[label == c].mean(axis=0) - embedding
        size = np.linalg.norm(gap, axis=1) / np.linalg.norm(slope, axis=1)
        share = cap / np.sqrt(D) * size[:, None] * slope / gap
        mixed = share * (embedding + gap) + (1 - share) * embedding
        flips |= (mixed @ weight.T + bias).argmax(axis=1) != predicted
    return flips


@given(st.integers(0, 30))
def test_the_step_is_the_mix_of_every_feature(seed):
    probs, embedding, labeled, label, weight, bias = problem(seed)
    anchors = class_means(labeled, label)
    for cap, flips in growing_mixes(probs, embedding, anchors, weight, bias, 0.25):
        expected = flips_by_features(probs, embedding, labeled, label, weight, bias, cap)
        np.testing.assert_array_equal(flips, expected)


def test_the_cap_grows_to_one_and_more_flip():
    probs, embedding, labeled, label, weight, bias = problem(1)
    mixes = list(growing_mixes(probs, embedding, class_means(labeled, label), weight, bias, 0.3))
    assert [cap for cap, _ in mixes] == pytest.approx([0.3, 0.6, 0.9, 1.0])
    for (_, less), (_, more) in pairwise(mixes):
        assert less.sum() <= more.sum()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_chooses_among_the_first_more_than_k_that_flip(dtype):
    probs, embedding, *rest = problem(2, dtype)
    labeled, label, weight, bias = rest
    mixes = growing_mixes(probs, embedding, class_means(labeled, label), weight, bias, 0.2)
    flips = next(f for _, f in mixes if f.sum() > 3)
    chosen = alfa_mix(probs, embedding, 3, chance(), *rest)
    assert flips[chosen.positions].all()
    assert chosen.notes == ()


def boundary():
    """Two classes parted at 0, and candidates at growing distances from there."""
    z = np.array([[-8.0], [-0.1], [6.0], [0.2], [7.0]])
    weight, bias = np.array([[-1.0], [1.0]]), np.zeros(2)
    probs = softmax(z @ weight.T, axis=1)
    return probs, z, np.array([[-1.0], [1.0]]), np.array([0, 1]), weight, bias


def test_candidates_near_the_boundary_flip_first():
    probs, z, *rest = boundary()
    assert set(alfa_mix(probs, z, 1, chance(), *rest).positions) <= {1, 3}


def test_where_too_few_flip_the_rest_follow_in_order_and_a_note_says_so():
    probs, z, labeled, label, weight, bias = boundary()
    no_labels = alfa_mix(probs, z, 2, chance(), labeled[:0], label[:0], weight, bias)
    assert no_labels.positions.tolist() == [0, 1]
    assert "flips 0 candidates" in no_labels.notes[0]
    assert "other 2 of 2 at random" in no_labels.notes[0]
    all_of_them = alfa_mix(probs, z, 5, chance(), labeled, label, weight, bias)
    assert sorted(all_of_them.positions.tolist()) == [0, 1, 2, 3, 4]


def test_anchors_are_means_of_labeled_classes():
    means = class_means(np.array([[0.0], [2.0], [7.0]]), np.array([3, 3, 0]))
    assert [m.tolist() for m in means] == [[7.0], [1.0]]


@pytest.mark.parametrize("step", [0.0, 1.5])
def test_a_step_out_of_range_is_refused(step):
    probs, z, *rest = boundary()
    with pytest.raises(SpecError, match="`step` of alfa_mix"):
        alfa_mix(probs, z, 1, chance(), *rest, step=step)
