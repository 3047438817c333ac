"""A small project for tests."""

from foveal.core.annotation import Annotation
from foveal.core.query import Query
from foveal.store.project import ProjectStore
from foveal.store.records import TrainedRound, queried, trained

PARTS = {f"s{n}": "test" if n >= 8 else "unlabeled" for n in range(10)}


class Clock:
    """A clock that tests set."""

    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now


def created(project, **live):
    return "created", {
        "project": project,
        "spec": {},
        "live": {"classes": ["no", "yes"], **live},
        "pool_digest": "",
        "classes": ["no", "yes"],
        "parts": PARTS,
        "receipt": {},
        "version": "",
    }


def new_project(folder, url="", clock=None, **live):
    """An open project that has asked for four samples."""
    store = ProjectStore.create(folder, url, clock or Clock())
    store.append([created(store.id, **live), queried(Query(("s0", "s1", "s2", "s3"), "random"))])
    return store


def answer(sample="s0", reader="ann", label=1, key="key-0000", **more):
    verdict = more.pop("verdict", "labeled" if label is not None else "skipped")
    return Annotation(sample, reader, verdict, label, key=key, **more)


def train(store):
    """A query and a training as the worker ends it: the model before the last one goes."""
    live = store.live()
    query = Query(("s1",), "margin", round=len(live.queries))
    model = store.blobs.put(b"model %d" % len(live.trained))
    details = {"lessons": 1, "until": live.length}
    record = TrainedRound(len(live.trained), model, "f", {}, details, {})
    store.append([queried(query), trained(record)])
    if len(live.trained) > 1:
        store.blobs.drop(live.trained[-2].checkpoint)
    return model


def after_trainings(store, does, times):
    """`does`, but before its first call so many trainings end."""
    waiting = [times]

    def slow(*given):
        for _ in range(waiting.pop() if waiting else 0):
            train(store)
        return does(*given)

    return slow
