"""What every strategy must keep; a new one is found by the registry and tested here."""

import json
import subprocess
import sys
from collections import Counter
from typing import Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.acquire import Constraints, Scored, acquire, get, located, names
from foveal.acquire.settings import checked
from foveal.core.errors import EvidenceError
from foveal.core.evidence import SAMPLE_AXIS, Evidence
from generators import (
    CLASSES,
    COUNTS,
    EVIDENCE,
    evidence,
    group_names,
    permutations,
)

every_strategy = pytest.mark.parametrize("name", names())
every_scorer = pytest.mark.parametrize("name", [n for n in names() if get(n).kind == "scorer"])
every_multilabel = pytest.mark.parametrize(
    "name", [n for n in names() if "multilabel" in get(n).tasks]
)
few = settings(max_examples=20)


@st.composite
def inputs(draw, name: str, n: int | None = None):
    """Evidence and context of a strategy, with or without what is optional."""
    strategy = get(name)
    needed, optional = map(located, strategy.needs), map(located, strategy.optional)
    places: dict[str, list[str]] = {"pool": []}
    for place, array in needed:
        places.setdefault(place, []).append(array)
    whole: dict[str, bool] = {}  # a set beside the pool comes with all its arrays or with none
    for place, array in optional:
        given = draw(st.booleans()) if place == "pool" else whole.get(place, draw(st.booleans()))
        whole[place] = given
        if given:
            places.setdefault(place, []).append(array)
    n = draw(COUNTS) if n is None else n
    classes = draw(CLASSES)
    pool = draw(evidence(places.pop("pool"), n, classes))
    rows = {"head": classes}  # a row of the head is a class
    beside = {
        p: draw(evidence(arrays, rows.get(p, 3), classes, prefix=p)) for p, arrays in places.items()
    }
    return pool, beside


@st.composite
def choices(draw, name: str):
    """Some option for each setting that has a closed list of options."""
    hints = get_type_hints(get(name).fn)
    options = {
        setting: [True, False] if hints[setting] is bool else get_args(hints[setting])
        for setting in get(name).settings
        if hints[setting] is bool or get_origin(hints[setting]) is Literal
    }
    return {setting: draw(st.sampled_from(listed)) for setting, listed in options.items()}


def tied(pool: Evidence) -> Evidence:
    """The same row for every sample."""
    held = {
        k: np.repeat(np.take(a, [0], SAMPLE_AXIS.get(k, 0)), len(pool), SAMPLE_AXIS.get(k, 0))
        for k, a in pool.arrays.items()
    }
    return Evidence(pool.ids, held)


def findings(one: Evidence) -> Evidence:
    """The same arrays as those of findings that do not exclude each other."""
    held = dict(one.arrays)
    if "label" in held:
        held["label"] = held["label"][:, None] == np.arange(2)
    return Evidence(one.ids, held, one.fingerprint, "multilabel")


@every_strategy
def test_its_evidence_can_be_generated(name):
    strategy = get(name)
    wanted = (*strategy.needs, *strategy.optional)
    unknown = [n for n in wanted if not {n, located(n)[1]} & set(EVIDENCE)]
    assert not unknown, "add a generator to EVIDENCE in tests/generators.py"


@every_scorer
@few
@given(data=st.data())
def test_scores_are_finite_numbers_one_for_each_sample(name, data):
    pool, beside = data.draw(inputs(name))
    strategy = get(name)
    held = dict(pool.arrays) | data.draw(choices(name))
    for place, other in beside.items():
        held |= {f"{place}_{array}": values for array, values in other.arrays.items()}
    if strategy.chance:
        held["chance"] = np.linspace(0.1, 0.9, len(pool))
    answer = strategy.fn(**held)
    columns = (
        {"score": answer}
        if not isinstance(answer, Scored)
        else {"score": answer.score, **answer.parts}
    )
    for column in columns.values():
        assert column.shape == (len(pool),)
        assert np.isfinite(column).all()


@every_strategy
@few
@given(data=st.data())
def test_the_order_of_the_pool_does_not_matter(name, data):
    pool, beside = data.draw(inputs(name))
    order = data.draw(permutations(len(pool)))
    budget = data.draw(st.integers(1, len(pool)))
    chosen = {"parameters": data.draw(choices(name)), "seed": 3, "round": 1, "context": beside}
    one = acquire(pool, name, budget, **chosen)
    other = acquire(pool.rows(order), name, budget, **chosen)
    assert one == other


