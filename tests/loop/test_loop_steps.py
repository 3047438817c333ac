"""Steps: from any state that can be reached, the one next thing, until the labels are bought."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from discs import disc_spec
from foveal.core.annotation import Annotation
from foveal.core.query import Query
from foveal.loop.steps import Annotate, Ask, Seed, Stop, Train, next_step
from foveal.store import State, TrainedRound
from generators import sample_ids

sizes = st.integers(1, 12)
VERDICTS = ("labeled", "labeled", "labeled", "skipped", "unsure")


def spec_of(seed_set, budget, labels):
    return disc_spec(seed_set=min(seed_set, labels), budget=budget, labels=labels)


def asked(state, ids):
    query = Query(tuple(ids), "x", round=len(state.queries))
    return replace(
        state, queries=(*state.queries, query), answered_from=len(state.history), details=()
    )


def answered(state, ids, verdicts):
    new = [
        Annotation(i, "a", v, 0 if v == "labeled" else None)
        for i, v in zip(ids, verdicts, strict=True)
    ]
    latest = {**state.annotations, **{a.sample: a for a in new}}
    return replace(state, history=(*state.history, *new), annotations=latest)


def trained(state):
    return replace(state, trained=(*state.trained, TrainedRound(len(state.trained))))


def done(state, step, candidates, chance, verdicts=("labeled",)):
    """What a run, killed at any moment, may have made of a step."""
    if isinstance(step, Seed | Ask):
        wanted = step.size if isinstance(step, Seed) else step.budget
        free = [i for i in candidates if i not in state.labeled()]
        return asked(state, chance.sample(free, wanted))
    if isinstance(step, Annotate):
        some = step.ids[: chance.randint(1, len(step.ids))]
        return answered(state, some, chance.choices(verdicts, k=len(some)))
    return trained(state)


@given(sizes, sizes, sizes, sizes, st.integers(0, 99))
def test_a_run_buys_exactly_what_it_may(seed_set, budget, labels, n, seed):
    spec, chance, candidates = spec_of(seed_set, budget, labels), random.Random(seed), sample_ids(n)
    state, steps = State(), []
    while not isinstance(step := next_step(state, spec, n), Stop):
        state = done(state, step, candidates, chance)
        steps.append(step)
    assert len(state.labeled()) == min(labels, n)
    assert len(state.trained) == len(state.queries)
    assert [s.round for s in steps if isinstance(s, Train)] == list(range(len(state.trained)))
    assert [s.round for s in steps if isinstance(s, Ask)] == list(range(1, len(state.queries)))
    assert isinstance(steps[0], Seed)
    assert steps[0].size == min(spec.seed_set, n)
    budgets = [len(q.ids) for q in state.queries[1:]]
    assert all(b == budget for b in budgets[:-1])
    assert all(1 <= b <= budget for b in budgets)


@given(sizes, sizes, sizes, sizes, st.integers(0, 99))
def test_each_state_has_one_answer_that_fits_it(seed_set, budget, labels, n, seed):
    spec, chance, candidates = spec_of(seed_set, budget, labels), random.Random(seed), sample_ids(n)
    state = State()
    for _ in range(25):
        step = next_step(state, spec, n)
        assert step == next_step(state, spec, n)
        assert isinstance(step, Seed) == (not state.queries)
        assert isinstance(step, Annotate) == bool(state.pending())
        untrained = len(state.trained) < len(state.queries)
        assert isinstance(step, Train) == (untrained and not state.pending())
        if isinstance(step, Annotate):
            assert step.ids == state.pending()
        if isinstance(step, Ask):
            assert 1 <= step.budget <= min(spec.labels, n) - len(state.labeled())
        if isinstance(step, Stop):
            assert len(state.labeled()) >= min(spec.labels, n)
            return
        state = done(state, step, candidates, chance, VERDICTS)


def test_the_end_says_why():
    state = trained(answered(asked(State(), ["a", "b"]), ["a", "b"], ["labeled"] * 2))
    assert next_step(state, spec_of(1, 1, 2), 9) == Stop("the label budget is spent")
    assert next_step(state, spec_of(1, 1, 3), 2) == Stop("every candidate is labeled")


def test_what_was_skipped_is_not_paid_for():
    state = trained(answered(asked(State(), ["a", "b"]), ["a", "b"], ["labeled", "skipped"]))
    assert next_step(state, spec_of(2, 5, 3), 9) == Ask(1, 2)
