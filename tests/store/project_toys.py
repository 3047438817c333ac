"""A small project for tests."""

from foveal.core.annotation import Annotation
from foveal.core.query import Query
from foveal.store.project import ProjectStore
from foveal.store.records import queried

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
