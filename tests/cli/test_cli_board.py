"""Board: what it shows of each run, and how long it thinks the rest will take."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from discs import disc_settings
from foveal.cli import board as boards
from foveal.cli.board import Board
from foveal.loop import Ended, Reached, runs_of

ARMS = [{"name": n, "set": {"acquire.strategy": "random"}} for n in ("[b]one[/b]", "two")]


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(boards.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def runs():
    return runs_of(disc_settings() | {"arms": ARMS, "seeds": 2}, Path("study"))


def shown(board):
    console = Console(file=io.StringIO(), width=100)
    console.print(board)
    return [line.strip() for line in console.file.getvalue().splitlines()]


def test_each_run_has_its_place(clock, runs):
    board = Board(runs)
    board.hear(runs[0], Reached(0, 0, None))
    board.hear(runs[0], Reached(2, 11, 0.75))
    board.hear(runs[1], Reached(0, 0, None))
    board.finished(runs[3], Ended(failure={"error": "broken"}))
    title, head, one, two = shown(board)
    assert title.startswith("1 of 4 runs")
    assert head.split() == ["arm", "seed", "0", "seed", "1"]
    assert one.split(maxsplit=1) == ["[b]one[/b]", "round 2: 11, 0.750"]
    assert two.split() == ["two", "begun", "failed"]


def test_an_arm_that_has_ended_leaves(clock, runs):
    board = Board(runs)
    for run in runs:
        if run.arm == "two":
            board.finished(run, Ended(record={}))
    assert [line.split()[0] for line in shown(board)] == ["2", "arm", "[b]one[/b]"]


def test_the_rest_is_told_from_the_pace_of_this_command_alone(clock, runs):
    board = Board(runs)  # 4 runs of 15 labels
    assert board.remaining_seconds() is None
    board.hear(runs[0], Reached(2, 11, 0.5))  # found so
    assert board.remaining_seconds() is None
    clock[0] = 8.0
    board.hear(runs[0], Reached(3, 15, 0.6))  # 4 labels in 8 seconds, 45 are to be bought
    assert board.remaining_seconds() == pytest.approx(90)
    assert "about 1 min to go" in shown(board)[0]
    board.finished(runs[1], Ended(failure={}))
    assert board.remaining_seconds() == pytest.approx(60)


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (59, "59 s"), (61, "1 min"), (3725, "1 h 2 min")]
)
def test_spans_are_told_in_the_units_that_matter(seconds, told):
    assert boards._span(seconds) == told
