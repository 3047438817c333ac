"""Laws of a project's state: piece by piece as in one go, and it knows who is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_toys import PARTS, answer, created

from foveal.core.errors import SchemaError
from foveal.core.live_spec import LiveSpec
from foveal.core.query import Query
from foveal.store.events import seal
from foveal.store.live import Folding, added, fold_live, needed, quarantined, restored, share_of
from foveal.store.records import TrainedRound, annotated, queried, trained

CANDIDATES = [i for i, part in PARTS.items() if part == "unlabeled"]
samples = st.sampled_from(["s0", "s1", "s8"])
readers = st.sampled_from(["ann", "bob", "cis"])
purposes = st.sampled_from(["first", "overlap", "repeat", "test", "adjudication", "imported"])
verdicts = st.sampled_from([("labeled", 0), ("labeled", 1), ("skipped", None), ("bad", None)])


@st.composite
def answers(draw):
    verdict, label = draw(verdicts)
    more = {"purpose": draw(purposes), "seconds": draw(st.sampled_from([0.0, 1.5, 4.0]))}
    return annotated(answer(draw(samples), draw(readers), label, verdict=verdict, **more))


changes = st.one_of(
    answers(),
    answers(),
    st.builds(quarantined, samples, st.just("torn")),
    st.builds(restored, samples, readers),
    st.just("query"),
    st.integers().map(lambda n: added({f"new {n}": "unlabeled"})),
    st.just("train"),
)


def chain(entries):
    events, last = [], None
    for kind, payload in entries:
        last = seal(last, kind, payload)
        events.append(last)
    return events


@st.composite
def stories(draw, **live):
    """Events of a project that could have happened."""
    entries, queries, rounds = [created("p", **live)], 0, 0
    came = set()
    for change in draw(st.lists(changes, max_size=25)):
        if change == "query":
            entries.append(queried(Query(tuple(CANDIDATES[:3]), "random", round=queries)))
            queries += 1
        elif change == "train" and rounds < queries:
            details = {"lessons": 1, "until": draw(st.integers(0, len(entries)))}
            entries.append(trained(TrainedRound(rounds, details=details)))
            rounds += 1
        elif change != "train" and (change[0] != "added" or came.isdisjoint(change[1]["parts"])):
            entries.append(change)
            came.update(change[1]["parts"] if change[0] == "added" else ())
    return chain(entries)


@given(stories(overlap_readers=2, overlap_share=0.5), st.data())
def test_piece_by_piece_as_in_one_go(events, data):
    cut = data.draw(st.integers(1, len(events)))
    folding = Folding()
    folding.take(events[:cut])
    before = folding.state()
    fork = folding.fork()
    fork.take(events[cut:])
    assert fork.state() == fold_live(events)
    assert folding.state() == before  # the fork went its own way
    folding.take(events[cut:])
    assert folding.state() == fold_live(events)
    assert before == fold_live(events[:cut])  # and what was told stays as it was


def test_a_fork_shares_nothing_that_changes():
    entries = [created("p"), annotated(answer("s0")), quarantined("s1", "torn")]
    more = [annotated(answer("s0", "bob", 0)), restored("s1", "ann"), annotated(answer("s0"))]
    events = chain(entries + more)
    folding = Folding()
    folding.take(events[:3])
    folding.fork().take(events[3:])
    assert folding.state() == fold_live(events[:3])


@given(stories(overlap_readers=2, overlap_share=0.5))
def test_a_case_is_a_lesson_a_reference_wanted_disputed_or_out(events):
    state = fold_live(events)
    lessons, references = dict(state.lessons()), dict(state.references())
    for sample, part in PARTS.items():
        resolution = state.resolution(sample)
        places = [
            sample in lessons,
            sample in references,
            state.wants_readers(sample),
            sample in state.disputes(),
            resolution.status == "excluded",
        ]
        assert sum(places) == 1
        assert (part == "test") >= (sample in references)
        assert (part == "unlabeled") >= (sample in lessons)
        if sample in state.quarantined:
            assert resolution.status == "excluded"
    assert set(state.pending()) <= set(CANDIDATES[:3])
    assert state.as_state().labeled() == tuple(lessons)
    assert all(a.label == lessons[i].label for i, a in state.as_state().annotations.items())


@given(stories())
def test_repeats_change_no_label_and_cost_time(events):
    def is_repeat(event):
        return event.kind == "annotated" and event.payload["annotation"]["purpose"] == "repeat"

    without = fold_live(chain((e.kind, e.payload) for e in events if not is_repeat(e)))
    state = fold_live(events)
    assert state.resolutions == without.resolutions
    assert state.by_reader == without.by_reader
    assert state.seconds() >= without.seconds()


@given(st.floats(0, 1), st.integers(2, 4), st.text(max_size=5))
def test_several_read_about_the_share_that_was_wanted(share, several, project):
    live = LiveSpec(classes=("a", "b"), overlap_readers=several, overlap_share=share)
    found = [needed(project, f"s{n}", live) for n in range(400)]
    assert set(found) <= {1, several}
    assert found == [needed(project, f"s{n}", live) for n in range(400)]
    assert abs(sum(n > 1 for n in found) / 400 - share) < 0.15


def test_shares_depend_on_where_names_end():
    assert share_of("a", "bc") != share_of("ab", "c")


def test_news_are_lessons_that_are_new_or_other():
    entries = [created("p"), queried(Query(("s0", "s1"), "random"))]

    def news(*more):
        entries.extend(more)
        return fold_live(chain(entries)).labels_since_training()

    def taught(until):
        return trained(TrainedRound(rounds.pop(0), details={"lessons": 1, "until": until}))

    rounds = [0, 1, 2]
    assert news(annotated(answer("s0")), annotated(answer("s0", label=0))) == 1
    assert news(annotated(answer("s1"))) == 2
    assert news(taught(until=4)) == 1  # s1 was answered while the model learned
    assert news(queried(Query(("s2",), "random", round=1)), taught(until=7)) == 0
    assert news(annotated(answer("s9"))) == 0  # it tests
    assert news(annotated(answer("s0", label=1))) == 1  # corrected
    assert news(annotated(answer("s1", "lea", label=0, purpose="adjudication"))) == 2
    assert news(queried(Query(("s2",), "random", round=2)), taught(until=len(entries))) == 0
    assert news(quarantined("s1", "torn"), quarantined("s2", "torn")) == 0
    assert news(restored("s1", "lea"), restored("s2", "lea")) == 1  # nobody had read the other one


@pytest.mark.parametrize(
    ("entries", "finding"),
    [
        ([], "must begin with `created`"),
        ([queried(Query(("s0",), "random"))], "entry 0 .*must be the first"),
        ([created("p"), created("p")], "entry 1 .*must be the first"),
        ([created("p"), annotated(answer("x"))], "entry 1 .*not in this project"),
        ([created("p"), annotated(answer(label=7))], "entry 1 .*no class 7"),
        ([created("p"), ("quarantined", {"sample": "s0"})], "entry 1 .*lacks 'reason'"),
        ([created("p"), queried(Query(("s8",), "random"))], "entry 1 .*no candidate"),
        ([created("p"), ("annotated", {})], "entry 1 .*lacks 'annotation'"),
        ([created("p"), added({"s0": "unlabeled"})], "entry 1 .*already"),
        ([created("p"), added({"new": "test"})], "entry 1 .*left out, nothing else"),
        ([created("p"), added({"new": "unlabeled"}), annotated(answer("other"))], "entry 2 "),
        ([created("p", classes=["one"])], r"entry 0 (?s:.*)classes"),
    ],
)
def test_what_could_not_happen_is_named(entries, finding):
    with pytest.raises(SchemaError, match=finding):
        fold_live(chain(entries))
