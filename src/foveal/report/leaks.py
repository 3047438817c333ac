"""Leaked against honest: sources of regions side by side, what each could see and what it gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foveal.acquire import registry
from foveal.core.errors import FovealError
from foveal.report.contrasts import Contrast, contrast_between
from foveal.report.glossary import metric_of
from foveal.report.reading import Arm, Results, arms_of, finite, metrics_of, standing_out
from foveal.report.section import Section
from foveal.report.tables import ArmName, arm_name, asked_of, trained_with
from foveal.report.words import MISSING, capital, number, p_words, percent, signed

SOURCES = ("oracle", "predicted", "atlas", "weak", "none")
SEES: Mapping[str, str] = {
    "oracle": "hidden masks of all candidates, which in the clinic nobody has drawn",
    "predicted": "regions bought so far, from which a region head learns to predict the others",
    "atlas": "regions bought so far: their mean for each class",
    "weak": "boxes or organ masks that existed beforehand",
    "none": "no regions",
}
VALIDATION = "labels of the validation part"
EXEMPLARS = "exemplars of the classes sought"


@dataclass(frozen=True, slots=True)
class Source:
    """One arm: where its regions come from, what it may see, and what it gains over random."""

    arm: Arm
    source: str
    rival: Arm | None
    gain: Contrast | None

    @property
    def mixed(self) -> str:
        """A caution where the rival trains otherwise: the gain is not of selection alone."""
        alike = self.rival is None or _training(self.rival) == _training(self.arm)
        return "" if alike else ", what training adds included"


@dataclass(frozen=True, slots=True)
class LeakRow:
    """A line of the table."""

    arm: ArmName
    source: str
    sees: str
    cells: tuple[str, ...]
    shown: bool


@dataclass(frozen=True, slots=True)
class Training:
    """Arms that train alike; `kept` says what is left of the oracle's gain."""

    title: str
    rows: tuple[LeakRow, ...]
    kept: tuple[str, ...]


def leaks(results: Results) -> Section | None:
    """Arms by the source of their regions, if the sources differ."""
    arms, metric = arms_of(results), next(iter(metrics_of(results)), "")
    if len({source_of(arm) for arm in arms}) < 2 or not metric:
        return None
    told = standing_out(arms, metric)
    groups = trained_alike([a for a in arms if a.name in told or a.oracle], arms, results, metric)
    blocks = [
        Training(
            title, tuple(_row(s, results, metric) for s in members), tuple(kept_words(members))
        )
        for title, members in groups
    ]
    data = {"blocks": blocks, "metric": capital(metric_of(metric).title)}
    members = [s for _, group in groups for s in group]
    return Section("leaks", "Leaked against honest", leaks_title(members), data)


def source_of(arm: Arm) -> str:
    """Where the regions of an arm come from; an arm that says nothing has none."""
    return "oracle" if arm.oracle else str(arm.runs[0].get("regions") or "none")


def sees(arm: Arm) -> str:
    """What an arm may look at when it chooses and trains, in words."""
    run = arm.runs[0]
    seen = ["classes bought so far", SEES.get(source_of(arm), source_of(arm))]
    if source_of(arm) != "oracle" and trained_with(run) != "classes alone":
        seen.append("bought regions in training")
    return "; ".join([*seen, *_beside_the_pool(str(run.get("acquire") or ""))])


def trained_alike(
    drawn: Sequence[Arm], arms: Sequence[Arm], results: Results, metric: str
) -> list[tuple[str, list[Source]]]:
    """Arms grouped by how they train, sources in the order of `SOURCES`.

    Each is compared with the arm of its group that chooses at random, so that training adds
    nothing to the gain; without one, with the baseline of the study.
    """
    groups: dict[tuple[str, str], list[Arm]] = {}
    for arm in drawn:
        groups.setdefault(_training(arm), []).append(arm)
    made = []
    for training, members in groups.items():
        rival = _random_of([arm for arm in arms if _training(arm) == training]) or _random_of(arms)
        sources = [_source(arm, rival, results, metric) for arm in members]
        order = sorted(sources, key=lambda s: (SOURCES.index(s.source), s.arm.position))
        made.append((_title(training, rival), order))
    return made


