"""Laws of ProbCover: dense regions first, coverage grows, delta keeps the promised purity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from foveal.acquire import acquire
from foveal.acquire.geometry.clusters import k_means
from foveal.acquire.strategies.probcover import probcover, pure_radius
from foveal.core.errors import SpecError
from foveal.core.evidence import Evidence
from generators import embeddings

pools = st.integers(1, 20).flatmap(embeddings)


def chance(seed=0):
    return np.random.default_rng(seed)


def covered(rows, centers, delta):
    return cdist(rows, centers).min(axis=1) <= delta + 1e-9


@given(pools, st.sampled_from([0.0, 1.0, 2.5]))
def test_every_pick_covers_most_and_coverage_never_shrinks(rows, delta):
    n = len(rows)
    order = probcover(rows, n, chance(), delta=delta).positions
    inside = cdist(rows, rows) <= delta + 1e-9
    left, gains = np.ones(n, bool), []
    for i in order:
        gain = (inside & left).sum(axis=1)
        if not left.any():
            break
        assert gain[i] == gain.max()
        gains.append(gain[i])
        left &= ~inside[i]
    assert not left.any()
    assert gains == sorted(gains, reverse=True)
    assert sorted(order.tolist()) == list(range(n))


def test_the_densest_region_comes_first():
    rows = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]])
    assert probcover(rows, 3, chance(), delta=0.15).positions.tolist() == [1, 3, 5]


def test_what_labeled_samples_cover_needs_no_pick():
    rows = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]])
    labeled = np.array([[0.1]])
    assert probcover(rows, 2, chance(), labeled, delta=0.15).positions.tolist() == [3, 5]


def test_weights_count_what_is_covered():
    rows = np.array([[0.0], [0.1], [0.2], [5.0], [9.0]])
    weight = np.array([0.1, 0.1, 0.1, 1.0, 0.0])
    assert probcover(rows, 2, chance(), weight=weight, delta=0.15).positions.tolist() == [3, 1]


def test_once_all_is_covered_the_farthest_follow_and_a_note_says_so():
    rows = np.array([[0.0], [1.0], [2.0], [2.5]])
    chosen = probcover(rows, 3, chance(), delta=2.5)
    assert chosen.positions.tolist() == [0, 3, 1]
    assert chosen.notes == (
        "1 of 3 picks of probcover cover all that counts; the rest are the farthest from what is "
        "labeled or chosen",
    )
    labeled = np.array([[1.0]])
    assert probcover(rows, 2, chance(), labeled, delta=9.0).positions.tolist() == [3, 0]


def test_without_any_weight_the_order_stays():
    rows = np.array([[0.0], [1.0], [2.0]])
    assert probcover(rows, 2, chance(), weight=np.zeros(3), delta=0.5).positions.tolist() == [0, 1]


@pytest.mark.parametrize("purity", [0.5, 0.95, 1.0])
@given(seed=st.integers(0, 30))
def test_delta_is_the_largest_with_the_promised_purity(purity, seed):
    rows = chance(seed).standard_normal((40, 2))
    delta = pure_radius(rows, chance(seed), purity, 4)
    label = k_means(rows, 4, chance(seed)).label
    apart = cdist(rows, rows)

    def share(radius):
        other = (apart <= radius) & (label[:, None] != label[None, :])
        return (~other.any(axis=1)).mean()

    assert share(delta * (1 - 1e-9)) >= purity
    assert share(delta * (1 + 1e-9)) < purity


def test_equal_candidates_have_one_ball():
    assert pure_radius(np.ones((5, 2)), chance()) == np.inf
    assert len(probcover(np.ones((5, 2)), 3, chance()).positions) == 3


def test_an_estimated_delta_finds_the_blobs_and_is_told():
    blob = np.repeat(np.arange(4), 30)
    rows = 40 * np.eye(4)[blob] + chance(1).standard_normal((120, 4))
    names = tuple(f"s{i}" for i in range(120))
    query = acquire(
        Evidence(names, {"embedding": rows}), "probcover", 4, parameters={"pseudo_classes": 4}
    )
    assert {blob[names.index(i)] for i in query.ids} == {0, 1, 2, 3}
    assert "estimated `delta`" in query.notes[0]


def test_a_large_pool_is_thinned_and_a_note_says_so():
    rows = chance(1).standard_normal((60, 2))
    chosen = probcover(rows, 5, chance(), delta=0.5, graph_rows=20)
    assert len(set(chosen.positions.tolist())) == 5
    assert chosen.notes[0] == "probcover looked at 20 of 60 candidates, drawn at random"
    assert len(set(probcover(rows, 50, chance(), delta=0.5, graph_rows=20).positions)) == 50


def test_cosine_ignores_lengths():
    rows = np.array([[1.0, 0.0], [50.0, 0.0], [0.0, 1.0], [9.0, 0.1]])
    chosen = probcover(rows, 2, chance(), delta=0.1, metric="cosine")
    assert set(chosen.positions.tolist()) in ({0, 2}, {1, 2}, {3, 2})


@pytest.mark.parametrize("settings", [{"delta": -1.0}, {"purity": 0.0}, {"pseudo_classes": 1}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SpecError, match="of probcover must"):
        probcover(np.zeros((2, 1)), 1, chance(), **settings)
