"""Plan: what a worker should do now, from a project's state alone; pure."""

from typing import Literal

from foveal.store.live import LiveState

Task = Literal["cold", "train", "ask", "wait"]
FEWEST_LABELS = 4


def next_task(live: LiveState, asked: bool) -> Task:
    """The one thing to do.

    cold: rank by the pretrained embedding, while nothing was read. train: enough was read since the
    last training. ask: a training has no query yet. wait: readers have enough.

    Args:
        asked: whether someone wants a training now.
    """
    if live.trained and trained_at_query(live) < len(live.trained):
        return "ask"
    new = live.labels_since_training()
    if trainable(live) and (new >= live.live.train_every or (asked and new > 0)):
        return "train"
    unread = not live.history or all(one.purpose == "imported" for one in live.history)
    if not live.trained and unread and len(live.queries) == 1 and not trainable(live):
        return "cold"
    return "wait"


def trainable(live: LiveState) -> bool:
    """Whether a model can be made: a few labels, of two classes unless regions teach."""
    lessons = live.lessons()
    apart = live.outlines or len({r.label for _, r in lessons}) > 1
    return len(lessons) >= FEWEST_LABELS and apart


def trained_at_query(live: LiveState) -> int:
    """How many trainings the last query knew of."""
    return int(live.details[-1].get("trainings", 0)) if live.details else 0
