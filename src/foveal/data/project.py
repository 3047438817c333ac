"""Project: the images that people read, loaded alike to be shown and to be learned from."""

from collections.abc import Collection as AnyCollection
from collections.abc import Mapping
from pathlib import Path

from foveal.core.pool import SIDES, Part, SampleId
from foveal.core.spec import DataSpec
from foveal.data.collection import Collection, Progress
from foveal.data.load import load_pool


def load_project(
    spec: DataSpec,
    folder: Path,
    progress: Progress | None = None,
    *,
    parts: Mapping[SampleId, Part] | None = None,
    classes: AnyCollection[str] | None = None,
    cache: Path | None = None,
) -> Collection:
    """All images of a project, read or not; what is held for validation is to be read too.

    Args:
        spec: of the project, its `source` seen from the folder.
        progress, cache: as for `load_pool`, which also tells what is raised.
        parts: those of a project that has begun: no image changes its side any more. What is left
            out has no side, and follows its patient.
        classes: of the project, where labels that the source has are to be taken in: names of
            folders are labels only if all are classes, for they may be those of patients.
    """
    sides = (
        None if parts is None else {i: SIDES[part] for i, part in parts.items() if part in SIDES}
    )
    return load_pool(
        spec.source,
        spec,
        folder,
        progress,
        cache=cache,
        blank_labels="keep_all",
        settled=sides,
        classes=classes,
        validation=False,
    )
