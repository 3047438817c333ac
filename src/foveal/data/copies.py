"""Copies beside a manifest: what an index reads instead of the DICOM files it is given."""

from collections.abc import Callable
from pathlib import Path

from foveal.data.facts import Progress
from foveal.data.problems import Problem


def copies_beside(
    manifest: Path, mapping: Path | None = None, progress: Progress | None = None
) -> Callable[[Path], tuple[Path, list[Problem]]]:
    """A function from a folder of DICOM files to the one that is to be read instead.

    That is `NAME_dicom` beside the manifest `NAME.csv`, with de-identified copies; or the folder
    itself where it holds such copies already.

    Args:
        mapping: the file with the key and the names; see `deidentified`.
        progress: called with files looked at and all.
    """

    def clean(folder: Path) -> tuple[Path, list[Problem]]:
        # Not at the top: pydicom is not needed where there is no DICOM.
        from foveal.data.deidentify import deidentified, is_deidentified

        if is_deidentified(folder):
            return folder, []

        out = manifest.with_name(f"{manifest.stem}_dicom")
        _, problems = deidentified(folder, out, mapping=mapping, progress=progress)
        return out, problems

    return clean
