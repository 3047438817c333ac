"""Laws of k-means selection and of its uncertainty-weighted form, DBAL."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire.strategies.dbal import dbal
from foveal.acquire.strategies.k_means import k_means
from foveal.acquire.strategies.uncertainty import entropy, margin
from foveal.core.errors import SpecError
from generators import embeddings, probabilities

CENTERS = 50 * np.eye(5)


def chance(seed=0):
    return np.random.default_rng(seed)


def blobs(each=20):
    rows = np.repeat(CENTERS, each, axis=0) + chance(1).standard_normal((5 * each, 5))
    return rows.astype(np.float32), np.repeat(np.arange(5), each)


@pytest.mark.parametrize("seed", range(5))
def test_one_of_each_blob_and_near_its_mean(seed):
    rows, blob = blobs()
    picked = k_means(rows, 5, chance(seed))
    assert set(blob[picked]) == set(range(5))
    for i in picked:
        own = rows[blob == blob[i]]
        apart = np.linalg.norm(own - own.mean(axis=0), axis=1)
        assert np.linalg.norm(rows[i] - own.mean(axis=0)) == pytest.approx(apart.min(), rel=1e-4)


def test_heavy_candidates_pull_the_center():
    line = np.array([[0.0], [1.0], [2.0], [3.0], [10.0]])
    assert k_means(line, 1, chance()).tolist() == [3]
    assert k_means(line, 1, chance(), np.array([1, 0.1, 0.1, 0.1, 0.1])).tolist() == [1]


def test_the_heaviest_cluster_comes_first():
    rows = np.array([[0.0], [0.1], [0.2], [9.0]])
    assert k_means(rows, 2, chance()).tolist() == [1, 3]
    assert k_means(rows, 2, chance(), np.array([0.1, 0.1, 0.1, 1.0])).tolist() == [3, 1]


@given(st.integers(1, 20).flatmap(embeddings), st.data())
def test_distinct_candidates_before_repeated_ones(rows, data):
    k = data.draw(st.integers(1, len(rows)))
    picked = k_means(rows, k, chance())
    distinct = len(np.unique(rows, axis=0))
    assert len(set(picked.tolist())) == k
    if k >= distinct:
        assert len(np.unique(rows[picked[:distinct]], axis=0)) == distinct


def test_cosine_groups_directions():
    rows = np.array([[1.0, 0.0], [9.0, 0.0], [9.0, 0.1], [0.0, 1.0]])
    assert 3 in k_means(rows, 2, chance(), metric="cosine")


@pytest.mark.parametrize(("name", "score"), [("margin", margin), ("entropy", entropy)])
@given(probs=probabilities(12, 3), beta=st.sampled_from([1.0, 1.5, 3.0]))
def test_dbal_keeps_the_most_uncertain(name, score, probs, beta):
    rows = chance(2).standard_normal((12, 2))
    picked = dbal(probs, rows, 3, chance(), beta=beta, uncertainty=name)
    kept = int(np.ceil(3 * beta))
    uncertain = score(probs)
    assert (uncertain[picked] >= np.sort(uncertain)[-kept]).all()


def test_dbal_takes_one_of_each_group_of_uncertain_candidates():
    rows, blob = blobs()
    sure = np.tile([0.99, 0.01], (100, 1))
    sure[blob < 3] = [0.5, 0.5]
    picked = dbal(sure, rows, 3, chance(), beta=20)
    assert set(blob[picked]) == {0, 1, 2}


def test_dbal_with_beta_one_is_uncertainty_alone():
    p = np.linspace(0.5, 0.99, 9)
    probs = np.stack([p, 1 - p], axis=1)
    assert set(dbal(probs, np.zeros((9, 2)), 4, chance(), beta=1.0)) == {0, 1, 2, 3}
    with pytest.raises(SpecError, match="`beta` of dbal"):
        dbal(probs, np.zeros((9, 2)), 4, chance(), beta=0.5)
