"""Laws of TypiClust: one per blob, unlabeled blobs first, typical before odd."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from foveal.acquire.strategies import typiclust as module
from foveal.acquire.strategies.typiclust import spread, typiclust
from foveal.core.errors import SpecError
from generators import embeddings


def chance(seed=0):
    return np.random.default_rng(seed)


def blobs(sizes, seed=1):
    blob = np.repeat(np.arange(len(sizes)), sizes)
    rows = 100 * np.eye(len(sizes))[blob] + chance(seed).standard_normal((blob.size, len(sizes)))
    return rows.astype(np.float32), blob


@pytest.mark.parametrize("m", [1, 2, 5, 9])
def test_one_of_each_blob(m):
    rows, blob = blobs([20] * m)
    assert set(blob[typiclust(rows, m, chance())]) == set(range(m))


def test_larger_blobs_first():
    rows, blob = blobs([10, 40, 20])
    assert blob[typiclust(rows, 3, chance())].tolist() == [1, 2, 0]


def test_blobs_without_labels_first():
    rows, blob = blobs([40, 30, 10])
    labeled = rows[blob < 2][::7]
    settings = {"max_clusters": 3}
    assert blob[typiclust(rows, 1, chance(), labeled, **settings)].tolist() == [2]
    one_label = typiclust(rows, 3, chance(), rows[:1], **settings)
    assert blob[one_label].tolist() == [1, 2, 0]


def test_a_pick_counts_as_a_label():
    rows, blob = blobs([30, 20])
    picked = typiclust(rows, 4, chance(), max_clusters=2)
    assert blob[picked].tolist() == [0, 1, 0, 1]


def test_small_clusters_come_last():
    rows, blob = blobs([30, 4, 20])
    picked = typiclust(rows, 6, chance(), max_clusters=3)
    assert 1 not in blob[picked]
    assert set(blob[typiclust(rows, 54, chance(), max_clusters=3)][-4:]) == {1}


def test_the_pick_of_a_cluster_is_the_most_typical():
    rows, _ = blobs([50])
    apart = cdist(rows.astype(float), rows.astype(float))
    mean = np.sort(apart)[:, 1:21].mean(axis=1)
    np.testing.assert_allclose(spread(rows, np.zeros(50, int), 20, chance()), mean, rtol=1e-6)
    assert typiclust(rows, 1, chance()).tolist() == [mean.argmin()]


def test_half_the_cluster_bounds_the_neighbors():
    rows = np.array([[0.0], [1.0], [3.0], [100.0], [101.0]])
    label = np.array([0, 0, 0, 1, 1])
    np.testing.assert_allclose(spread(rows, label, 20, chance()), [1, 1, 2, 1, 1])


def test_large_clusters_look_among_a_sample(monkeypatch):
    rows, _ = blobs([300])
    mean = spread(rows, np.zeros(300, int), 20, chance())
    monkeypatch.setattr(module, "SEEN", 200)
    sampled = spread(rows, np.zeros(300, int), 20, chance())
    assert np.corrcoef(mean, sampled)[0, 1] > 0.9


@given(st.integers(1, 20).flatmap(embeddings), st.data())
def test_any_pool_with_any_labels(rows, data):
    k = data.draw(st.integers(1, len(rows)))
    labeled = data.draw(st.none() | st.integers(1, 4).flatmap(embeddings))
    picked = typiclust(rows, k, chance(), labeled, max_clusters=data.draw(st.integers(1, 9)))
    assert len(set(picked.tolist())) == k
    assert picked.size == k


@pytest.mark.parametrize("name", ["max_clusters", "min_size", "neighbor_count"])
def test_settings_out_of_range_are_refused(name):
    with pytest.raises(SpecError, match=f"`{name}` of typiclust"):
        typiclust(np.zeros((2, 1)), 1, chance(), **{name: 0})
