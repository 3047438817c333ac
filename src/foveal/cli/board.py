"""Board: where each run of a comparison stands, arms by seeds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.table import Table
from rich.text import Text

from foveal.loop import Ended, Reached, Run


@dataclass(slots=True)
class Place:
    """Where one run stands; `found` labels were there when it was opened."""

    reached: Reached | None = None
    found: int = 0
    ended: bool = False
    failed: bool = False


class Board:
    """Hears of rounds and of ends, and draws itself whenever it is asked to.

    Arms of which every run has ended leave the board, so that it stays small.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = {_key(run): run for run in runs}
        self._places = {key: Place() for key in self._runs}
        self._began = time.monotonic()

    def hear(self, run: Run, reached: Reached) -> None:
        """A run was opened, or a round of it has ended."""
        place = self._places[_key(run)]
        if place.reached is None:
            place.found = reached.labels
        place.reached = reached

    def finished(self, run: Run, ended: Ended) -> None:
        """A run has ended, well or not."""
        place = self._places[_key(run)]
        place.ended, place.failed = True, ended.failure is not None

    def remaining_seconds(self) -> float | None:
        """At the pace of the labels bought since this command began; None before the first."""
        bought = sum(p.reached.labels - p.found for p in self._places.values() if p.reached)
        if bought <= 0:
            return None
        return (time.monotonic() - self._began) / bought * self._to_buy()

    def __rich__(self) -> Group:
        seeds = sorted({seed for _, seed, _ in self._runs})
        table = Table(box=None)
        table.add_column("arm")
        for seed in seeds:
            table.add_column(f"seed {seed}", no_wrap=True)
        for arm in dict.fromkeys(arm for arm, *_ in self._runs):
            row = [self._of(arm, seed) for seed in seeds]
            if not all(place.ended for places in row for place in places):
                table.add_row(Text(arm), *map(_cell, row))
        return Group(self._title(), table)

    def _of(self, arm: str, seed: int) -> list[Place]:
        """Places of an arm and seed: one, or one for each fold."""
        return [place for key, place in self._places.items() if key[:2] == (arm, seed)]

    def _title(self) -> Text:
        ended = sum(place.ended for place in self._places.values())
        told = f"{ended} of {len(self._places)} runs"
        left = self.remaining_seconds()
        return Text(f"{told}, about {_span(left)} to go" if left else told)

    def _to_buy(self) -> int:
        rest = 0
        for key, place in self._places.items():
            if not place.ended:
                have = place.reached.labels if place.reached else 0
                rest += self._runs[key].spec.labels - have
        return max(rest, 0)


def _key(run: Run) -> tuple[str, int, int | None]:
    return run.arm, run.spec.seed, run.spec.data.fold


def _cell(places: Sequence[Place]) -> Text:
    if not places:
        return Text("-")
    if len(places) > 1:
        ended = sum(place.ended for place in places)
        failed = any(place.failed for place in places)
        return Text(f"{ended} of {len(places)} folds", "red" if failed else "")
    (place,) = places
    if place.failed:
        return Text("failed", "red")
    if place.reached is None or not place.reached.rounds:
        return Text("" if place.reached is None else "begun", "dim")
    rounds, labels, value = place.reached
    figure = "" if value is None else f", {value:.3f}"
    return Text(f"round {rounds}: {labels}{figure}", "green" if place.ended else "")


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{rest} s"
