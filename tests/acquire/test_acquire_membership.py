"""Every candidate belongs to its nearest pick, and every pick stands for itself at least."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from foveal.acquire import membership as module
from foveal.acquire.membership import counts, membership, stands_for
from foveal.core.errors import EvidenceError, SpecError
from generators import embeddings, permutations, sample_ids


@st.composite
def picked(draw):
    n = draw(st.integers(1, 24))
    k = draw(st.integers(1, n))
    return draw(embeddings(n)), draw(permutations(n))[:k]


@given(picked())
def test_it_is_the_nearest_of_all_by_brute_force(case):
    x, picks = case
    far = ((x[:, None].astype(np.float64) - x[None, picks]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(membership(x, picks), far.argmin(axis=1))


@given(picked())
def test_cosine_compares_directions_only(case):
    x, picks = case
    x = x + np.float32(0.25)  # no zero rows, whose direction is a convention
    scaled = x * np.linspace(0.5, 8, len(x))[:, None]
    owner = membership(scaled, picks, metric="cosine")
    far = cdist(x.astype(np.float64), x[picks].astype(np.float64), "cosine")
    np.testing.assert_allclose(far[np.arange(len(x)), owner], far.min(axis=1), atol=1e-12)


@given(picked(), st.sampled_from(["euclidean", "cosine"]))
def test_every_pick_stands_for_itself_unless_an_equal_is_more_wanted(case, metric):
    x, picks = case
    owner = membership(x, picks, metric=metric)
    for j, pick in enumerate(picks):
        earlier = [i for i in range(j) if np.array_equal(x[picks[i]], x[pick])]
        if metric == "euclidean":
            assert owner[pick] == (earlier[0] if earlier else j)
        else:
            assert owner[pick] <= j
    many = counts(owner, len(picks))
    assert sum(many) == len(x)
    assert len(many) == len(picks)


@given(picked(), st.data())
def test_the_order_of_candidates_does_not_matter(case, data):
    x, picks = case
    order = data.draw(permutations(len(x)))
    place = np.argsort(order)
    np.testing.assert_array_equal(membership(x[order], place[picks]), membership(x, picks)[order])


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    x, picks = rng.normal(size=(300, 7)), np.arange(0, 300, 11)
    whole, told = membership(x, picks), stands_for(x, picks, sample_ids(300))
    monkeypatch.setattr(module, "BLOCK", 64)
    np.testing.assert_array_equal(membership(x, picks), whole)
    assert stands_for(x, picks, sample_ids(300)) == told


def test_neighboring_slices_fall_to_the_right_pick():
    # The dot-product identity in double precision cannot tell these distances from rounding.
    far = np.full(16, 1e6)
    x = np.stack([far, far + 1e-6, far + 3e-6, far + 4e-6])
    np.testing.assert_array_equal(membership(x, [0, 3]), [0, 0, 1, 1])
    np.testing.assert_array_equal(membership(x, [3, 0]), [1, 1, 0, 0])


def test_equally_near_picks_go_by_rank():
    x = np.array([[0.0], [2.0], [1.0]])
    assert membership(x, [0, 1])[2] == 0
    assert membership(x, [1, 0])[2] == 0
    assert counts(membership(np.zeros((5, 2)), [3, 1]), 2) == (5, 0)


def test_rows_of_zeros_have_no_direction():
    x = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [5.0, 0.1], [1e-300, 0.0]])
    np.testing.assert_array_equal(membership(x, [1, 2], metric="cosine"), [0, 0, 1, 0, 0])
    np.testing.assert_array_equal(membership(x, [2, 0], metric="cosine")[[0, 2]], [1, 0])


def test_single_precision_is_read_as_it_is():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 5)).astype(np.float32)
    np.testing.assert_array_equal(
        membership(x, np.arange(9)), membership(x.astype(np.float64), np.arange(9))
    )


@given(picked())
def test_the_nearest_are_members_and_in_order(case):
    x, picks = case
    ids = sample_ids(len(x))
    owner = membership(x, picks)
    told = stands_for(x, picks, ids, nearest=2)
    assert [t.id for t in told] == [ids[p] for p in picks]
    assert tuple(t.count for t in told) == counts(owner, len(picks))
    for j, one in enumerate(told):
        members = [i for i in np.flatnonzero(owner == j) if i not in picks]
        members.sort(key=lambda i, j=j: (((x[i] - x[picks[j]]) ** 2).sum(), ids[i]))
        assert one.nearest == tuple(ids[i] for i in members[:2])


def test_a_large_pool_needs_no_large_matrix():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(20_000, 8)).astype(np.float32)
    picks = np.arange(50)
    far = cdist(x.astype(np.float64), x[picks].astype(np.float64))
    np.testing.assert_array_equal(membership(x, picks), far.argmin(axis=1))


def test_what_is_asked_wrongly_is_said():
    x = np.zeros((3, 2))
    for picks in ([], [3], [-1], [0.5], [[0]]):
        with pytest.raises(EvidenceError, match="`picks` must be one or more positions below 3"):
            membership(x, picks)
    with pytest.raises(EvidenceError, match="`embedding` must have shape"):
        membership(np.zeros(3), [0])
    with pytest.raises(EvidenceError, match="finite"):
        membership(np.full((2, 2), np.nan), [0])
    with pytest.raises(SpecError, match=r"no metric 'cosin'. Did you mean 'cosine'"):
        membership(x, [0], metric="cosin")
    with pytest.raises(EvidenceError, match="`ids` must have shape"):
        stands_for(x, [0], ["a"])
