"""Images of a project: what a folder gives, with DICOM as de-identified copies in the project."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

MANIFEST = "pool.csv"
EXPECTED = ("label",)  # problems that images have which people are to label


def indexed(
    images: Path,
    project: Path,
    classes: Sequence[str],
    watcher: Callable[[str, int, int], None],
) -> tuple[Path, list[str]]:
    """The folder itself, or the project's table if the folder holds DICOM; and what is wrong in it.

    The table also has what it had before, so that more images can come.
    """
    from foveal.data.copies import copies_beside
    from foveal.data.index import index_source
    from foveal.data.manifest import write_manifest

    def copying(done: int, of: int) -> None:
        watcher("de-identifying DICOM files", done, of)

    manifest = project / MANIFEST
    earlier = [manifest] if manifest.is_file() else []
    clean = copies_beside(manifest, None, copying)
    rows, problems = index_source([*earlier, images], clean=clean, base=Path(), classes=classes)
    if not any(path.is_dir() for path in project.glob("pool_*")):
        return images, []  # the folder is read again, and what is wrong is found again
    write_manifest(rows, manifest)
    return manifest, [str(one) for one in problems if one.kind not in EXPECTED]


def tell(console: Console, lines: Sequence[str]) -> None:
    """Print lines as they are."""
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)
