"""Pool: parts are disjoint and complete, patients never cross, and nothing is ever a row number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import DataError, LeakError
from foveal.core.pool import PARTS, SIDES, Pool, Sample, sample_id
from generators import sample_ids

CANDIDATES = st.sampled_from(["unlabeled", "labeled"])


def pool_of(parts, groups=None, classes=("a", "b")):
    ids = sample_ids(len(parts))
    groups = groups or ids
    samples = [Sample(i, g, f"{i}.png") for i, g in zip(ids, groups, strict=True)]
    return Pool(tuple(samples), tuple(parts), tuple(classes))


any_parts = st.lists(st.sampled_from(PARTS), max_size=20)


@given(any_parts)
def test_parts_are_disjoint_and_complete(parts):
    pool = pool_of(parts)
    listed = [i for part in PARTS for i in pool.ids(part)]
    assert sorted(listed) == sorted(s.id for s in pool.samples)
    assert sum(pool.counts().values()) == len(pool) == len(parts)
    assert all(pool.counts()[part] == len(pool.ids(part)) for part in PARTS)


@given(any_parts)
def test_a_sample_is_found_by_its_id(parts):
    pool = pool_of(parts)
    for row, sample in enumerate(pool.samples):
        assert pool.row(sample.id) == row
        assert pool[sample.id] is sample
        assert pool.part(sample.id) == parts[row]
    with pytest.raises(DataError, match="not in this pool"):
        pool.row("stranger")


@given(st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from("xyz")), max_size=12))
def test_a_patient_on_two_sides_raises_and_else_never(rows):
    parts, groups = [p for p, _ in rows], [g for _, g in rows]
    sides = {(g, SIDES[p]) for p, g in rows if p in SIDES}
    crosses = len(sides) > len({g for g, _ in sides})
    if crosses:
        with pytest.raises(LeakError, match="one side of the split"):
            pool_of(parts, groups)
    else:
        pool_of(parts, groups)


def test_the_message_of_a_leak_does_not_name_the_patient():
    with pytest.raises(LeakError) as error:
        pool_of(["unlabeled", "test"], ["Erika Mustermann"] * 2)
    assert "Mustermann" not in str(error.value)
    assert "'s001'" in str(error.value)


@given(st.lists(CANDIDATES, min_size=1, max_size=20), st.data())
def test_moving_changes_what_was_named_and_nothing_else(parts, data):
    pool = pool_of(parts)
    before = pool.digest(), pool.parts
    ids = data.draw(st.sets(st.sampled_from([s.id for s in pool.samples])))
    moved = pool.moved(ids, "labeled")
    assert (pool.digest(), pool.parts) == before
    assert set(moved.ids("labeled")) == set(pool.ids("labeled")) | ids
    assert moved.samples is pool.samples
    assert moved.moved(ids, "labeled") == moved


def test_moving_a_stranger_or_across_the_split_raises():
    pool = pool_of(["unlabeled", "unlabeled"], ["one", "one"])
    with pytest.raises(DataError, match="not in this pool"):
        pool.moved(["stranger"], "labeled")
    with pytest.raises(LeakError):
        pool.moved(["s000"], "test")


def test_repeated_ids_and_missing_parts_raise():
    twice = (Sample("same", "g", "a"), Sample("same", "g", "b"))
    with pytest.raises(DataError, match="'same' occurs twice"):
        Pool(twice, ("unlabeled", "unlabeled"), ("a",))
    with pytest.raises(DataError, match="2 samples but 1 parts"):
        Pool(twice, ("unlabeled",), ("a",))


@given(st.lists(CANDIDATES, min_size=1, max_size=12), st.data())
def test_the_digest_tells_different_pools_apart(parts, data):
    pool = pool_of(parts)
    assert pool.digest() == pool_of(parts).digest()
    sample = data.draw(st.sampled_from([s.id for s in pool.samples]))
    other = "unlabeled" if pool.part(sample) == "labeled" else "labeled"
    assert pool.moved([sample], other).digest() != pool.digest()
    assert pool_of(parts, classes=("a", "c")).digest() != pool.digest()
    assert pool_of(parts, ["one"] * len(parts)).digest() != pool.digest()


def test_a_sample_id_is_stable_and_tells_nothing():
    assert sample_id("ward 3/mustermann.png") == sample_id("ward 3/mustermann.png", 0)
    assert sample_id("mustermann.png") == "f10afd9e7a107025"
    assert sample_id("a", 11) != sample_id("a1", 1)


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 99), st.integers(0, 99))
def test_ids_differ_where_series_or_position_do(a, b, i, j):
    assert (sample_id(a, i) == sample_id(b, j)) == ((a, i) == (b, j))
