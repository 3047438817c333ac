"""A cap over all rounds: what is labeled counts, and the rounds together keep to it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.acquire import Constraints, acquire
from foveal.acquire.constraints import caps_of, walk
from foveal.core.errors import SpecError
from foveal.core.evidence import Evidence
from generators import group_names, permutations, sample_ids, unit_values


@st.composite
def cases(draw):
    n = draw(st.integers(1, 30))
    labeled = draw(st.lists(st.sampled_from("abcdz"), max_size=12))
    return draw(permutations(n)), draw(group_names(n)), labeled, draw(st.integers(1, n))


def total(limit, groups, labeled, k, **more):
    wish = Constraints(per_group_total=limit, **more)
    return caps_of(wish, k, groups=groups, clusters=None, probs=None, labeled_groups=labeled)


def plain_walk(ranking, groups, labeled, limit, k):
    picked, counts = [], Counter(labeled)
    for i in ranking:
        if len(picked) < k and counts[groups[i]] < limit:
            picked.append(int(i))
            counts[groups[i]] += 1
    return picked


@given(cases(), st.integers(1, 6))
def test_the_walk_is_the_plain_walk_with_labeled_ones_counted(case, limit):
    ranking, groups, labeled, k = case
    batch = walk(ranking, total(limit, groups, labeled, k), k, relax=False)
    assert batch.picked == plain_walk(ranking, groups, labeled, limit, k)


@given(cases())
def test_nothing_labeled_makes_it_a_cap_of_the_batch(case):
    ranking, groups, _, k = case
    plain = caps_of(Constraints(per_group=2), k, groups=groups, clusters=None, probs=None)
    assert walk(ranking, total(2, groups, [], k), k).picked == walk(ranking, plain, k).picked


@settings(max_examples=25)
@given(unit_values(24), group_names(24), st.integers(1, 8), st.integers(1, 9), st.booleans())
def test_rounds_together_keep_to_it(values, groups, limit, budget, chooses):
    pool = Evidence(
        sample_ids(24),
        {"probs": np.stack([1 - values, values], 1), "embedding": values[:, None]},
    )
    group_of = dict(zip(pool.ids, groups, strict=True))
    wish = Constraints(per_group_total=limit, relax=False)
    labeled = []
    for round_number in range(6):
        left = [i for i, sample in enumerate(pool.ids) if sample not in labeled]
        if not left:
            break
        query = acquire(
            pool.rows(left),
            "k_center" if chooses else "entropy",
            min(budget, len(left)),
            round=round_number,
            groups=[groups[i] for i in left],
            labeled_groups=[group_of[i] for i in labeled],
            constraints=wish,
        )
        labeled += query.ids
    counts = Counter(group_of[i] for i in labeled)
    assert max(counts.values()) <= limit
    room = sum(min(limit, count) for count in Counter(groups).values())
    assert len(labeled) == min(6 * budget, room)


def test_where_it_is_in_the_way_of_the_budget_it_is_raised_and_told():
    pool = Evidence(sample_ids(3), {"probs": np.full((3, 2), 0.5)})
    query = acquire(
        pool,
        "random",
        3,
        groups=["a", "a", "b"],
        labeled_groups=["a", "a", "a", "b"],
        constraints=Constraints(per_group_total=3),
    )
    assert query.ids[0] == "s002"  # the only one within the cap
    assert any("`per_group_total` was raised from 3 to 5" in note for note in query.notes)


def test_the_cap_of_a_batch_is_raised_before_that_of_the_run():
    groups = ["a", "a", "b", "b"]
    caps = total(2, groups, ["b"], 3, per_group=1)
    assert [cap.name for cap in caps] == ["per_group", "per_group_total"]
    batch = walk(np.array([2, 3, 0, 1]), caps, 3)
    assert sorted(batch.picked) == [0, 1, 2]


def test_pins_that_break_it_are_told():
    pool = Evidence(sample_ids(2), {"probs": np.full((2, 2), 0.5)})
    given_ = {"groups": ["a", "b"], "labeled_groups": ["a", "a"]}
    strict = Constraints(per_group_total=2, pin=("s000",), relax=False)
    with pytest.raises(SpecError, match=r"must keep `per_group_total` \(2\), but 's000'"):
        acquire(pool, "random", 1, constraints=strict, **given_)
    lenient = Constraints(per_group_total=2, pin=("s000",))
    (note,) = acquire(pool, "random", 1, constraints=lenient, **given_).notes
    assert "`per_group_total` allows 2" in note


def test_it_needs_groups_and_a_limit_of_one_or_more():
    with pytest.raises(SpecError, match="`per_group_total` needs `groups`"):
        caps_of(Constraints(per_group_total=1), 1, groups=None, clusters=None, probs=None)
    with pytest.raises(SpecError, match="`per_group_total` must be at least 1"):
        Constraints(per_group_total=0)
