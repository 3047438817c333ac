"""Grow: images that came since a project was made become candidates of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foveal.core.pool import Part, SampleId
from foveal.loop.bench import Watch, unwatched
from foveal.loop.live.init import check_classes, collection_of, project_spec, told_by
from foveal.store.live import added
from foveal.store.project import ProjectStore
from foveal.store.records import annotated


@dataclass(frozen=True, slots=True)
class Growth:
    """What came into a project: images to choose from, and of these, how many are read already.

    `left_out` are images of patients of the test part, which is frozen, and such as repeat an image
    of it: from them the model would learn what it is tested on.
    """

    candidates: int
    imported: int
    left_out: int
    problems: tuple[str, ...]


def grow_project(store: ProjectStore, watch: Watch = unwatched) -> Growth:
    """Look at a project's folder or table once more, and take in what is new there.

    The test part stays as it is. Labels and masks that the table has of new images count as read.
    Readers get new images once the last query is used up, and the model chooses among them from
    its next training on.

    Raises:
        DataError: if no image can be read, or labels are of other classes than the project's.
    """
    live = store.live()
    spec, classes = project_spec(store), live.classes
    collection = collection_of(spec, store.folder, watch, live.parts, classes)
    check_classes(collection.pool, live.live)
    new = [s for s in collection.pool.samples if s.id not in live.parts]
    candidates = [s for s in new if collection.pool.part(s.id) == "unlabeled"]
    parts: dict[SampleId, Part] = dict.fromkeys((s.id for s in new), "excluded")
    parts |= dict.fromkeys((s.id for s in candidates), "unlabeled")
    known = told_by(collection, candidates, spec, live.live, store.blobs)
    if new:
        entries: list[tuple[str, Mapping[str, Any]]] = [added(parts)]
        store.append(entries + [annotated(one) for one in known])
    return Growth(
        len(candidates),
        len(known),
        len(new) - len(candidates),
        tuple(map(str, collection.problems)),
    )
