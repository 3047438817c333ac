"""Batches that an expert's seconds buy: never overspent, never far from the best."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire.constraints import (
    Constraints,
    Purse,
    affordable_set,
    caps_of,
    choose,
    knapsack,
    purse_of,
    remarks,
    walk,
)
from foveal.core.errors import BudgetError, PoolExhausted, SpecError
from generators import group_names

COSTS = st.sampled_from([0.0, 1.0, 2.0, 2.5, 7.0, 30.0])
SCORES = st.integers(-3, 12).map(float)


def timed(seconds, costs):
    costs = np.asarray(costs, dtype=np.float64)
    return Purse(seconds, costs, timed=True, seconds=costs)


@st.composite
def offers(draw, most=9):
    n = draw(st.integers(1, most))
    scores = np.array(draw(st.lists(SCORES, min_size=n, max_size=n)))
    costs = np.array(draw(st.lists(COSTS, min_size=n, max_size=n)))
    seconds = draw(st.floats(0.5, 40)) + costs.min()
    return scores, costs, seconds


def best_worth(scores, costs, seconds):
    """Brute force over all affordable batches."""
    worth = scores - scores.min()
    batches = (
        list(s)
        for r in range(len(scores) + 1)
        for s in itertools.combinations(range(len(scores)), r)
    )
    return max(worth[b].sum() for b in batches if costs[b].sum() <= seconds)


@given(offers())
def test_a_batch_is_worth_half_of_the_best_one_at_least(offer):
    scores, costs, seconds = offer
    picked = knapsack(scores, (), timed(seconds, costs)).picked
    worth = scores - scores.min()
    assert 2 * worth[picked].sum() >= best_worth(scores, costs, seconds) - 1e-9


def test_neither_greedy_alone_would_do():
    # The cheap one has the better rate; the dear one is nearly all there is.
    dear = knapsack(np.array([0.0, 2.0, 100.0]), (), timed(100, [100, 1, 100]))
    assert (dear.picked, dear.rule) == ([2], "score")
    # Ten cheap ones are worth more than the best one.
    cheap = knapsack(np.array([0.0, *[5.0] * 10, 9.0]), (), timed(10, [10, *[1] * 10, 10]))
    assert (set(cheap.picked), cheap.rule) == (set(range(1, 11)), "score per second")


def test_scores_below_zero_are_worth_something_too():
    # Two good candidates are worth more than one that is slightly better, whatever the zero is.
    scores = np.array([-1.0, -1.2, -1.3, -9.0])
    assert set(knapsack(scores, (), timed(10, [10, 5, 5, 10])).picked) == {1, 2}


@given(offers(30), st.data())
def test_nothing_is_overspent_and_nothing_that_fits_is_left(offer, data):
    scores, costs, seconds = offer
    groups = data.draw(group_names(len(scores)))
    cap = data.draw(st.integers(1, 3))
    some = per_group(groups, cap)
    for relax in (True, False):
        batch = knapsack(scores, some, timed(seconds, costs), relax=relax)
        assert batch.picked
        assert len(set(batch.picked)) == len(batch.picked)
        spent = costs[batch.picked].sum()
        assert spent <= seconds * (1 + 1e-9)
        counts = Counter(groups[i] for i in batch.picked)
        if not relax:
            assert max(counts.values()) <= cap
        for i in set(range(len(scores))) - set(batch.picked):
            fits = spent + costs[i] <= seconds
            assert not fits or (not relax and counts[groups[i]] >= cap)


@given(offers(30))
def test_what_costs_nothing_always_fits(offer):
    scores, costs, seconds = offer
    picked = knapsack(scores, (), timed(seconds, costs)).picked
    assert set(np.flatnonzero(costs == 0)) <= set(picked)


def test_a_pool_that_costs_nothing_is_bought_whole_and_in_order():
    batch = knapsack(np.array([1.0, 3.0, 2.0]), (), timed(5, [0, 0, 0]))
    assert batch.picked == [1, 2, 0]


@given(offers(20), st.data())
def test_where_all_cost_the_same_seconds_are_places(offer, data):
    scores, _, _ = offer
    n = len(scores)
    k, each = data.draw(st.integers(1, n)), data.draw(st.sampled_from([0.1, 0.3, 7.0]))
    some = per_group(data.draw(group_names(n)), data.draw(st.integers(1, 3)))
    ranking = np.argsort(-scores, kind="stable")
    purse = timed(k * each, np.full(n, each))
    assert purse.nominal == k
    assert knapsack(scores, some, purse).picked == walk(ranking, some, k).picked
    assert (
        affordable_set(first(ranking), some, purse).picked
        == choose(first(ranking), some, n, k).picked
    )


@given(offers(20), st.data())
def test_pins_are_paid_for_first(offer, data):
    scores, costs, seconds = offer
    pin = data.draw(st.integers(0, len(scores) - 1))
    seconds += costs[pin]
    for batch in (
        knapsack(scores, (), timed(seconds, costs), start=[pin]),
        affordable_set(first(np.arange(len(scores))), (), timed(seconds, costs), start=[pin]),
    ):
        assert batch.picked[0] == pin
        assert len(set(batch.picked)) == len(batch.picked)
        assert costs[batch.picked].sum() <= seconds * (1 + 1e-9)


def test_strata_share_the_seconds_too():
    strata = ["north"] * 8 + ["south"] * 8
    scores = np.r_[np.arange(8.0) + 100, np.arange(8.0)]
    rules = Constraints(per_stratum="equal")
    purse = timed(60, np.full(16, 10.0))
    some = caps_of(
        rules, purse.nominal, groups=None, clusters=None, probs=None, studies=None, strata=strata
    )
    assert set(knapsack(scores, some, purse).picked) == {5, 6, 7, 13, 14, 15}


@pytest.mark.parametrize("shares", ["equal", "proportional"])
def test_cheap_candidates_do_not_spoil_the_shares(shares):
    # Half of all is cheap: far more fit than at the average cost, and many raises are needed.
    rng = np.random.default_rng(0)
    strata = ["north"] * 200 + ["south"] * 200
    costs = np.where(rng.random(400) < 0.5, 1.0, 60.0)
    rules = Constraints(per_stratum=shares)
    purse = timed(100, costs)
    some = caps_of(
        rules, purse.nominal, groups=None, clusters=None, probs=None, studies=None, strata=strata
    )
    batch = knapsack(rng.random(400), some, purse)
    got = Counter(strata[i] for i in batch.picked)
    assert sum(got.values()) >= 98
    assert abs(got["north"] - got["south"]) <= 1


def per_group(groups, cap):
    return caps_of(
        Constraints(per_group=cap), len(groups), groups=groups, clusters=None, probs=None
    )


def first(ranking):
    """A selector that wants what comes first in a ranking, whatever k."""
    rank = np.argsort(ranking)

    def ask(pool, k):
        return pool[np.argsort(rank[pool], kind="stable")[:k]]

    return ask


@given(offers(30), st.data())
def test_a_selector_keeps_to_its_seconds_and_fills_them(offer, data):
    scores, costs, seconds = offer
    groups = data.draw(group_names(len(scores)))
    some = per_group(groups, data.draw(st.integers(1, 3)))
    ranking = np.argsort(-scores, kind="stable")
    batch = affordable_set(first(ranking), some, timed(seconds, costs))
    spent = costs[batch.picked].sum()
    assert batch.picked
    assert len(set(batch.picked)) == len(batch.picked)
    assert spent <= seconds * (1 + 1e-9)
    left = sorted(set(range(len(scores))) - set(batch.picked))
    assert all(spent + costs[i] > seconds for i in left)


@given(offers(30))
def test_a_selector_with_a_ranking_gets_its_longest_affordable_start(offer):
    scores, costs, seconds = offer
    ranking = np.argsort(-scores, kind="stable")
    ranking = ranking[costs[ranking] <= seconds]  # what is too dear alone is not offered
    whole = int((np.cumsum(costs[ranking]) <= seconds * (1 + 1e-9)).sum())
    everyone = np.argsort(-scores, kind="stable")
    batch = affordable_set(first(everyone), (), timed(seconds, costs))
    assert batch.picked[:whole] == ranking[:whole].tolist()


def test_the_last_set_a_selector_is_asked_for_is_the_one_it_gets():
    asked = []

    def ask(pool, k):
        asked.append(k)
        return pool[:k]

    costs = np.array([5.0, 5, 5, 5, 1, 1, 1, 1, 1, 1])
    batch = affordable_set(ask, (), timed(17, costs))
    assert batch.picked == [0, 1, 2, 4, 5]
    assert asked[-1] == 3


def test_seconds_that_buy_nothing_name_the_cheapest():
    with pytest.raises(BudgetError, match=r"5 s must be enough.*'b', takes 12 s"):
        purse_of(None, 5, np.array([20.0, 12.0]), ("a", "b"), 2)
    for seconds in (0, -1, np.inf, np.nan):
        with pytest.raises(BudgetError, match=r"`seconds` must be positive and finite"):
            purse_of(None, seconds, np.array([1.0]), ("a",), 1)
    with pytest.raises(PoolExhausted):
        purse_of(None, 5, np.zeros(0), (), 0)
    with pytest.raises(SpecError, match=r"`seconds` needs `costs`"):
        purse_of(None, 5, None, ("a",), 1)


def test_what_is_spent_is_told():
    batch = knapsack(np.array([1.0, 3.0, 2.0]), (), timed(15, [5, 9, 9]))
    (note,) = remarks(batch, (), timed(15, [5, 9, 9]))
    assert note == "2 samples are expected to take 14 s of 15 s allowed, chosen by score"
    some = per_group(["p", "p"], 1)
    strict = knapsack(np.array([1.0, 2.0]), some, timed(15, [5, 6]), relax=False)
    (note,) = remarks(strict, some, timed(15, [5, 6]))
    assert note.startswith("1 sample is expected to take 6 s")
    assert note.endswith("others would fit but break a constraint")
    relaxed = knapsack(np.array([1.0, 2.0]), some, timed(15, [5, 6]))
    raised, _ = remarks(relaxed, some, timed(15, [5, 6]))
    assert "raised from 1 to 2, because the candidates could not fill 15 s" in raised
