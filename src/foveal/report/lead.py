"""Which arm a page may name as its finding, without selling the luckiest of many."""

from collections.abc import Sequence
from dataclasses import dataclass

from foveal.report.contrasts import Contrast, against, contrast_between
from foveal.report.reading import Arm, End, Results, arms_of, finite, ranked


@dataclass(frozen=True, slots=True)
class Lead:
    """The arm that a sentence is about, and whom it is compared with.

    `others` counts the arms that were compared with random choice (those that read hidden masks
    aside), and `better` those of them that were shown to be better over the whole curve. Where
    several were compared and none was shown to be better, the arm is random choice itself. `aside`
    counts the arms that read hidden masks.
    """

    arm: Arm
    end: End
    rival: Arm | None = None
    rival_end: End | None = None
    contrast: Contrast | None = None
    others: int = 0
    better: int = 0
    aside: int = 0

    @property
    def undecided(self) -> bool:
        """Whether several arms were compared with random choice and none may be named."""
        return self.arm.baseline and self.rival is None and self.others > 1


def lead_of(results: Results, metric: str) -> Lead | None:
    """The arm to name for a metric; None if no arm has a value.

    Beside random choice and several other arms only an arm that was shown to be better is named,
    and of several the one with the largest gain in AUBC: the best final value of many arms is to
    a good part luck.
    """
    arms = arms_of(results)
    places = ranked(arms, metric)
    baseline = next((place for place in places if place[0].baseline), None)
    if not places:
        return None
    if baseline is None or len(places) <= 2:
        return _best_of_few(results, metric, places, baseline)
    tests = against(results, metric, baseline[0].name, [arm for arm, _ in places])
    better = sorted(
        (test for test in tests.values() if test.better), key=lambda t: t.gain or 0, reverse=True
    )
    others, aside = len(places) - 1, sum(arm.oracle for arm in arms)
    if not better:
        return Lead(*baseline, others=others, aside=aside)
    arm, end = next(place for place in places if place[0].name == better[0].a)
    return Lead(arm, end, *baseline, better[0], others, len(better), aside)


def left_out_value(results: Results, metric: str) -> float | None:
    """AUBC of the arm that the other seeds would choose, on the seed left out, mean over seeds."""
    winner = (results.get("winner") or {}).get(metric) or {}
    return finite(winner.get("leave_one_out"))


def _best_of_few(
    results: Results,
    metric: str,
    places: Sequence[tuple[Arm, End]],
    baseline: tuple[Arm, End] | None,
) -> Lead:
    (lead, end), rest = places[0], places[1:]
    if not rest:
        return Lead(lead, end)
    rival, rival_end = baseline if baseline is not None and baseline in rest else rest[0]
    contrast = contrast_between(results, metric, lead.name, rival.name)
    better = int(contrast is not None and contrast.better)
    return Lead(lead, end, rival, rival_end, contrast, len(rest), better)
