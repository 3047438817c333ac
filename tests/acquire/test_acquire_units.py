"""Units are asked as a whole or not at all: laws, hand cases, and the engine with caps and pins."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire import Constraints, acquire
from foveal.acquire.constraints import (
    Purse,
    by_first_pick,
    left_aside,
    reduced,
    units_of,
    whole_units,
)
from foveal.core.errors import BudgetError, EvidenceError, SpecError
from foveal.core.evidence import Evidence
from generators import group_names, permutations, sample_ids, unit_values

REDUCE = st.sampled_from(["mean", "top"])


@st.composite
def cases(draw):
    n = draw(st.integers(1, 30))
    return draw(unit_values(n)), draw(group_names(n, "uvwxyz")), draw(st.integers(1, 40))


def apart(scores):
    """No two equal, nor the means of any two sets, whose order would be left to rounding."""
    return scores + np.random.default_rng(0).random(len(scores)) / 1000


def plain(scores, unit_of, budget, reduce):
    """The obvious loop, as a second opinion."""
    score_of = {}
    for unit in dict.fromkeys(unit_of):
        own = sorted((s for s, u in zip(scores, unit_of, strict=True) if u == unit), reverse=True)
        kept = own[: -(-len(own) // 10)] if reduce == "top" else own
        score_of[unit] = (np.mean(kept), len(own))
    chosen, left = [], budget
    for unit, (_, size) in sorted(score_of.items(), key=lambda item: -item[1][0]):
        if size <= left:
            chosen.append(unit)
            left -= size
    return chosen


@given(cases(), REDUCE)
def test_the_best_units_that_fit_are_asked_and_each_of_them_whole(case, reduce):
    scores, unit_of, budget = case
    scores = apart(scores)
    sizes = Counter(unit_of)
    if min(sizes.values()) > budget:
        with pytest.raises(BudgetError, match=f"takes {min(sizes.values())} samples"):
            whole_units(scores, unit_of, None, budget, reduce)
        return
    picked = whole_units(scores, unit_of, None, budget, reduce)
    asked = [unit_of[i] for i in picked]
    assert list(dict.fromkeys(asked)) == plain(scores, unit_of, budget, reduce)
    assert Counter(asked) == {unit: sizes[unit] for unit in set(asked)}
    assert len(set(picked.tolist())) == len(picked) <= budget
    assert asked == sorted(asked, key=list(dict.fromkeys(asked)).index)  # unit by unit
    for unit in set(asked):
        inside = [scores[i] for i in picked if unit_of[i] == unit]
        assert inside == sorted(inside, reverse=True)


@given(cases(), REDUCE, st.data())
def test_the_order_of_samples_does_not_matter(case, reduce, data):
    scores, unit_of, _ = case
    scores = apart(scores)
    order = data.draw(permutations(len(scores)))
    one = whole_units(scores, unit_of, None, len(scores), reduce)
    other = whole_units(scores[order], [unit_of[i] for i in order], None, len(scores), reduce)
    np.testing.assert_array_equal(one, order[other])


@given(st.floats(0, 1), st.lists(st.sampled_from("uvw"), min_size=1, max_size=30), REDUCE)
def test_units_of_equal_samples_are_exactly_equal_whatever_their_size(score, unit_of, reduce):
    units = units_of(unit_of)
    np.testing.assert_array_equal(
        reduced(np.full(len(unit_of), score), units, reduce), np.full(len(units), score)
    )


def test_mean_and_top_prefer_different_volumes():
    scores = np.array([0.9] * 2 + [0.1] * 18 + [0.5] * 20)
    unit_of = ["a"] * 20 + ["b"] * 20
    units = units_of(unit_of)
    np.testing.assert_allclose(reduced(scores, units, "mean"), [0.18, 0.5])
    np.testing.assert_allclose(reduced(scores, units, "top"), [0.9, 0.5])
    assert unit_of[whole_units(scores, unit_of, None, 20, "mean")[0]] == "b"
    assert unit_of[whole_units(scores, unit_of, None, 20, "top")[0]] == "a"


def test_a_unit_that_does_not_fit_is_skipped_and_sizes_count():
    scores = np.array([0.9, 0.9, 0.9, 0.5, 0.1, 0.1])
    unit_of = ["a", "a", "a", "b", "c", "c"]
    assert whole_units(scores, unit_of, None, 5).tolist() == [0, 1, 2, 3]
    assert whole_units(scores, unit_of, None, 2).tolist() == [3]
    minutes = np.array([1, 1, 1, 10, 2, 2.0])
    assert whole_units(scores, unit_of, minutes, 7).tolist() == [0, 1, 2, 4, 5]
    with pytest.raises(BudgetError, match="smallest, that of sample '0', takes 3"):
        whole_units(scores, unit_of, minutes, 2)


def test_lengths_that_differ_are_told():
    for scores, unit_of, sizes in (
        (np.ones(2), ["a"], None),
        (np.ones(2), ["a", "b"], np.ones(3)),
        (np.ones(0), [], None),
    ):
        with pytest.raises(EvidenceError, match="as many units and sizes"):
            whole_units(scores, unit_of, sizes, 1)


def test_a_selectors_units_come_in_the_order_of_its_first_picks():
    units = units_of(list("aabbccdd"))
    assert by_first_pick(np.array([4, 0, 5, 1]), units).tolist() == [2, 0, 1, 3]


def test_the_most_wanted_that_is_too_large_for_any_batch_is_told():
    units = units_of(["a"] * 3 + ["b"])
    ids = sample_ids(4)
    purse = units.purse(Purse(2, np.ones(4)), ids)
    (note,) = left_aside(np.array([0, 1]), units, purse, ids)
    assert "that of sample 's000', was left aside: it takes 3, more than a budget of 2" in note
    assert left_aside(np.array([1, 0]), units, purse, ids) == []


VOLUMES = [f"v{i // 4}" for i in range(24)]
PATIENTS = [f"p{i // 8}" for i in range(24)]  # two volumes each
ALONE = ("random", "entropy", "k_center", "margin", "cluster_margin")


def pool(seed=0):
    rng = np.random.default_rng(seed)
    held = {"probs": rng.dirichlet((1, 1), 24), "embedding": rng.normal(size=(24, 3))}
    return Evidence(sample_ids(24), held)


def asked(query):
    """Units of a query with how many of their samples it has, in its order."""
    found = [VOLUMES[int(i[1:])] for i in query.ids]
    assert found == sorted(found, key=list(dict.fromkeys(found)).index)
    return Counter(found)


@pytest.mark.parametrize("strategy", ALONE)
@pytest.mark.parametrize("whole", ["mean", "top"])
@given(st.integers(4, 24), st.integers(0, 20))
def test_every_strategy_asks_whole_volumes(strategy, whole, budget, seed):
    wish = Constraints(whole=whole, one_per_cluster=True)
    names_of = {"units": VOLUMES, "groups": PATIENTS, "clusters": ["same"] * 24}
    query = acquire(pool(), strategy, budget, seed=seed, constraints=wish, **names_of)
    assert set(asked(query).values()) == {4}
    assert len(query.ids) == budget // 4 * 4
    assert any("in whole units" in note for note in query.notes) == (budget % 4 > 0)
    order = np.random.default_rng(seed).permutation(24)
    turned = {k: [v[i] for i in order] for k, v in names_of.items()}
    again = acquire(
        pool().rows(order.tolist()), strategy, budget, seed=seed, constraints=wish, **turned
    )
    assert again == query


def test_the_engine_ranks_units_as_the_function_does():
    scores = dict(zip(pool().ids, -pool().arrays["probs"].max(axis=1), strict=True))
    for reduce in ("mean", "top"):
        query = acquire(
            pool(), "least_confidence", 12, units=VOLUMES, constraints=Constraints(whole=reduce)
        )
        wanted = whole_units(np.array(list(scores.values())), VOLUMES, None, 12, reduce)
        assert query.ids == tuple(pool().ids[i] for i in wanted)
        assert list(query.scores["unit_score"]) == sorted(query.scores["unit_score"], reverse=True)


def test_caps_count_volumes():
    wish = Constraints(whole="mean", per_group=1, relax=False)
    query = acquire(pool(), "entropy", 24, units=VOLUMES, groups=PATIENTS, constraints=wish)
    assert len(asked(query)) == 3
    assert len({PATIENTS[int(i[1:])] for i in query.ids}) == 3
    wish = Constraints(whole="mean", per_group=1)
    query = acquire(pool(), "entropy", 20, units=VOLUMES, groups=PATIENTS, constraints=wish)
    assert len(asked(query)) == 5
    assert any("`per_group` was raised from 1 to 2" in note for note in query.notes)


def test_a_pinned_slice_brings_its_volume():
    wish = Constraints(whole="mean", pin=("s013",))
    query = acquire(pool(), "entropy", 8, units=VOLUMES, constraints=wish)
    assert next(iter(asked(query))) == "v3"
    assert asked(query)["v3"] == 4
    told = dict(zip(query.ids, query.why, strict=True))
    assert [i for i, why in told.items() if why.startswith("pinned")] == ["s013"]
    many = Constraints(whole="mean", pin=("s013", "s000"))
    with pytest.raises(BudgetError, match="must hold the pinned samples, but they take 8"):
        acquire(pool(), "entropy", 4, units=VOLUMES, constraints=many)


@pytest.mark.parametrize("strategy", ["entropy", "k_center"])
def test_seconds_buy_whole_volumes(strategy):
    costs = np.repeat([10.0, 1, 1, 1, 1, 1], 4)
    query = acquire(
        pool(),
        strategy,
        seconds=9,
        costs=costs,
        units=VOLUMES,
        constraints=Constraints(whole="mean"),
    )
    assert set(asked(query).values()) == {4}
    assert "v0" not in asked(query)
    assert len(query.ids) == 8
    assert "2 units are expected to take 8 s of 9 s" in query.notes[-1]


@pytest.mark.parametrize(
    ("budget", "more", "error", "told"),
    [
        (3, {"units": VOLUMES}, BudgetError, "smallest, that of sample .* takes 4 samples"),
        (4, {}, SpecError, "`whole` needs `units`"),
        (4, {"units": VOLUMES[:5]}, EvidenceError, "`units` must have 24 names"),
        (
            4,
            {"units": VOLUMES, "groups": sample_ids(24)},
            EvidenceError,
            "`groups` must be the same for all samples that are asked together",
        ),
    ],
)
def test_what_cannot_be_asked_whole_is_told(budget, more, error, told):
    with pytest.raises(error, match=told):
        acquire(pool(), "entropy", budget, constraints=Constraints(whole="mean"), **more)


def test_wishes_that_contradict_are_told():
    with pytest.raises(SpecError, match="`balance` shares samples"):
        Constraints(whole="mean", balance="predicted")
    with pytest.raises(SpecError, match="no whole 'median'"):
        Constraints(whole="median")
