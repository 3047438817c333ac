"""Patches: the greedy windows of a map, as a plain loop over all of them finds them."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveal.acquire.geometry.patches import Patch, pick_over_maps, pick_patches, window_means
from foveal.core.errors import EvidenceError, SpecError

few = settings(max_examples=60, deadline=None)


@st.composite
def maps(draw, count=None):
    """A map of whole numbers, so that sums are exact, and a window that fits."""
    shape = draw(st.sampled_from([(6, 7), (5, 5), (4, 3, 5)]))
    size = tuple(draw(st.integers(1, s)) for s in shape)
    values = arrays(np.float64, shape, elements=st.integers(-9, 9).map(float))
    if count is None:
        return draw(values), size
    return [draw(values) for _ in range(count)], size


def windows(score_map, size):
    spans = (range(s - w + 1) for s, w in zip(score_map.shape, size, strict=True))
    for corner in product(*spans):
        at = tuple(slice(c, c + w) for c, w in zip(corner, size, strict=True))
        yield Patch(corner, size, float(score_map[at].mean()))


def plain(score_map, size, count, taken=()):
    """All windows, the highest that overlaps none before it, again and again."""
    barred = [Patch(tuple(c), size, 0.0) for c in taken]
    open_, picked = list(windows(score_map, size)), []
    while len(picked) < count:
        open_ = [p for p in open_ if not any(p.overlaps(b) for b in [*barred, *picked])]
        if not open_:
            break
        picked.append(max(open_, key=lambda p: round(p.score, 9)))
    return picked


def alike(one, other):
    assert [p.corner for p in one] == [p.corner for p in other]
    np.testing.assert_allclose([p.score for p in one], [p.score for p in other], atol=1e-9)


@few
@given(maps(), st.integers(0, 8), st.data())
def test_they_are_those_of_the_plain_loop(case, count, data):
    score_map, size = case
    score_map = score_map + np.arange(score_map.size).reshape(score_map.shape) ** 2 / 2**20
    spans = [st.integers(-2, s) for s in score_map.shape]
    taken = data.draw(st.lists(st.tuples(*spans), max_size=3))
    alike(pick_patches(score_map, size, count, taken), plain(score_map, size, count, taken))


@few
@given(maps(), st.integers(1, 12), st.integers(0, 3), st.data())
def test_they_never_overlap_and_scores_never_rise(case, count, seed, data):
    score_map, size = case
    spans = [st.integers(0, s) for s in score_map.shape]
    taken = data.draw(st.lists(st.tuples(*spans), max_size=3))
    rng = np.random.default_rng(seed)
    picked = pick_patches(score_map, size, count, taken, rng)
    everything = [*picked, *(Patch(c, size, 0.0) for c in taken)]
    assert not any(p.overlaps(q) for p in picked for q in everything if p is not q)
    assert [p.score for p in picked] == sorted((p.score for p in picked), reverse=True)
    for patch in picked:
        assert score_map[patch.slices].shape == size
        assert patch.score == pytest.approx(score_map[patch.slices].mean(), abs=1e-9)
    covered = np.zeros(score_map.shape, int)
    for patch in picked:
        covered[patch.slices] += 1
    assert covered.max(initial=0) <= 1
    if len(picked) < count:  # no window is left that overlaps none
        left = [w for w in windows(score_map, size) if not any(w.overlaps(e) for e in everything)]
        assert left == []


@few
@given(maps())
def test_means_are_those_of_each_window(case):
    score_map, size = case
    expected = [w.score for w in windows(score_map, size)]
    np.testing.assert_allclose(window_means(score_map, size).ravel(), expected, atol=1e-12)


def test_a_constant_map_is_exactly_constant_and_drawn_by_chance():
    flat = np.full((9, 9), 0.1)
    assert len(set(window_means(flat, (2, 3)).ravel().tolist())) == 1
    assert pick_patches(flat, (3, 3), 1)[0].corner == (0, 0)
    drawn = {
        pick_patches(flat, (3, 3), 1, (), np.random.default_rng(s))[0].corner for s in range(9)
    }
    assert len(drawn) > 3


def test_by_hand():
    hot = np.zeros((4, 6))
    hot[1:3, 1:3] = 1.0
    hot[1:3, 3:5] = 0.5
    picked = pick_patches(hot, (2, 2), 2)
    assert [(p.corner, p.score) for p in picked] == [((1, 1), 1.0), ((1, 3), 0.5)]
    around = pick_patches(hot, (2, 2), 1, taken=[(1, 1)])
    assert around[0].corner == (1, 3)
    assert not picked[0].overlaps(picked[1])  # they touch


@few
@given(maps(count=3), st.integers(0, 6))
def test_over_several_maps_the_best_of_all_are_taken(case, count):
    several, size = case
    several = [m + i / 2**8 + np.arange(m.size).reshape(m.shape) ** 2 / 2**20
               for i, m in enumerate(several)]  # fmt: skip
    picked = pick_over_maps(iter(several), size, count)
    singles = [(p.score, i, p.corner) for i, m in enumerate(several) for p in plain(m, size, count)]
    singles.sort(key=lambda found: -round(found[0], 9))
    assert [(p.of, p.corner) for p in picked] == [(i, corner) for _, i, corner in singles[:count]]
    assert not any(p.overlaps(q) for p, q in combinations(picked, 2))


def test_what_is_annotated_on_one_map_does_not_bar_another():
    same = [np.eye(4), np.eye(4)]
    picked = pick_over_maps(same, (4, 4), 2, {0: [(0, 0)]})
    assert [p.of for p in picked] == [1]


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda m: pick_patches(m, (5, 1), 1), SpecError, "size of 1 up to the map's"),
        (lambda m: pick_patches(m, (0, 1), 1), SpecError, "size of 1 up to the map's"),
        (lambda m: pick_patches(m, (2,), 1), SpecError, "size of 1 up to the map's"),
        (lambda m: pick_patches(m, (2, 2), -1), SpecError, "`count` of patches"),
        (lambda m: pick_patches(m, (2, 2), 1, [(1,)]), EvidenceError, "must have 2 numbers"),
        (lambda m: pick_patches(m * np.nan, (2, 2), 1), EvidenceError, "must be finite"),
    ],
)
def test_what_cannot_be_is_told(call, error, told):
    with pytest.raises(error, match=told):
        call(np.ones((4, 4)))
