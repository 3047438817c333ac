"""Choose: laws of who reads what next."""

from dataclasses import replace

from annotate_toys import created
from hypothesis import given
from hypothesis import strategies as st

from foveal.annotate.choose import REPEAT_AFTER, choose, choose_ahead, left_for
from foveal.core.annotation import Annotation
from foveal.core.query import Query
from foveal.store.events import Event
from foveal.store.leases import Lease
from foveal.store.live import Folding, quarantined, restored
from foveal.store.records import annotated, queried

CANDIDATES = [f"c{i:02}" for i in range(12)]
TESTS = [f"t{i:02}" for i in range(5)]
PARTS = dict.fromkeys(CANDIDATES, "unlabeled") | dict.fromkeys(TESTS, "test")
QUERY = ("c07", "c03", "c11", "c00")
READERS = ["ann", "bob", "eve"]


class Reading:
    """A project in memory in which readers read."""

    def __init__(self, **live):
        self.folding = Folding()
        settings = {"test_target": 0, **live}
        self.add(created("p" * 16, PARTS, **settings))
        self.add(queried(Query(QUERY, "random"), {}))

    def add(self, entry):
        kind, payload = entry
        event = Event(self.folding.length, kind, payload, "", "")
        self.folding.take([event])

    @property
    def state(self):
        return self.folding.state()

    def read(self, reader, label=0, verdict="labeled", taken=frozenset()):
        """The case a reader gets, answered; None if there is none."""
        choice = choose(self.state, reader, taken)
        if choice is not None:
            sample, purpose = choice
            label = label if verdict == "labeled" else None
            self.add(annotated(Annotation(sample, reader, verdict, label, purpose=purpose)))
        return choice

    def read_all(self, reader, most=100, **more):
        seen = []
        while len(seen) < most and (choice := self.read(reader, **more)) is not None:
            seen.append(choice)
        return seen


def test_the_query_is_read_first_and_then_all_the_rest():
    seen = Reading().read_all("ann")
    assert tuple(i for i, _ in seen[:4]) == QUERY
    assert sorted(i for i, _ in seen) == CANDIDATES
    assert {purpose for _, purpose in seen} == {"first"}


def test_the_rest_comes_in_an_order_that_says_nothing_and_never_changes():
    first, second = (Reading().read_all("ann")[4:] for _ in range(2))
    assert first == second
    assert [i for i, _ in first] != sorted(i for i, _ in first)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(READERS),
            st.sampled_from([0, 1]),
            st.sampled_from(["labeled", "labeled", "labeled", "skipped", "unsure", "bad"]),
        ),
        max_size=60,
    ),
    st.fixed_dictionaries(
        {
            "overlap_readers": st.sampled_from([1, 2, 3]),
            "overlap_share": st.sampled_from([0.0, 0.5, 1.0]),
            "repeat_share": st.sampled_from([0.0, 0.3]),
            "test_every": st.sampled_from([2, 4]),
            "test_target": st.sampled_from([0, 3, 100]),
        }
    ),
    st.sets(st.sampled_from(CANDIDATES + TESTS), max_size=6),
)
def test_whatever_was_read_the_next_case_is_a_fair_one(acts, live, taken):
    reading = Reading(**live)
    for reader, label, verdict in acts:
        state = reading.state
        mine = [one for one in state.history if one.annotator == reader]
        read = {one.sample for one in mine}
        choice = choose(state, reader, frozenset(taken))
        assert choice == choose(state, reader, frozenset(taken))
        free = [i for i in CANDIDATES if i not in taken | read and state.wants_readers(i)]
        if choice is None:
            assert free == []
        else:
            sample, purpose = choice
            assert sample not in taken
            assert purpose != "test" or state.parts[sample] == "test"
            assert purpose != "first" or state.parts[sample] == "unlabeled"
            skipped = [one.verdict for one in mine if one.sample == sample] == ["skipped"]
            assert (sample in read) == (purpose == "repeat" or skipped)
            assert not skipped or free == []
            assert purpose == "repeat" or state.wants_readers(sample)
            if purpose == "overlap":
                assert state.answers(sample)
        assert bool(free) <= left_for(state, reader)
        reading.read(reader, label, verdict, frozenset(taken))


