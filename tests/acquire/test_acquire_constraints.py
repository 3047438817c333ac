"""Caps hold where they can, are raised by the least where they cannot, and say so."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire.constraints import (
    Cap,
    Constraints,
    caps_of,
    check_pins,
    choose,
    places,
    remarks,
    walk,
)
from foveal.core.errors import EvidenceError, SpecError
from generators import cluster_names, group_names, permutations, probabilities


def caps(budget, *, groups=None, clusters=None, probs=None, **settings):
    return caps_of(Constraints(**settings), budget, groups=groups, clusters=clusters, probs=probs)


def plain_walk(ranking, groups, cap, k):
    """The obvious loop, as a second opinion."""
    picked, counts = [], Counter()
    for i in ranking:
        if len(picked) < k and counts[groups[i]] < cap:
            picked.append(int(i))
            counts[groups[i]] += 1
    return picked


@st.composite
def cases(draw):
    n = draw(st.integers(1, 40))
    groups, clusters = draw(group_names(n)), draw(cluster_names(n))
    return draw(permutations(n)), groups, clusters, draw(st.integers(1, n)), draw(st.integers(1, 4))


@given(cases())
def test_without_caps_the_ranking_is_the_answer(case):
    ranking, _, _, k, _ = case
    assert walk(ranking, (), k).picked == ranking[:k].tolist()


@given(cases())
def test_the_walk_is_the_plain_walk_where_no_cap_is_raised(case):
    ranking, groups, _, k, cap = case
    batch = walk(ranking, caps(k, groups=groups, per_group=cap), k, relax=False)
    assert batch.picked == plain_walk(ranking, groups, cap, k)


@given(cases())
def test_a_budget_is_always_filled_and_nothing_repeats(case):
    ranking, groups, clusters, k, cap = case
    both = caps(k, groups=groups, clusters=clusters, per_group=cap, one_per_cluster=True)
    batch = walk(ranking, both, k)
    assert len(set(batch.picked)) == len(batch.picked) == k


@given(cases())
def test_a_cap_per_group_is_raised_no_further_than_it_must(case):
    ranking, groups, _, k, cap = case
    batch = walk(ranking, caps(k, groups=groups, per_group=cap), k)
    sizes = Counter(groups).values()
    least = next(c for c in range(cap, cap + len(groups)) if sum(min(c, s) for s in sizes) >= k)
    most = max(Counter(groups[i] for i in batch.picked).values())
    assert most <= least
    notes = remarks(batch, caps(k, groups=groups, per_group=cap), k)
    assert bool(notes) == (most > cap)


@given(cases())
def test_strict_caps_hold_and_shortness_is_told(case):
    ranking, groups, clusters, k, cap = case
    both = caps(k, groups=groups, clusters=clusters, per_group=cap, one_per_cluster=True)
    batch = walk(ranking, both, k, relax=False)
    assert max(Counter(groups[i] for i in batch.picked).values()) <= cap
    twins = Counter(clusters[i] for i in batch.picked if clusters[i])
    assert max(twins.values(), default=0) <= 1
    notes = remarks(batch, both, k)
    assert bool(notes) == (len(batch.picked) < k)


@given(probabilities(), st.data())
def test_balance_is_as_equal_as_the_pool_allows(probs, data):
    n = len(probs)
    k = data.draw(st.integers(1, n))
    batch = walk(data.draw(permutations(n)), caps(k, probs=probs, balance="predicted"), k)
    predicted = probs.argmax(axis=1)
    have, got = Counter(predicted.tolist()), Counter(predicted[batch.picked].tolist())
    for c in have:
        for d in have:
            # A class is behind another by more than one only if it has run out.
            assert got[c] >= got[d] - 1 or got[c] == have[c]


def test_leftovers_of_the_balance_go_to_the_best():
    probs = np.repeat(np.eye(3), 4, axis=0)  # classes 0 0 0 0 1 1 1 1 2 2 2 2
    ranking = np.array([5, 4, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3])
    batch = walk(ranking, caps(4, probs=probs, balance="predicted"), 4)
    assert batch.picked == [5, 8, 0, 4]


def test_unequal_classes_are_told():
    probs = np.eye(2)[[0, 0, 0, 0, 0, 1]]
    some = caps(5, probs=probs, balance="predicted")
    (note,) = remarks(walk(np.arange(6), some, 5), some, 5)
    assert "4 of class 0, 1 of class 1" in note


def test_patients_are_repeated_before_near_duplicates():
    groups = ["a", "a", "b"]
    clusters = ["x", "", "x"]
    both = caps(2, groups=groups, clusters=clusters, per_group=1, one_per_cluster=True)
    batch = walk(np.array([0, 2, 1]), both, 2)
    assert batch.picked == [0, 1]
    (note,) = remarks(batch, both, 2)
    assert "`per_group` was raised from 1 to 2" in note


def test_only_the_cap_that_is_in_the_way_is_raised():
    groups, clusters = ["a", "a", "b"], ["x", "x", "x"]
    both = caps(2, groups=groups, clusters=clusters, per_group=1, one_per_cluster=True)
    batch = walk(np.arange(3), both, 2)
    assert batch.picked == [0, 2]
    (note,) = remarks(batch, both, 2)
    assert "`one_per_cluster` was raised from 1 to 2" in note


@given(cases())
def test_samples_that_stand_alone_are_never_near_duplicates(case):
    ranking, _, clusters, k, _ = case
    batch = walk(ranking, caps(k, clusters=clusters, one_per_cluster=True), k, relax=False)
    names = [clusters[i] or f"alone {i}" for i in range(len(clusters))]
    assert batch.picked == plain_walk(ranking, names, 1, k)


def test_near_duplicates_are_taken_last_of_all():
    some = caps(4, clusters=["x", "x", "", "x"], one_per_cluster=True)
    batch = walk(np.arange(4), some, 4)
    assert batch.picked == [0, 2, 1, 3]
    (note,) = remarks(batch, some, 4)
    assert "`one_per_cluster` was raised from 1 to 3" in note


def test_many_blocked_candidates_are_passed_over():
    groups = ["a"] * 5000 + ["b", "c"]
    batch = walk(np.arange(5002), caps(3, groups=groups, per_group=1), 3, relax=False)
    assert batch.picked == [0, 5000, 5001]


def line(values):
    """A selector on a line: the k positions that lie first, whatever `values` they have."""

    def ask(pool, k):
        order = np.argsort([values[i] for i in pool], kind="stable")
        return pool[order[:k]]

    return ask


@given(cases())
def test_a_selector_within_its_caps_is_left_alone(case):
    ranking, _, _, k, _ = case
    loose = (Cap("per_group", np.zeros(len(ranking), dtype=np.int64), len(ranking)),)
    asked = []

    def ask(pool, k):
        asked.append(k)
        return pool[ranking][:k]

    assert choose(ask, loose, len(ranking), k).picked == ranking[:k].tolist()
    assert asked == [k]


@given(cases())
def test_a_selector_meets_its_caps(case):
    ranking, groups, clusters, k, cap = case
    for chosen in (
        caps(k, groups=groups, per_group=cap),
        caps(k, groups=groups, clusters=clusters, per_group=cap, one_per_cluster=True),
    ):
        batch = choose(line(ranking.tolist()), chosen, len(ranking), k)
        assert len(set(batch.picked)) == len(batch.picked) == k
        strict = choose(line(ranking.tolist()), chosen, len(ranking), k, relax=False)
        assert max(Counter(groups[i] for i in strict.picked).values()) <= cap
    reachable = sum(min(cap, s) for s in Counter(groups).values())
    if k <= reachable:
        batch = choose(
            line(ranking.tolist()), caps(k, groups=groups, per_group=cap), len(groups), k
        )
        assert max(Counter(groups[i] for i in batch.picked).values()) <= cap


def test_a_selector_is_asked_for_the_whole_set_again_without_the_violators():
    groups = ["a", "a", "b", "c"]
    seen = []

    def ask(pool, k):
        seen.append((pool.tolist(), k))
        return pool[:k]

    batch = choose(ask, caps(2, groups=groups, per_group=1), 4, 2)
    assert batch.picked == [0, 2]
    assert seen == [([0, 1, 2, 3], 2), ([0, 2, 3], 2)]


def test_what_a_constraint_is_about_must_be_given():
    with pytest.raises(SpecError, match=r"`per_group` needs `groups`"):
        caps(1, per_group=1)
    with pytest.raises(SpecError, match=r"`one_per_cluster` needs `clusters`"):
        caps(1, one_per_cluster=True)
    with pytest.raises(EvidenceError, match=r"needs `probs`"):
        caps(1, balance="predicted")


def test_constraints_are_checked():
    with pytest.raises(SpecError, match=r"`per_group` must be at least 1"):
        Constraints(per_group=0)
    with pytest.raises(SpecError, match=r"no balance 'predicte'. Did you mean 'predicted'"):
        Constraints(balance="predicte")


def more_caps(budget, *, groups=None, studies=None, strata=None, **settings):
    rules = Constraints(**settings)
    return caps_of(
        rules,
        budget,
        groups=groups,
        clusters=None,
        probs=None,
        studies=studies,
        strata=strata,
    )


@given(cases())
def test_a_cap_per_study_is_the_plain_walk_and_unknown_studies_stand_alone(case):
    ranking, _, studies, k, cap = case
    batch = walk(ranking, more_caps(k, studies=studies, per_study=cap), k, relax=False)
    names = [studies[i] or f"alone {i}" for i in range(len(studies))]
    assert batch.picked == plain_walk(ranking, names, cap, k)


def test_patients_are_repeated_before_studies():
    groups, studies = ["p", "p", "q"], ["one", "two", "one"]
    both = more_caps(2, groups=groups, studies=studies, per_group=1, per_study=1)
    batch = walk(np.array([0, 2, 1]), both, 2)
    assert batch.picked == [0, 1]
    (note,) = remarks(batch, both, 2)
    assert "`per_group` was raised from 1 to 2" in note


@given(cases())
def test_equal_strata_are_as_equal_as_the_pool_allows(case):
    ranking, strata, _, k, _ = case
    shares = more_caps(k, strata=strata, per_stratum="equal")
    batch = walk(ranking, shares, k, relax=False)
    have, got = Counter(strata), Counter(strata[i] for i in batch.picked)
    assert len(batch.picked) == k
    for c in have:
        for d in have:
            assert got[c] >= got[d] - 1 or got[c] == have[c]
    unequal = max(got[c] for c in have) - min(got[c] for c in have) > 1
    assert bool(remarks(batch, shares, k)) == unequal


@given(cases())
def test_proportional_strata_get_their_share_to_within_one(case):
    ranking, strata, _, k, _ = case
    shares = more_caps(k, strata=strata, per_stratum="proportional")
    batch = walk(ranking, shares, k, relax=False)
    got = Counter(strata[i] for i in batch.picked)
    assert len(batch.picked) == k
    for name, size in Counter(strata).items():
        assert abs(got[name] - k * size / len(strata)) <= 1
    assert remarks(batch, shares, k) == ()


@given(cases())
def test_within_its_places_each_stratum_gets_its_best(case):
    ranking, strata, _, k, _ = case
    for shares in ("equal", "proportional"):
        batch = walk(ranking, more_caps(k, strata=strata, per_stratum=shares), k)
        for name in set(strata):
            own = [i for i in ranking.tolist() if strata[i] == name]
            assert sorted(own[: sum(strata[i] == name for i in batch.picked)]) == sorted(
                i for i in batch.picked if strata[i] == name
            )


def test_shares_that_other_constraints_spoil_are_told():
    strata = ["north"] * 6 + ["south"] * 2
    one_patient = ["p"] * 6 + ["q", "r"]
    some = more_caps(4, strata=strata, groups=one_patient, per_stratum="proportional", per_group=1)
    batch = walk(np.arange(8), some, 3, relax=False)
    assert batch.picked == [0, 6, 7]
    (note,) = remarks(batch, some, 3)
    assert "1 of 'north' (share 2.25), 2 of 'south' (share 0.75)" in note
    scarce = more_caps(4, strata=["north"] * 4 + ["south"], per_stratum="equal")
    (note,) = remarks(walk(np.arange(5), scarce, 5), scarce, 5)
    assert "strata stay unequal in this batch: 4 of 'north', 1 of 'south'" in note


def test_many_strata_are_not_all_listed():
    strata = [f"site {i:02}" for i in range(20)] + ["site 00"] * 5
    some = more_caps(25, strata=strata, per_stratum="equal")
    (note,) = remarks(walk(np.arange(25), some, 25), some, 25)
    assert "site 07" in note
    assert "site 08" not in note
    assert note.endswith("and 12 strata more")


@given(cases(), st.data())
def test_pins_come_first_and_count_towards_the_caps(case, data):
    ranking, groups, _, k, cap = case
    pins = data.draw(st.lists(st.sampled_from(ranking.tolist()), unique=True, max_size=k))
    some = caps(k, groups=groups, per_group=cap)
    batch = walk(ranking, some, k, start=pins)
    assert batch.picked[: len(pins)] == pins
    assert len(set(batch.picked)) == len(batch.picked) == k
    strict = walk(ranking, some, k, start=pins, relax=False).picked
    counts = Counter(groups[i] for i in pins)
    rest = [i for i in ranking.tolist() if i not in pins]
    wanted = list(pins)
    for i in rest:
        if len(wanted) < k and counts[groups[i]] < cap:
            wanted.append(i)
            counts[groups[i]] += 1
    assert strict == wanted


@given(cases(), st.data())
def test_a_selector_chooses_around_the_pins(case, data):
    ranking, groups, _, k, cap = case
    n = len(ranking)
    pins = data.draw(st.lists(st.sampled_from(ranking.tolist()), unique=True, max_size=k))
    seen = []

    def ask(pool, wanted):
        seen.extend(pool.tolist())
        return line(ranking.tolist())(pool, wanted)

    some = caps(k, groups=groups, per_group=cap)
    batch = choose(ask, some, n, k, start=pins)
    assert batch.picked[: len(pins)] == pins
    assert len(set(batch.picked)) == len(batch.picked) == k
    assert not set(seen) & set(pins)
    unbound = choose(line(ranking.tolist()), (), n, k, start=pins).picked
    order = np.argsort(ranking, kind="stable")
    assert unbound == pins + [i for i in order.tolist() if i not in pins][: k - len(pins)]


def test_pins_that_break_a_cap_are_told_or_refused():
    groups = ["p", "p", "q", "q"]
    some = caps(3, groups=groups, per_group=1)
    batch = walk(np.arange(4), some, 3, start=[1, 0])
    assert batch.picked == [1, 0, 2]
    (note,) = remarks(batch, some, 3, pins=[1, 0])
    assert "`per_group` allows 1, but 2 pinned samples" in note
    ids = ["a", "b", "c", "d"]
    check_pins([1, 0], some, places(3, 4), ids, relax=True)
    check_pins([1, 2], some, places(3, 4), ids, relax=False)
    with pytest.raises(SpecError, match=r"`per_group` \(1\), but 'b', 'a' fall under one cap"):
        check_pins([1, 0], some, places(3, 4), ids, relax=False)


def test_pins_and_shares_are_checked():
    with pytest.raises(SpecError, match=r"'b' is pinned repeatedly"):
        Constraints(pin=("a", "b", "b"))
    with pytest.raises(SpecError, match=r"both pinned and excluded, but 'b' is"):
        Constraints(pin=("a", "b"), exclude={"b"})
    with pytest.raises(SpecError, match=r"`pin` must be several ids"):
        Constraints(pin="ab")
    with pytest.raises(SpecError, match=r"`per_study` must be at least 1"):
        Constraints(per_study=0)
    with pytest.raises(SpecError, match=r"no per_stratum 'equals'. Did you mean 'equal'"):
        Constraints(per_stratum="equals")
    with pytest.raises(SpecError, match=r"`per_stratum` needs `strata`"):
        more_caps(1, per_stratum="equal")
    with pytest.raises(SpecError, match=r"`per_study` needs `studies`"):
        more_caps(1, per_study=1)
