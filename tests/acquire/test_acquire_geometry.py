"""Laws of distances, of far-apart picks, of k-means, neighbors and covers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from foveal.acquire.geometry import clusters
from foveal.acquire.geometry.clusters import k_means, representatives
from foveal.acquire.geometry.cover import balls, greedy_cover
from foveal.acquire.geometry.distances import (
    measured,
    nearest,
    squared_distances,
    squared_lengths,
    unit_rows,
)
from foveal.acquire.geometry.farthest import farthest_first, most_central
from foveal.acquire.geometry.neighbors import neighbors
from foveal.acquire.geometry.picks import filled, importance
from foveal.acquire.geometry.seeding import draw, seeds
from foveal.core.errors import EvidenceError
from generators import embeddings

rows_of_any_kind = st.integers(1, 24).flatmap(embeddings)


def chance(seed=0):
    return np.random.default_rng(seed)


def near_duplicates(n=60, width=40):
    """Rows of single precision that differ in their last digits, far from the origin."""
    rng = chance(1)
    base = 1000 + rng.standard_normal(width)
    return (base + 1e-4 * rng.standard_normal((n, width))).astype(np.float32)


@given(rows_of_any_kind)
def test_distances_agree_with_scipy(rows):
    expected = cdist(rows.astype(float), rows.astype(float), "sqeuclidean")
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(squared_distances(rows, row), expected[i])
    np.testing.assert_array_equal(squared_lengths(rows), (rows.astype(float) ** 2).sum(axis=1))


def test_near_duplicates_keep_their_digits_where_the_identity_goes_below_zero():
    rows = near_duplicates()
    lengths = (rows * rows).sum(axis=1)
    by_identity = lengths[:, None] + lengths - 2 * rows @ rows.T
    assert by_identity.min() < 0
    expected = cdist(rows.astype(float), rows.astype(float), "sqeuclidean")
    own = np.stack([squared_distances(rows, row) for row in rows])
    np.testing.assert_allclose(own, expected, rtol=1e-12)
    assert (np.diag(own) == 0).all()


@pytest.mark.parametrize("width", [1, 7, 70_000])
def test_blocks_of_any_shape(width, monkeypatch):
    monkeypatch.setattr("foveal.acquire.geometry.distances.BLOCK", 20)
    rows = chance().standard_normal((9, width)).astype(np.float32)
    expected = ((rows.astype(float) - rows[4]) ** 2).sum(axis=1)
    np.testing.assert_allclose(squared_distances(rows, rows[4]), expected)


@given(rows_of_any_kind, rows_of_any_kind)
def test_the_nearest_center_is_the_nearest(rows, centers):
    label, squared = nearest(rows, centers)
    expected = cdist(rows.astype(float), centers.astype(float), "sqeuclidean")
    np.testing.assert_allclose(squared, expected.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(expected[np.arange(len(rows)), label], squared, atol=1e-9)


def test_a_row_that_is_a_center_is_at_distance_zero():
    rows = near_duplicates()
    label, squared = nearest(rows, rows[::-1])
    assert (squared == 0).all()
    np.testing.assert_array_equal(rows[::-1][label], rows)


@given(rows_of_any_kind)
def test_unit_rows_have_length_one_and_zeros_stay(rows):
    lengths = np.linalg.norm(unit_rows(rows), axis=1)
    np.testing.assert_allclose(lengths, rows.any(axis=1), atol=1e-6)
    assert measured(rows, "euclidean") is rows
    assert unit_rows(rows).dtype == rows.dtype


def test_importance_is_checked():
    np.testing.assert_array_equal(importance(None, 3), np.ones(3))
    with pytest.raises(EvidenceError, match="`weight` must have shape"):
        importance(np.ones(2), 3)
    with pytest.raises(EvidenceError, match="`weight` must lie in"):
        importance(np.array([0.0, 1.5, 0.0]), 3)


def test_picks_are_filled_in_order():
    assert filled([3, 1], 5, 4).tolist() == [3, 1, 0, 2]
    assert filled([3, 1], 5, 1).tolist() == [3]


@given(rows_of_any_kind)
def test_the_most_central_row_is_nearest_to_the_mean(rows):
    apart = np.linalg.norm(rows.astype(float) - rows.mean(axis=0, dtype=float), axis=1)
    assert apart[most_central(rows)] == pytest.approx(apart.min())
    weight = np.zeros(len(rows))
    weight[-1] = 0.5
    assert most_central(rows, weight) == len(rows) - 1


def test_farthest_first_begins_where_it_is_told_and_counts_what_is_covered():
    line = np.array([[0.0], [1.0], [4.0], [9.0]])

    def distance_to(i):
        return squared_distances(line, line[i])

    assert farthest_first(distance_to, 4, 4, picked=[0]).tolist() == [0, 3, 2, 1]
    reach = squared_distances(line, np.array([9.0]))
    assert farthest_first(distance_to, 4, 2, reach=reach).tolist() == [0, 2]


def test_a_draw_is_proportional_and_never_of_chance_zero():
    rng, chances = chance(), np.array([0.0, 1.0, 0.0, 3.0, 0.0])
    counts = np.bincount([draw(chances, rng) for _ in range(4000)], minlength=5)
    assert counts[[0, 2, 4]].sum() == 0
    assert counts[3] / 4000 == pytest.approx(0.75, abs=0.03)


class Highest:
    """A generator whose uniform numbers round up to 1 in a product."""

    def random(self):
        return np.nextafter(1.0, 0.0)


def test_the_highest_draw_still_has_a_chance():
    assert draw(np.array([1e-3, 0.1, 0.0]), Highest()) == 1


@given(rows_of_any_kind, st.data())
def test_seeds_are_distinct_rows_before_any_repeats(rows, data):
    k = data.draw(st.integers(1, len(rows)))
    drawn = seeds(
        lambda i: squared_distances(rows, rows[i]), len(rows), k, chance(k), first=len(rows) - 1
    )
    assert len(set(drawn.tolist())) == k
    distinct = len(np.unique(rows, axis=0))
    assert len(np.unique(rows[drawn], axis=0)) == min(k, distinct)


def blobs(centers, each, width=0.1, seed=0):
    rng = chance(seed)
    rows = np.repeat(centers, each, axis=0) + width * rng.standard_normal(
        (len(centers) * each, centers.shape[1])
    )
    return rows.astype(np.float32), np.repeat(np.arange(len(centers)), each)


def test_k_means_is_as_good_as_that_of_scikit_learn():
    rows, _ = blobs(chance(3).standard_normal((8, 5)), 40, width=0.5)
    best = KMeans(8, n_init=10, random_state=0).fit(rows.astype(float)).inertia_
    own = min(k_means(rows, 8, chance(seed)).squared.sum() for seed in range(10))
    assert own <= 1.03 * best


@given(rows_of_any_kind, st.data())
def test_k_means_ends_at_means_of_their_members(rows, data):
    k = data.draw(st.integers(1, len(rows)))
    weight = data.draw(st.sampled_from([None, np.arange(1.0, len(rows) + 1)]))
    found = k_means(rows, k, chance(), weight=weight, iterations=100)
    np.testing.assert_allclose(found.squared, nearest(rows, found.centers)[1])
    for c in np.unique(found.label):
        own = found.label == c
        pull = None if weight is None else weight[own]
        mean = np.average(rows[own].astype(float), axis=0, weights=pull)
        np.testing.assert_allclose(found.centers[c], mean, atol=1e-9)


def test_a_weight_of_three_is_three_rows():
    rows = chance(2).standard_normal((30, 3))
    weight = np.where(np.arange(30) % 2, 1, 3)
    start = clusters.Clusters(*nearest(rows, rows[:4]), rows[:4])
    many = np.repeat(rows, weight, axis=0)
    start_of_many = clusters.Clusters(*nearest(many, rows[:4]), rows[:4])
    one = clusters._means(rows, start, weight.astype(float))
    np.testing.assert_allclose(one, clusters._means(many, start_of_many, np.ones(len(many))))


def test_an_empty_cluster_moves_to_the_row_farthest_from_its_own():
    rows = np.array([[0.0], [1.0], [10.0]])
    start = clusters.Clusters(np.zeros(3, int), rows[:, 0] ** 2, np.array([[0.0], [99.0]]))
    assert clusters._means(rows, start, np.ones(3))[1, 0] == 10.0


def test_large_pools_are_clustered_from_a_sample(monkeypatch):
    rows, truth = blobs(100 * np.eye(4), 200)
    monkeypatch.setattr(clusters, "LEARN_ROWS", 60)
    monkeypatch.setattr(clusters, "SEED_ROWS", 40)
    found = k_means(rows, 4, chance())
    assert len(found.label) == 800
    assert len(set(zip(truth.tolist(), found.label.tolist(), strict=True))) == 4


@given(rows_of_any_kind, st.data())
def test_representatives_are_distinct_members_nearest_to_the_center(rows, data):
    k = data.draw(st.integers(1, len(rows)))
    found = k_means(rows, k, chance())
    picked = representatives(rows, found, k)
    assert len(set(picked.tolist())) == k
    filled_clusters = np.unique(found.label)
    first = picked[: filled_clusters.size]
    assert set(found.label[first]) == set(filled_clusters)
    for i in first:
        assert found.squared[i] == found.squared[found.label == found.label[i]].min()
    sizes = np.bincount(found.label)[found.label[first]]
    assert (np.diff(sizes) <= 0).all()


def test_neighbors_agree_with_scipy():
    rows = np.vstack([chance().standard_normal((50, 4)), np.zeros((3, 4))]).astype(np.float32)
    of, among = np.arange(0, 53, 2), np.arange(53)[::-1]
    apart = cdist(rows[of].astype(float), rows.astype(float), "sqeuclidean")
    apart[np.arange(of.size), of] = np.inf
    found, squared = neighbors(rows, of, among, 5)
    np.testing.assert_allclose(np.sort(squared), np.sort(apart)[:, :5], atol=1e-9)
    np.testing.assert_allclose(np.take_along_axis(apart, found, 1), squared, atol=1e-9)


def test_neighbors_of_near_duplicates_are_never_at_a_negative_distance():
    rows = near_duplicates()
    everyone = np.arange(len(rows))
    squared = neighbors(rows, everyone, everyone, 3)[1]
    expected = np.sort(cdist(rows.astype(float), rows.astype(float), "sqeuclidean"))[:, 1:4]
    np.testing.assert_allclose(np.sort(squared), expected, rtol=1e-3)


@given(rows_of_any_kind, st.sampled_from([0.0, 1.0, 2.5, np.inf]))
def test_balls_hold_who_is_within_the_radius(rows, radius):
    inside = np.unpackbits(balls(rows, radius), axis=1, count=len(rows)).astype(bool)
    apart = cdist(rows.astype(float), rows.astype(float))
    clear = np.abs(apart - radius) > 1e-6
    np.testing.assert_array_equal(inside[clear], (apart <= radius)[clear])
    assert inside.diagonal().all()


@pytest.mark.parametrize("unpacked", [1, 64, 1 << 24])
@given(rows=rows_of_any_kind, data=st.data())
def test_the_greedy_cover_is_that_of_sets(unpacked, rows, data):
    n, k = len(rows), data.draw(st.integers(1, len(rows)))
    weight = data.draw(st.sampled_from([np.ones(n), np.arange(n) / n]))
    inside = balls(rows, 1.5)
    member = np.unpackbits(inside, axis=1, count=n).astype(bool)
    left, gains = weight > 0, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("foveal.acquire.geometry.cover.UNPACKED", unpacked)
        picked = greedy_cover(inside, left, weight, k)
    left = left.copy()
    for i in picked:
        gain = (member & left) @ weight
        assert gain[i] == pytest.approx(gain.max())
        gains.append(gain[i])
        left &= ~member[i]
    assert (np.diff(gains) <= 1e-9).all()
    assert picked.size == k or not left.any()
