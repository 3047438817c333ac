"""Resolution: what readers' answers about one case come to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from foveal.core.annotation import Annotation

Status = Literal["open", "partial", "agreed", "disputed", "settled", "excluded"]
FINAL: frozenset[Status] = frozenset({"agreed", "settled"})
LAST_WORD = frozenset({"adjudication", "imported"})
MOST_PASSES = 2  # readers who may pass on a case before the lead decides


@dataclass(frozen=True, slots=True)
class Resolution:
    """open: nobody answered; partial: readers are missing; agreed or settled: `label` holds.

    `told` are the annotations that the label and the region come from.
    """

    status: Status
    label: int | None = None
    told: tuple[Annotation, ...] = ()

    @property
    def final(self) -> bool:
        """Whether the case may teach or test a model."""
        return self.status in FINAL

    @property
    def regions(self) -> tuple[str, ...]:
        """Digests of the regions that were drawn."""
        return tuple(one.region for one in self.told if one.region)


OPEN = Resolution("open")


def resolve(answers: Mapping[str, Annotation], ruled: Annotation | None, needed: int) -> Resolution:
    """What a case's answers come to.

    Args:
        answers: the last answer of each reader, hidden repeats left out.
        ruled: the last adjudication or import, which outweighs all readers.
        needed: readers who must agree.
    """
    if ruled is not None and ruled.verdict == "labeled":
        return Resolution("settled", ruled.label, (ruled,))
    if ruled is not None and ruled.verdict == "bad":
        return Resolution("excluded")
    if not answers:
        return OPEN
    told = sorted(answers.values(), key=lambda one: one.annotator)
    bad = sum(one.verdict == "bad" for one in told)
    labeled = [one for one in told if one.verdict == "labeled"]
    passed = len(told) - bad - len(labeled)
    if 2 * bad > len(told):
        return Resolution("excluded") if len(told) >= needed else Resolution("partial")
    if len(labeled) < needed:
        stuck = passed >= MOST_PASSES or bad
        return Resolution("disputed" if stuck else "partial", told=tuple(labeled))
    return _voted(labeled)


def question_of(status: Status, answers: Mapping[str, Annotation], skipped_twice: bool) -> str:
    """Why a lead should look at a case, in words; "" if there is no need.

    That a reader is unsure, or will not see it again, is such a reason while others may still read
    the case: where a project has one reader, nobody else would.

    Args:
        answers: as for `resolve`.
        skipped_twice: whether some reader passed on it twice.
    """
    verdicts = {one.verdict for one in answers.values()}
    if status == "disputed":
        if len({one.label for one in answers.values()} - {None}) > 1:
            return "readers name different classes"
        return "a reader calls the image bad" if "bad" in verdicts else "readers pass on it"
    if status == "partial" and "unsure" in verdicts:
        return "a reader is unsure"
    again = status == "partial" and skipped_twice and "skipped" in verdicts
    return "a reader skipped it twice" if again else ""


def _voted(labeled: Sequence[Annotation]) -> Resolution:
    labels = Counter(one.label for one in labeled)
    if len(labels) > 1:
        return Resolution("disputed", told=tuple(labeled))
    return Resolution("agreed", labeled[0].label, tuple(labeled))
