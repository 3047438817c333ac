"""Choose: the next case for a reader, from what everyone has read so far; pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice

from foveal.core.annotation import Annotation
from foveal.core.pool import SampleId
from foveal.store.leases import Choice, Lease
from foveal.store.live import LiveState, share_of

REPEAT_AFTER = 10  # cases between the first reading and the hidden second one, at least


def choose(state: LiveState, reader: str, taken: frozenset[SampleId]) -> Choice | None:
    """The case a reader should read next; None if nothing is left for them.

    In this order: a test case when its turn has come, a hidden repeat, a case that others have read
    and that needs this reader too, the best case of the last query, and where that is used up any
    other one, so that nobody waits for the model. What the reader skipped comes last, once more.

    Args:
        taken: samples that are open for others.
    """
    mine = _read_by(state, reader)
    read = {one.sample for one in mine}
    free = _Free(state, reader, taken | read)
    if _turn_of_test(state, mine) and (test := free.first(_tests(state))):
        return test, "test"
    if (again := _repeat(state, mine)) is not None and again not in taken:
        return again, "repeat"
    if (shared := free.first(_begun(state))) is not None:
        return shared, "overlap"
    if (wanted := free.first(state.queries[-1].ids if state.queries else ())) is not None:
        return wanted, "first"
    if (other := free.first(_shuffled(state, "unlabeled"))) is not None:
        return other, "first"
    if (test := free.first(_tests(state))) is not None:
        return test, "test"
    return _passed_over(state, mine, taken)


def choose_ahead(state: LiveState, lease: Lease, taken: frozenset[SampleId]) -> Choice | None:
    """The case that would come next if the open one were answered now: a guess, and no promise."""
    if not lease.answered:
        told = Annotation(lease.sample, lease.reader, "labeled", None, purpose=lease.purpose)
        state = replace(state, history=(*state.history, told))
    return choose(state, lease.reader, taken)


def left_for(state: LiveState, reader: str) -> bool:
    """Whether there is a case that this reader could read if nobody had it open."""
    mine = _read_by(state, reader)
    read = {one.sample for one in mine} - set(_skipped_once(state, mine))
    return any(i not in read and state.wants_readers(i) for i in _readable(state))


class _Free:
    """Finds a case that still needs readers and that this one has neither read nor lost."""

    def __init__(self, state: LiveState, reader: str, out: frozenset[SampleId] | set[str]) -> None:
        self._state, self._out = state, out

    def first(self, samples: Iterable[SampleId]) -> SampleId | None:
        return next(
            (i for i in samples if i not in self._out and self._state.wants_readers(i)), None
        )


def _turn_of_test(state: LiveState, mine: list[Annotation]) -> bool:
    """Whether a reader's next case is the one in `test_every` that tests the model."""
    since = 0
    for one in reversed(mine):
        if one.purpose == "test":
            break
        since += 1
    return since >= state.live.test_every - 1


def _tests(state: LiveState) -> Iterable[SampleId]:
    """Test cases in an order drawn at random once, as many as the project wants to be read."""
    usable = (i for i in _shuffled(state, "test") if state.resolution(i).status != "excluded")
    return islice(usable, state.live.test_target)


def _readable(state: LiveState) -> Iterable[SampleId]:
    return chain(_shuffled(state, "unlabeled"), _tests(state))


def _repeat(state: LiveState, mine: list[Annotation]) -> SampleId | None:
    """A case the reader answered a while ago and shall answer once more without being told."""
    if not mine or share_of(state.project, "repeat", mine[-1].annotator, str(len(mine))) >= (
        state.live.repeat_share
    ):
        return None
    again = {one.sample for one in mine if one.purpose == "repeat"}
    old = [one.sample for one in mine[:-REPEAT_AFTER] if one.verdict == "labeled"]
    return next((i for i in old if i not in again and i not in state.quarantined), None)


def _passed_over(
    state: LiveState, mine: list[Annotation], taken: frozenset[SampleId]
) -> Choice | None:
    again = next((i for i in _skipped_once(state, mine) if i not in taken), None)
    if again is None:
        return None
    return again, next(one.purpose for one in mine if one.sample == again)


def _skipped_once(state: LiveState, mine: list[Annotation]) -> Iterator[SampleId]:
    """Cases that a reader skipped the only time they saw them, and that nobody has settled."""
    times = Counter(one.sample for one in mine)
    for one in mine:
        if one.verdict == "skipped" and times[one.sample] == 1 and state.wants_readers(one.sample):
            yield one.sample


def _read_by(state: LiveState, reader: str) -> list[Annotation]:
    return [one for one in state.history if one.annotator == reader and one.purpose != "imported"]


def _begun(state: LiveState) -> Iterable[SampleId]:
    """Cases that someone has answered and that need more readers."""
    return (i for i in state.resolutions if state.resolution(i).status == "partial")


def _shuffled(state: LiveState, part: str) -> tuple[SampleId, ...]:
    """The samples of a part in an order that is random but always the same."""
    return _ordered(state.project, tuple(i for i, p in state.parts.items() if p == part))


@lru_cache(maxsize=8)  # parts seldom change, and all wait while a case is chosen
def _ordered(project: str, ids: tuple[SampleId, ...]) -> tuple[SampleId, ...]:
    return tuple(sorted(ids, key=lambda i: share_of(project, "order", i)))
