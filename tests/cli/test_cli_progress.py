"""Progress: one bar at a time, gone when its work is done."""

import io

from rich.console import Console

from foveal.cli.progress import watching


def test_one_bar_is_reused_and_taken_away():
    console = Console(file=io.StringIO(), force_terminal=True)
    with watching(console) as (progress, watcher):
        watcher("reading images", 1, 3)
        (task,) = progress.tasks
        assert (task.description, task.completed, task.total) == ("reading images", 1, 3)
        watcher("reading images", 2, 3)
        assert [t.completed for t in progress.tasks] == [2]
        watcher("training", 1, 9)
        assert [t.description for t in progress.tasks] == ["training"]
        watcher("training", 9, 9)
        assert not progress.tasks
        watcher("training", 1, 9)
        assert [t.completed for t in progress.tasks] == [1]


def test_nothing_is_left_in_a_pipe():
    out = io.StringIO()
    with watching(Console(file=out)) as (progress, watcher):
        watcher("reading images", 1, 3)
        progress.console.print("done")
    assert out.getvalue() == "done\n"
