"""Laws of variance reduction: the posterior written down, outliers left, doubt sought."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from foveal.acquire.geometry.picks import drawn
from foveal.acquire.geometry.posterior import Posterior, unit_scale
from foveal.acquire.strategies.variance_reduction import variance_reduction
from foveal.core.errors import SpecError


def chance(seed=0):
    return np.random.default_rng(seed)


def posed(n, m, seed, width=4):
    rng = chance(seed)
    return rng.normal(size=(n, width)), rng.normal(size=(m, width))


def kernel(a, b, length_scale):
    return np.exp(-cdist(a, b, "sqeuclidean") / (2 * length_scale**2))


def written_down(rows, labeled, noise, length_scale):
    """(n, n) covariance of the candidates that is left by the labeled ones."""
    own = kernel(labeled, labeled, length_scale) + noise * np.eye(len(labeled))
    between = kernel(rows, labeled, length_scale)
    return kernel(rows, rows, length_scale) - between @ np.linalg.solve(own, between.T)


def fall(rows, labeled, noise, weight, length_scale=0.8):
    """(n,) by how much the weighted variances fall with one more label, each worked out anew."""
    before = np.diag(written_down(rows, labeled, noise, length_scale)) @ weight
    more = [np.concatenate([labeled, rows[i : i + 1]]) for i in range(len(rows))]
    left = [np.diag(written_down(rows, m, noise, length_scale)) @ weight for m in more]
    return before - np.array(left)


@given(st.integers(1, 9), st.integers(0, 5), st.integers(0, 99), st.floats(0.05, 2))
def test_the_reduction_is_that_of_the_textbook_before_and_after_each_pick(n, m, seed, noise):
    rows, labeled = posed(n, m, seed)
    weight = chance(seed + 1).random(n)
    posterior = Posterior(rows, np.arange(n), weight, labeled, noise, 0.8)
    for i in (*range(min(n, 3)), 0):
        variance = np.diag(written_down(rows, labeled, noise, 0.8))
        np.testing.assert_allclose(posterior.variance, variance, atol=1e-8)
        np.testing.assert_allclose(
            posterior.reduction(), fall(rows, labeled, noise, weight), atol=1e-8
        )
        posterior.observe(i)
        labeled = np.concatenate([labeled, rows[i : i + 1]])


def test_only_the_references_count():
    rows, labeled = posed(8, 3, 5)
    weight = np.where(np.arange(8) < 3, 0.5, 0.0)
    posterior = Posterior(rows, np.arange(3), weight[:3], labeled, 0.3, 0.8)
    np.testing.assert_allclose(posterior.reduction(), fall(rows, labeled, 0.3, weight), atol=1e-9)
    posterior.observe(6)
    labeled = np.concatenate([labeled, rows[6:7]])
    np.testing.assert_allclose(posterior.reduction(), fall(rows, labeled, 0.3, weight), atol=1e-9)


@given(st.integers(2, 9), st.integers(0, 5), st.floats(0.01, 1e6), st.integers(0, 99))
def test_scale_and_place_of_a_feature_do_not_matter(n, m, factor, seed):
    rows, others = posed(n, m, seed)
    moved = [a * [factor, 1, 1, 1] + [0, 7, 0, 0] for a in (rows, others)]
    for ours, theirs in zip(unit_scale(rows, others), unit_scale(*moved), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    both = np.concatenate(unit_scale(rows, others))
    assert (both**2).sum(1).mean() == pytest.approx(1)


def blobs(sizes, seed=1):
    blob = np.repeat(np.arange(len(sizes)), sizes)
    return 20 * np.eye(len(sizes))[blob] + chance(seed).normal(size=(len(blob), len(sizes))), blob


def test_a_pick_stands_for_many_and_never_is_an_outlier():
    rows, blob = blobs([40, 30, 20, 1])
    unsure = np.full((91, 2), 0.5)
    picked = variance_reduction(unsure, rows, 3, chance())
    assert blob[picked].tolist() == [0, 1, 2]


def test_it_goes_where_the_model_wavers_and_not_where_labels_are():
    rows, blob = blobs([30, 30, 30])
    probs = np.where(blob[:, None] == 0, [[0.5, 0.5]], [[1.0, 0.0]])
    assert set(blob[variance_reduction(probs, rows, 2, chance())]) == {0}
    unsure = np.full((90, 2), 0.5)
    known = rows[blob == 0][:10]
    assert 0 not in blob[variance_reduction(unsure, rows, 2, chance(), known)]


def test_a_weight_says_for_whom_it_counts():
    rows, blob = blobs([30, 30, 30])
    unsure = np.full((90, 2), 0.5)
    weight = np.where(blob == 2, 1.0, 0.01)
    assert blob[variance_reduction(unsure, rows, 1, chance(), weight=weight)].tolist() == [2]


def test_without_any_doubt_all_count_alike():
    rows, blob = blobs([30, 5])
    certain = np.tile([1.0, 0.0], (35, 1))
    unsure = np.full((35, 2), 0.5)
    assert blob[variance_reduction(certain, rows, 1, chance())].tolist() == [0]
    for weight in (None, np.zeros(35)):
        picked = variance_reduction(certain, rows, 6, chance(), weight=weight)
        assert picked.tolist() == variance_reduction(unsure, rows, 6, chance()).tolist()


def test_equal_features_are_no_obstacle():
    picked = variance_reduction(np.full((5, 2), 0.5), np.ones((5, 3)), 5, chance(), np.ones((2, 3)))
    assert sorted(picked) == [0, 1, 2, 3, 4]


def test_few_references_find_the_large_groups_too():
    rows, blob = blobs([400, 300, 3])
    unsure = np.full((703, 2), 0.5)
    picked = variance_reduction(unsure, rows, 2, chance(), references=50)
    assert set(blob[picked]) == {0, 1}


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 99))
def test_drawn_are_different_and_sorted(n, most, seed):
    found = drawn(n, most, chance(seed))
    assert len(found) == min(n, most)
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize(
    "setting", [{"noise": 0.0}, {"length_scale": -1.0}, {"references": 0}, {"noise": float("nan")}]
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(SpecError, match=next(iter(setting))):
        variance_reduction(np.full((3, 2), 0.5), np.eye(3), 1, chance(), **setting)
