"""Progress on the terminal: bars for what runs now, beside a board of what else there is."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Watcher:
    """Shows what (done of n) for whatever is being done; one bar is reused."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._what = ""

    def __call__(self, what: str, done: int, of: int) -> None:
        """Show progress of `what`."""
        if self._task is None or what != self._what:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task, self._what = self._progress.add_task(what, total=of), what
        self._progress.update(self._task, completed=done, total=of)
        if done >= of:
            self._progress.remove_task(self._task)
            self._task = None


@contextmanager
def watching(
    console: Console, board: RenderableType | None = None
) -> Iterator[tuple[Progress, Watcher]]:
    """A display that leaves nothing behind; in a pipe or a file there is none at all.

    Args:
        board: stands above the bars and is drawn anew all the time.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=console)
    watcher = Watcher(progress)
    if not console.is_interactive:
        yield progress, watcher
        return
    shown = progress if board is None else Group(board, progress)
    with Live(shown, console=console, transient=True, refresh_per_second=4):
        yield progress, watcher
