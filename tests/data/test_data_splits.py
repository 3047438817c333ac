import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.core.errors import SpecError
from foveal.data.splits import folds_of, split_groups


@st.composite
def cohorts(draw):
    n = draw(st.integers(1, 80))
    units = draw(st.lists(st.integers(0, 25), min_size=n, max_size=n))
    labels = draw(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=n, max_size=n))
    return [f"i{i}" for i in range(n)], [f"u{u}" for u in units], labels


@settings(max_examples=80, derandomize=True)
@given(cohorts(), st.integers(0, 5), st.floats(0, 0.4), st.floats(0, 0.5))
def test_a_patient_is_never_cut(cohort, seed, val, test):
    ids, units, labels = cohort
    sides = split_groups(ids, units, labels, val, test, seed)
    assert set(sides.tolist()) <= {0, 1, 2}
    for unit in set(units):
        assert len({s for s, u in zip(sides.tolist(), units, strict=True) if u == unit}) == 1
    if val == 0:
        assert 1 not in sides
    if test == 0:
        assert 2 not in sides


@settings(max_examples=40, derandomize=True)
@given(cohorts(), st.integers(0, 5), st.data())
def test_the_order_of_rows_does_not_matter(cohort, seed, data):
    ids, units, labels = cohort
    order = data.draw(st.permutations(range(len(ids))))
    sides = split_groups(ids, units, labels, 0.1, 0.2, seed)
    moved = split_groups(*([x[i] for i in order] for x in cohort), 0.1, 0.2, seed)
    np.testing.assert_array_equal(sides[list(order)], moved)


def test_class_shares_are_kept_where_patients_have_one_image():
    ids = [f"i{i}" for i in range(1000)]
    labels = ["a"] * 700 + ["b"] * 250 + ["c"] * 50
    sides = split_groups(ids, ids, labels, 0.1, 0.2, 0)
    for name, total in (("a", 700), ("b", 250), ("c", 50)):
        mine = sides[[label == name for label in labels]]
        counts = np.bincount(mine, minlength=3)
        np.testing.assert_allclose(counts, np.array([0.7, 0.1, 0.2]) * total, atol=1)


def test_class_shares_are_near_where_patients_have_many():
    rng = np.random.default_rng(0)
    units = [f"u{u}" for u in rng.integers(0, 150, 1500)]
    labels = [("a", "b")[int(u[1:]) % 3 == 0] for u in units]
    sides = split_groups([f"i{i}" for i in range(1500)], units, labels, 0.1, 0.2, 0)
    for name in ("a", "b"):
        mine = sides[[label == name for label in labels]]
        shares = np.bincount(mine, minlength=3) / len(mine)
        np.testing.assert_allclose(shares, [0.7, 0.1, 0.2], atol=0.03)


def test_the_seed_decides():
    ids = [f"i{i}" for i in range(200)]
    a, again, b = (split_groups(ids, ids, ["x"] * 200, 0.1, 0.2, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, again)
    assert (a != b).any()


@settings(max_examples=40, derandomize=True)
@given(cohorts(), st.data())
def test_given_sides_stay_and_draw_their_patient_along(cohort, data):
    ids, units, labels = cohort
    of_unit = {u: data.draw(st.sampled_from([-1, 0, 1, 2])) for u in sorted(set(units))}
    given_sides = np.array([of_unit[u] if i % 2 else -1 for i, u in enumerate(units)])
    sides = split_groups(ids, units, labels, 0.2, 0.2, 0, given_sides)
    held = given_sides >= 0
    np.testing.assert_array_equal(sides[held], given_sides[held])
    for i, unit in enumerate(units):
        if any(u == unit and g >= 0 for u, g in zip(units, given_sides, strict=True)):
            assert sides[i] == of_unit[unit]


def test_shares_must_leave_something_to_train_on():
    with pytest.raises(SpecError, match="must be below 1"):
        split_groups(["a"], ["a"], ["x"], 0.5, 0.5, 0)


@settings(max_examples=60, derandomize=True)
@given(cohorts(), st.integers(2, 5), st.integers(0, 5), st.data())
def test_folds_share_the_patients_among_them(cohort, folds, seed, data):
    ids, units, _ = cohort
    if folds > len(set(units)):
        with pytest.raises(SpecError, match="at most the number of patients"):
            folds_of(ids, units, folds, seed)
        return
    fold = folds_of(ids, units, folds, seed)
    assert set(fold.tolist()) == set(range(folds))  # every sample is tested once, none left out
    for unit in set(units):
        assert len({f for f, u in zip(fold.tolist(), units, strict=True) if u == unit}) == 1
    order = data.draw(st.permutations(range(len(ids))))
    moved = folds_of(*([x[i] for i in order] for x in (ids, units)), folds, seed)
    np.testing.assert_array_equal(fold[list(order)], moved)