def kept_words(members: Sequence[Source]) -> list[str]:
    """What honest arms keep of the gain of the oracle arm of the same strategy, in sentences."""
    said = []
    for oracle in (s for s in members if s.source == "oracle"):
        twins = [s for s in members if s.source != "oracle" and _strategy(s) == _strategy(oracle)]
        if oracle.gain is None or not oracle.gain.better:
            rival = "random choice" if oracle.rival is None else oracle.rival.shown
            p = "" if oracle.gain is None else f" (p (Holm) {p_words(oracle.gain.p_holm)})"
            said.append(
                f"{oracle.arm.shown} was not shown to be better than {rival}{p}: even hidden masks "
                "gave no gain that an honest source could keep."
            )
            continue
        said += [
            f"{twin.arm.shown} keeps {percent(share)} of the gain of {oracle.arm.shown}"
            f"{twin.mixed}."
            for twin in twins
            if (share := share_kept(twin, oracle)) is not None
        ]
    return said


def share_kept(honest: Source, oracle: Source) -> float | None:
    """The honest gain over the oracle's; None unless the oracle's is positive and was shown."""
    if oracle.gain is None or not oracle.gain.better or honest.gain is None:
        return None
    ours, theirs = honest.gain.gain, oracle.gain.gain
    return None if ours is None or not theirs else ours / theirs


def leaks_title(members: Sequence[Source]) -> str:
    """Whether there is a gain of hidden masks at all."""
    oracles = [s for s in members if s.source == "oracle"]
    if not oracles:
        return "No arm reads hidden masks; sources of regions side by side"
    gaining = [s for s in oracles if s.gain is not None and s.gain.better]
    if not gaining:
        return "Even with hidden masks no gain over random choice was shown"
    kept = [
        (share, twin)
        for oracle in gaining
        for twin in members
        if twin.source != "oracle"
        and _strategy(twin) == _strategy(oracle)
        and (share := share_kept(twin, oracle)) is not None
    ]
    if not kept:
        return "Hidden masks help; no honest arm of the same strategy is beside them"
    share, twin = max(kept, key=lambda pair: pair[0])
    return f"{twin.arm.shown} keeps {percent(share)} of what hidden masks would gain{twin.mixed}"


def _row(source: Source, results: Results, metric: str) -> LeakRow:
    entry = ((results.get("summary") or {}).get(source.arm.name) or {}).get(metric) or {}
    gain, test = None if source.gain is None else source.gain.difference, source.gain
    cells = (
        number(finite((entry.get("aubc") or {}).get("mean"))),
        number(finite((entry.get("final") or {}).get("mean"))),
        signed(gain),
        MISSING if test is None else p_words(test.p_holm),
    )
    shown = test is not None and test.better
    return LeakRow(arm_name(source.arm), source.source, sees(source.arm), cells, shown)


def _source(arm: Arm, rival: Arm | None, results: Results, metric: str) -> Source:
    test = None
    if rival is not None and rival.name != arm.name:
        test = contrast_between(results, metric, arm.name, rival.name)
    source = source_of(arm)
    return Source(arm, source if source in SOURCES else "none", rival, test)


def _random_of(arms: Sequence[Arm]) -> Arm | None:
    chance = [arm for arm in arms if arm.baseline or arm.runs[0].get("acquire") == "random"]
    return min(chance, key=lambda arm: (not arm.baseline, arm.position), default=None)


def _training(arm: Arm) -> tuple[str, str]:
    return asked_of(arm.runs[0]), trained_with(arm.runs[0])


def _title(training: tuple[str, str], rival: Arm | None) -> str:
    asked, how = training
    other = "" if rival is None or _training(rival) == training else ", which trains otherwise"
    beside = "" if rival is None else f"; gains over {rival.shown}{other}"
    return f"Expert gives {asked}; trained with {how}{beside}"


def _strategy(source: Source) -> tuple[str, str]:
    run = source.arm.runs[0]
    return str(run.get("acquire")), str(sorted((run.get("parameters") or {}).items()))


def _beside_the_pool(strategy: str) -> list[str]:
    try:
        known: Any = registry.get(strategy)
    except FovealError:  # a bandit, or a strategy of a plug-in that is not installed here
        return []
    places = {registry.located(need)[0] for need in (*known.needs, *known.optional)}
    return [
        words for place, words in (("val", VALIDATION), ("exemplar", EXEMPLARS)) if place in places
    ]