@every_strategy
@few
@given(data=st.data())
def test_a_batch_is_distinct_candidates_as_many_as_the_budget(name, data):
    pool, beside = data.draw(inputs(name))
    budget = data.draw(st.integers(1, len(pool)))
    query = acquire(pool, name, budget, context=beside)
    assert len(set(query.ids)) == len(query.ids) == budget
    assert set(query.ids) <= set(pool.ids)
    assert len(query.why) == budget
    assert all(query.why)
    assert query.fingerprint == pool.fingerprint


@every_strategy
@few
@given(data=st.data())
def test_the_same_seed_gives_the_same_answer_and_nothing_changes(name, data):
    pool, beside = data.draw(inputs(name))
    before = {k: a.copy() for k, a in pool.arrays.items()}
    budget = data.draw(st.integers(1, len(pool)))
    first = acquire(pool, name, budget, seed=5, context=beside)
    assert first == acquire(pool, name, budget, seed=5, context=beside)
    for array_name, array in pool.arrays.items():
        np.testing.assert_array_equal(array, before[array_name])


@every_multilabel
@few
@given(data=st.data())
def test_findings_that_do_not_exclude_each_other(name, data):
    pool, beside = data.draw(inputs(name))
    many = {place: findings(one) for place, one in {"pool": pool, **beside}.items()}
    pool, beside = many.pop("pool"), many
    budget = data.draw(st.integers(1, len(pool)))
    over = data.draw(st.sampled_from(["mean", "max"]))
    query = acquire(pool, name, budget, context=beside, over_labels=over)
    assert len(set(query.ids)) == budget
    order = data.draw(permutations(len(pool)))
    again = acquire(pool.rows(order), name, budget, context=beside, over_labels=over)
    assert again == query


@pytest.mark.parametrize("name", [n for n in names() if "multilabel" not in get(n).tasks])
@settings(max_examples=1)
@given(data=st.data())
def test_what_needs_one_class_refuses_several_findings(name, data):
    pool, beside = data.draw(inputs(name, n=4))
    with pytest.raises(EvidenceError, match="multilabel; strategies that can: "):
        acquire(findings(pool), name, 1, context=beside)


@every_strategy
@few
@given(data=st.data())
def test_the_whole_pool_is_returned_when_asked_for(name, data):
    pool, beside = data.draw(inputs(name))
    assert set(acquire(pool, name, len(pool), context=beside).ids) == set(pool.ids)


@every_strategy
@few
@given(data=st.data())
def test_one_candidate_is_enough(name, data):
    pool, beside = data.draw(inputs(name, n=1))
    assert acquire(pool, name, 1, context=beside).ids == pool.ids


@every_strategy
@settings(max_examples=5)
@given(data=st.data())
def test_equals_are_taken_in_random_order(name, data):
    pool, beside = data.draw(inputs(name, n=12))
    answers = {acquire(tied(pool), name, 4, seed=s, context=beside).ids for s in range(6)}
    assert len(answers) > 1


@every_scorer
@few
@given(data=st.data())
def test_higher_is_sooner(name, data):
    pool, beside = data.draw(inputs(name))
    query = acquire(pool, name, len(pool), context=beside)
    assert list(query.scores["score"]) == sorted(query.scores["score"], reverse=True)


@every_strategy
@few
@given(data=st.data())
def test_a_cap_per_patient_holds_where_it_can(name, data):
    pool, beside = data.draw(inputs(name))
    groups = data.draw(group_names(len(pool)))
    cap = data.draw(st.integers(1, 3))
    group_of = dict(zip(pool.ids, groups, strict=True))
    reachable = sum(min(cap, count) for count in Counter(groups).values())
    budget = data.draw(st.integers(1, reachable))
    query = acquire(
        pool, name, budget, groups=groups, context=beside, constraints=Constraints(per_group=cap)
    )
    assert len(query.ids) == budget
    assert max(Counter(group_of[i] for i in query.ids).values()) <= cap


@every_strategy
def test_it_is_documented(name):
    strategy = get(name)
    doc = strategy.fn.__doc__ or ""
    assert strategy.summary
    assert strategy.source
    assert "Args:" in doc
    assert "Returns:" in doc
    for argument in (*strategy.needs, *strategy.optional, *strategy.settings):
        assert f"{argument}:" in doc, f"argument {argument!r} is not documented"


@every_strategy
def test_its_defaults_are_valid_settings_that_can_be_stored(name):
    strategy = get(name)
    assert checked(strategy, dict(strategy.settings)) == dict(strategy.settings)
    assert json.loads(json.dumps(dict(strategy.settings))) == dict(strategy.settings)


def test_strategies_load_without_torch():
    code = "import sys, foveal.acquire as a; assert a.names(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
