"""Laws of the fold: a state follows from its events, prefixes agree, the impossible is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.annotation import Annotation
from foveal.core.errors import SchemaError
from foveal.core.query import Query
from foveal.store import TrainedRound, annotated, fold, queried, trained
from foveal.store.events import seal

PARTS = {f"u{i}": "unlabeled" for i in range(12)} | {"v": "val", "t": "test", "x": "excluded"}
CREATED = (
    "created",
    {
        "spec": {"name": "e"},
        "pool_digest": "d",
        "classes": ["a", "b"],
        "parts": PARTS,
        "receipt": {},
        "version": "1",
    },
)


def sealed(entries):
    events, last = [], None
    for kind, payload in entries:
        last = seal(last, kind, payload)
        events.append(last)
    return events


def said(sample, verdict="labeled", **more):
    return Annotation(sample, "ann", verdict, 1 if verdict == "labeled" else None, **more)


@st.composite
def journeys(draw):
    """Queries, annotations, trainings and corrections in a possible order."""
    names = [s for s, part in PARTS.items() if part == "unlabeled"]
    fresh = draw(st.permutations(names))
    entries, queries, said_so_far, rounds = [CREATED], [], [], []
    for number in range(draw(st.integers(0, 3))):
        size = draw(st.integers(0, 3))
        ids, fresh = tuple(fresh[:size]), fresh[size:]
        query = Query(ids, "s", {"k": 1}, {"score": (0.5,) * size}, ("why",) * size, 0, number)
        queries.append(query)
        entries.append(queried(query))
        for sample in draw(st.permutations(ids)):
            verdict = draw(st.sampled_from(["labeled", "skipped", "unsure"]))
            for _ in range(draw(st.integers(0, 2))):
                seconds = draw(st.floats(0, 100))
                said_so_far.append(said(sample, verdict, seconds=seconds, round=number))
                entries.append(annotated(said_so_far[-1]))
        metrics = {"test": {"accuracy": 0.5, "macro_auroc": None}}
        rounds.append(TrainedRound(number, "", "f", metrics, {"n": [1]}, {"train": 1.5}))
        entries.append(trained(rounds[-1]))
    return entries, queries, said_so_far, rounds


@given(journeys())
def test_records_come_back_as_they_were_told(journey):
    entries, queries, annotations, rounds = journey
    state = fold(sealed(entries))
    assert state.created == CREATED[1]
    assert state.queries == tuple(queries)
    assert state.history == tuple(annotations)
    assert state.trained == tuple(rounds)


@given(journeys())
def test_folding_twice_gives_one_state(journey):
    events = sealed(journey[0])
    assert fold(events) == fold(iter(events))


@given(journeys(), st.data())
def test_the_past_stays_as_it_was(journey, data):
    events = sealed(journey[0])
    cut = data.draw(st.integers(0, len(events)))
    before, now = fold(events[:cut]), fold(events)
    assert now.queries[: len(before.queries)] == before.queries
    assert now.history[: len(before.history)] == before.history
    assert now.trained[: len(before.trained)] == before.trained
    assert before.cost_seconds() <= now.cost_seconds()
    assert list(now.annotations)[: len(before.annotations)] == list(before.annotations)


@given(journeys())
def test_helpers_agree_with_the_history(journey):
    entries, queries, annotations, _ = journey
    state = fold(sealed(entries))
    latest = {a.sample: a for a in annotations}
    assert state.annotations == latest
    assert set(state.labeled()) == {s for s, a in latest.items() if a.verdict == "labeled"}
    assert state.cost_seconds() == pytest.approx(sum(a.seconds for a in annotations))
    asked = queries[-1].ids if queries else ()
    assert state.pending() == tuple(s for s in asked if s not in latest)


def test_details_stand_beside_their_query_and_decide_nothing():
    bare, told = queried(Query(("u0",), "s")), queried(Query(("u0",), "s"), {"maps": ["d"]})
    older = ("queried", {k: v for k, v in bare[1].items() if k != "details"})
    states = [fold(sealed([CREATED, entry])) for entry in (bare, told, older)]
    assert [state.details for state in states] == [({},), ({"maps": ["d"]},), ({},)]
    assert states[0] == replace(states[1], details=({},)) == states[2]


def test_nothing_happened_yet():
    state = fold([])
    assert state.created is None
    assert state.pending() == state.labeled() == ()
    assert state.cost_seconds() == 0


def test_a_correction_wins_keeps_its_place_and_its_cost():
    first, other = said("u0", seconds=3), said("u1", seconds=4)
    better = replace(first, label=0, seconds=5)
    query = queried(Query(("u1", "u0"), "s"))
    state = fold(sealed([CREATED, query, *map(annotated, (first, other, better))]))
    assert state.annotations["u0"] == better
    assert state.labeled() == ("u0", "u1")
    assert state.history == (first, other, better)
    assert state.cost_seconds() == 12


def test_a_skipped_sample_asked_again_is_pending_again():
    entries = [CREATED, queried(Query(("u0", "u1"), "s")), annotated(said("u0", "skipped"))]
    assert fold(sealed(entries)).pending() == ("u1",)
    entries.append(queried(Query(("u0",), "s", round=1)))
    assert fold(sealed(entries)).pending() == ("u0",)
    entries.append(annotated(said("u0")))
    assert fold(sealed(entries)).pending() == ()


QUERY = queried(Query(("u0",), "s"))
RAW = annotated(said("u0"))[1]["annotation"]
IMPOSSIBLE = {
    "nothing was created": [QUERY],
    "created twice": [CREATED, CREATED],
    "created without parts": [("created", {"spec": {}})],
    "an unknown kind": [CREATED, ("deleted", {})],
    "a query out of turn": [CREATED, queried(Query(("u0",), "s", round=1))],
    "a query twice": [CREATED, QUERY, QUERY],
    "a query that contradicts itself": [CREATED, ("queried", {**QUERY[1], "round": 3})],
    "a query of a stranger": [CREATED, queried(Query(("stranger",), "s"))],
    "a query of a test image": [CREATED, queried(Query(("t",), "s"))],
    "a query of an excluded image": [CREATED, queried(Query(("x",), "s"))],
    "a query that repeats an id": [
        CREATED,
        ("queried", {"round": 0, "query": {"ids": ["u0", "u0"], "strategy": "s"}}),
    ],
    "a query for a label we have": [
        CREATED,
        QUERY,
        annotated(said("u0")),
        queried(Query(("u0",), "s", round=1)),
    ],
    "an annotation of a validation image": [CREATED, QUERY, annotated(said("v"))],
    "a label without a class": [CREATED, ("annotated", {"annotation": {**RAW, "label": None}})],
    "an unknown verdict": [CREATED, ("annotated", {"annotation": {**RAW, "verdict": "no"}})],
    "an unknown region": [CREATED, ("annotated", {"annotation": {**RAW, "region_kind": "dot"}})],
    "time that runs backwards": [CREATED, ("annotated", {"annotation": {**RAW, "seconds": -1}})],
    "an unknown key": [CREATED, ("annotated", {"annotation": {**RAW, "mood": "good"}})],
    "no annotation": [CREATED, ("annotated", {})],
    "an annotation that is no record": [CREATED, ("annotated", {"annotation": "yes"})],
    "a training before its query": [CREATED, trained(TrainedRound(0))],
    "a training out of turn": [CREATED, QUERY, trained(TrainedRound(1))],
    "a training twice": [CREATED, QUERY, trained(TrainedRound(0)), trained(TrainedRound(0))],
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_the_impossible_is_refused_by_number(case):
    entries = IMPOSSIBLE[case]
    last = len(entries) - 1
    fold(sealed(entries[:last]))
    with pytest.raises(SchemaError, match=f"entry {last} "):
        fold(sealed(entries))
