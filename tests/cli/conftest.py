"""The tiny data set, its cache, one thread, and a folder of a finished run."""

import pytest

from discs import cache_folder, discs, foveal, no_page, quiet, quiet_machine, write_spec

__all__ = ["cache_folder", "discs", "no_page", "quiet_machine"]


@pytest.fixture(scope="session")
def spec(discs, tmp_path_factory):
    """A spec file: two rounds of one epoch."""
    return write_spec(
        tmp_path_factory.mktemp("spec"),
        data__source=str(discs / "labels.csv"),
        train__epochs=1,
        labels=9,
    )


@pytest.fixture(scope="session")
def ran(spec, cache_folder, tmp_path_factory):
    """Folder and last words of `foveal run`; the folder is not to be written to."""
    folder = tmp_path_factory.mktemp("ran") / "monday"
    with quiet(cache_folder):
        return folder, foveal("run", spec, "--out", folder)
