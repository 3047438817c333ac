"""Laws of cluster-margin: small margins, evenly over clusters."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering

from foveal.acquire.strategies.cluster_margin import average_linkage, cluster_margin, in_turns
from foveal.acquire.strategies.uncertainty import margin
from foveal.core.errors import SpecError
from generators import embeddings, probabilities


def chance(seed=0):
    return np.random.default_rng(seed)


def blobs(count, each):
    rows = np.repeat(30 * np.eye(count), each, axis=0)
    return rows + chance(1).standard_normal(rows.shape), np.repeat(np.arange(count), each)


def pairs(label):
    return label[:, None] == label[None, :]


@pytest.mark.parametrize("k", [1, 3, 4, 7, 10])
@pytest.mark.parametrize("hac_rows", [10, 2000])
def test_at_most_the_equal_share_of_each_cluster(k, hac_rows):
    rows, blob = blobs(4, 10)
    probs = np.tile([0.5, 0.5], (40, 1))
    picked = cluster_margin(probs, rows, k, chance(k), hac_rows=hac_rows)
    counts = np.bincount(blob[picked], minlength=4)
    assert counts.sum() == k
    assert counts.max() <= math.ceil(k / 4)


@given(probabilities(16, 3), st.integers(1, 8), st.sampled_from([1.0, 1.3, 2.0]))
def test_only_the_smallest_margins_are_asked(probs, k, factor):
    rows = chance(1).standard_normal((16, 3))
    picked = cluster_margin(probs, rows, k, chance(), factor=factor)
    kept = min(16, math.ceil(factor * k))
    assert (margin(probs)[picked] >= np.sort(margin(probs))[-kept]).all()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_turns_go_round_from_the_smallest_cluster_up(labels):
    label = np.array(labels)
    order = in_turns(label, chance())
    assert sorted(order.tolist()) == list(range(label.size))
    size, seen, keys = np.bincount(label), np.zeros(5, int), []
    for c in label[order]:
        keys.append((seen[c], size[c], c))
        seen[c] += 1
    assert keys == sorted(keys)


def test_turns_are_random_within_a_cluster():
    label = np.zeros(6, int)
    assert len({tuple(in_turns(label, chance(s))) for s in range(6)}) > 1


def test_linkage_agrees_with_scikit_learn():
    rows = chance(3).standard_normal((60, 3))
    other = AgglomerativeClustering(7, linkage="average").fit_predict(rows)
    np.testing.assert_array_equal(pairs(average_linkage(rows, 7, 100, chance())), pairs(other))


def test_a_large_pool_is_linked_through_micro_clusters():
    rows, blob = blobs(4, 50)
    label = average_linkage(rows, 4, 20, chance())
    np.testing.assert_array_equal(pairs(label), pairs(blob))


@given(st.integers(1, 12).flatmap(embeddings), st.sampled_from([2, 5, 100]))
def test_any_pool_can_be_linked(rows, hac_rows):
    label = average_linkage(rows, 3, hac_rows, chance())
    assert label.shape == (len(rows),)
    assert np.unique(label).size <= 3


@pytest.mark.parametrize(
    "settings", [{"factor": 0.5}, {"cluster_size": 0.0}, {"hac_rows": 1}], ids=str
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SpecError, match="of cluster_margin must be at least"):
        cluster_margin(np.array([[0.5, 0.5]]), np.zeros((1, 2)), 1, chance(), **settings)