def test_every_nth_case_is_a_test_case_until_there_are_enough():
    reading = Reading(test_every=3, test_target=2)
    purposes = [purpose for _, purpose in reading.read_all("ann")]
    assert purposes[:9] == ["first", "first", "test"] * 2 + ["first"] * 3
    assert purposes.count("test") == 2
    assert len(purposes) == len(CANDIDATES) + 2


def test_test_cases_are_read_to_the_end_when_nothing_else_is_left():
    reading = Reading(test_every=50, test_target=4)
    purposes = [purpose for _, purpose in reading.read_all("ann")]
    assert purposes == ["first"] * len(CANDIDATES) + ["test"] * 4


def test_a_test_case_left_out_is_replaced():
    reading = Reading(test_every=2, test_target=2)
    (first, _) = next(c for c in [reading.read("ann"), reading.read("ann")] if c[1] == "test")
    reading.add(quarantined(first, "broken"))
    others = {i for i, purpose in reading.read_all("ann") if purpose == "test"}
    assert len(others) == 2
    assert first not in others


def test_overlapping_cases_go_to_as_many_readers_as_were_wished():
    reading = Reading(overlap_readers=2, overlap_share=1.0)
    seen = {reader: reading.read_all(reader) for reader in READERS}
    assert [len(seen[reader]) for reader in READERS] == [12, 12, 0]
    assert {purpose for _, purpose in seen["bob"]} == {"overlap"}
    assert len(reading.state.lessons()) == 12


def test_a_case_passed_on_goes_to_another_reader():
    reading = Reading()
    (sample, _) = reading.read("ann", verdict="unsure")
    assert sample not in [i for i, _ in reading.read_all("ann")]
    assert reading.read("bob")[0] == sample


def test_a_skipped_case_comes_back_once_when_nothing_else_is_left():
    reading = Reading()
    (sample, _) = reading.read("ann", verdict="skipped")
    others = reading.read_all("ann", most=len(CANDIDATES) - 1)
    assert sample not in [i for i, _ in others]
    assert left_for(reading.state, "ann")
    assert reading.read("ann", verdict="skipped") == (sample, "first")
    assert reading.read("ann") is None
    assert not left_for(reading.state, "ann")


@given(
    st.lists(st.sampled_from(["labeled", "skipped", "unsure"]), max_size=30),
    st.fixed_dictionaries(
        {
            "overlap_share": st.sampled_from([0.0, 1.0]),
            "repeat_share": st.sampled_from([0.0, 0.3]),
            "test_every": st.sampled_from([2, 4]),
            "test_target": st.sampled_from([0, 3]),
        }
    ),
)
def test_what_is_guessed_ahead_is_what_comes_after_a_label(verdicts, live):
    reading = Reading(overlap_readers=2, **live)
    for verdict in verdicts:
        state = reading.state
        choice = choose(state, "ann", frozenset())
        if choice is None:
            return
        lease = Lease("1" * 32, choice[0], "ann", choice[1], 0.0, 1.0)
        guessed = choose_ahead(state, lease, frozenset())
        reading.read("ann", verdict=verdict)
        came = choose(reading.state, "ann", frozenset())
        if verdict == "labeled":
            assert guessed == came
        answered = replace(lease, answered=True)
        assert choose_ahead(reading.state, answered, frozenset()) == came


def test_repeats_come_late_once_a_case_and_teach_nothing():
    reading = Reading(repeat_share=0.99)
    seen = reading.read_all("ann", label=1)
    again = [i for i, purpose in seen if purpose == "repeat"]
    assert again
    assert len(set(again)) == len(again)
    at = [i for i, _ in seen]
    for n, (sample, purpose) in enumerate(seen):
        if purpose == "repeat":
            assert n - at.index(sample) >= REPEAT_AFTER
    assert len(reading.state.lessons()) == len(CANDIDATES)


def test_no_repeats_without_a_wish_for_them():
    assert all(purpose == "first" for _, purpose in Reading().read_all("ann"))


def test_what_is_left_out_is_not_read_until_it_is_restored():
    reading = Reading()
    reading.add(quarantined("c07", "broken"))
    assert reading.read("ann")[0] == "c03"
    reading.add(restored("c07", "lea"))
    assert reading.read("ann")[0] == "c07"


def test_a_new_query_is_followed_at_once():
    reading = Reading()
    reading.read("ann")
    reading.add(queried(Query(("c05", "c06"), "random", round=1), {}))
    assert reading.read("ann")[0] == "c05"
