import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.data.duplicates import Neighbors
from foveal.data.leaks import clusters, conflicts, count_repeats, joined_units, leaking

NAMES = ("train", "val", "test")


@st.composite
def scenes(draw):
    n = draw(st.integers(0, 14))
    raw = draw(st.lists(st.integers(-1, 6), min_size=n, max_size=n))
    shown = sorted({p for p in raw if p >= 0})
    picture = np.array([shown.index(p) if p >= 0 else -1 for p in raw], np.int64)
    every = [(a, b) for b in range(len(shown)) for a in range(b)]
    near = draw(st.lists(st.sampled_from(every), unique=True)) if every else []
    side = np.array(draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)), np.int64)
    return side, Neighbors(picture, np.array(sorted(near), np.int64).reshape(-1, 2), True)


def related(neighbors, i, j):
    a, b = int(neighbors.picture[i]), int(neighbors.picture[j])
    if a < 0 or b < 0:
        return ""
    near = {tuple(sorted(p)) for p in neighbors.near.tolist()}
    return "identical" if a == b else "near" if tuple(sorted((a, b))) in near else ""


@settings(max_examples=150, derandomize=True)
@given(scenes())
def test_counts_agree_with_counting_pairs_one_by_one(scene):
    side, neighbors = scene
    want = {"identical": dict.fromkeys(count_repeats(*scene).identical, 0)}
    want["near"] = dict(want["identical"])
    for j in range(len(side)):
        for i in range(j):
            how = related(neighbors, i, j)
            if how and side[i] >= 0 and side[j] >= 0:
                a, b = sorted((int(side[i]), int(side[j])))
                want[how][f"{NAMES[a]}_{NAMES[b]}"] += 1
    got = count_repeats(side, neighbors)
    assert {"identical": got.identical, "near": got.near} == want


@settings(max_examples=150, derandomize=True)
@given(scenes())
def test_leaks_are_direct_repeats_of_a_later_side(scene):
    side, neighbors = scene
    got = leaking(side, neighbors)
    for i in range(len(side)):
        later = [j for j in range(len(side)) if side[j] > side[i] >= 0]
        assert got[i] == any(related(neighbors, i, j) for j in later)


@settings(max_examples=100, derandomize=True)
@given(scenes())
def test_nothing_crosses_once_the_leaks_are_out(scene):
    side, neighbors = scene
    left = np.where(leaking(side, neighbors), -1, side)
    found = count_repeats(left, neighbors)
    crossing = [n for names in (found.identical, found.near) for s, n in names.items()
                if len(set(s.split("_"))) == 2]  # fmt: skip
    assert not any(crossing)


@settings(max_examples=100, derandomize=True)
@given(scenes())
def test_clusters_join_exactly_what_is_linked_within_the_rows(scene):
    side, neighbors = scene
    ids = [f"s{i:02d}" for i in range(len(side))]
    rows = side == 0
    names = clusters(rows, ids, neighbors)
    for j in range(len(side)):
        if not rows[j]:
            assert names[j] == ""
        for i in range(j):
            if rows[i] and rows[j] and related(neighbors, i, j):
                assert names[i] == names[j] != ""
    for name in filter(None, names):
        assert names.count(name) > 1
        assert name == min(i for i, n in zip(ids, names, strict=True) if n == name)


@settings(max_examples=100, derandomize=True)
@given(scenes(), st.data())
def test_joined_units_keep_groups_and_repeats_together(scene, data):
    side, neighbors = scene
    groups = [f"g{data.draw(st.integers(0, 5))}" for _ in side]
    units = joined_units(groups, neighbors)
    for j in range(len(side)):
        for i in range(j):
            if groups[i] == groups[j] or related(neighbors, i, j):
                assert units[i] == units[j]


def test_units_that_share_nothing_stay_apart():
    alone = Neighbors(np.array([0, 1, 2]), np.zeros((0, 2), np.int64), True)
    assert len(set(joined_units(["a", "b", "c"], alone))) == 3


def test_the_same_pixels_with_two_labels_conflict():
    neighbors = Neighbors(np.array([0, 0, 1, 1, 0, -1]), np.zeros((0, 2), np.int64), True)
    assert conflicts(["x", "y", "x", "x", "", "z"], neighbors) == [0, 1]
