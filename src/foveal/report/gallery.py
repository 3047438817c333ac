"""The gallery: what was asked in each round, why, and where the model looked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foveal.report.pictures import Panel, PanelReader
from foveal.report.reading import Arm, Results, arms_of, drawn_of, finite
from foveal.report.section import Section
from foveal.report.tables import ArmName, arm_name, text
from foveal.report.words import count, number, percent


@dataclass(frozen=True, slots=True)
class Card:
    """One case: its strip of three tiles and what is said about it."""

    id: str
    panel: Panel
    label: str
    predicted: str
    confidence: str
    scores: tuple[tuple[str, str], ...]
    why: str
    stands_for: str

    @property
    def disagree(self) -> bool:
        """Whether the model's class differs from the expert's."""
        return bool(self.label and self.predicted and self.label != self.predicted)


@dataclass(frozen=True, slots=True)
class GalleryRound:
    """The cases of one round; the first and the last round start unfolded."""

    number: int
    cards: tuple[Card, ...]
    unfolded: bool


@dataclass(frozen=True, slots=True)
class GalleryRun:
    """The rounds of one run."""

    arm: ArmName
    seed: str
    rounds: tuple[GalleryRound, ...]


def gallery(results: Results, read: PanelReader) -> Section | None:
    """Image strips per run and round; `read` turns a path into a panel."""
    told = drawn_of(results)
    runs = [
        GalleryRun(arm_name(arm), text(run.get("seed")), rounds)
        for arm in told
        for run in arm.runs
        if (rounds := _rounds(run, read))
    ]
    if not runs:
        return None
    cards = [card for run in runs for r in run.rounds for card in r.cards]
    title = _title(cards)
    left_out = len(arms_of(results)) - len(told)
    data = {"runs": runs, "left_out": left_out, "kind": _kind(told)}
    return Section("gallery", "Gallery", title, data)


def _kind(arms: Sequence[Arm]) -> str:
    """What panels show, by the first case: `map`, `outline` or `pair`."""
    for entry in (e for arm in arms for run in arm.runs for e in run.get("gallery") or ()):
        for case in entry.get("cases") or ():
            return str(case.get("kind", "map"))
    return "map"


def _rounds(run: Results, read: PanelReader) -> tuple[GalleryRound, ...]:
    entries = [e for e in run.get("gallery") or () if e.get("cases")]
    return tuple(
        GalleryRound(
            int(entry.get("round", i)),
            tuple(_card(case, read) for case in entry["cases"]),
            unfolded=i in (0, len(entries) - 1),
        )
        for i, entry in enumerate(entries)
    )


def _card(case: Mapping[str, Any], read: PanelReader) -> Card:
    path, confidence = case.get("panel"), finite(case.get("confidence"))
    scores = [(str(k).replace("_", " "), finite(v)) for k, v in (case.get("scores") or {}).items()]
    return Card(
        id=str(case.get("id", "")),
        panel=read(str(path)) if path else Panel(note="This case has no picture."),
        label=str(case.get("label") or ""),
        predicted=str(case.get("predicted") or ""),
        confidence="" if confidence is None else percent(confidence),
        scores=tuple((k, number(v, 2)) for k, v in scores if v is not None),
        why=str(case.get("why") or ""),
        stands_for=_represented(case.get("stands_for")),
    )


def _represented(among: object) -> str:
    """How many candidates a case stands for, itself aside."""
    others = among - 1 if isinstance(among, int) else 0
    return f"stands for {count(others, 'more candidate')}" if others > 0 else ""


def _title(cards: list[Card]) -> str:
    judged = [card for card in cards if card.label and card.predicted]
    if not judged:
        return f"{count(len(cards), 'case')} that the strategies asked for"
    wrong = sum(card.disagree for card in judged)
    return f"In {wrong} of {count(len(judged), 'case')} shown, the model and the expert disagreed"
