"""Paths of a source made safe: contained in its folder, checked once a folder, npz unpacked."""

from pathlib import Path, PurePosixPath

from foveal.core.errors import DataError
from foveal.core.files import safe_join
from foveal.data.readers import Place
from foveal.data.readers.npz import unpack


class Paths:
    """Turns cells into places below `root`; remembers the folders it has checked."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root.resolve()
        self.cache = cache
        self._folders: dict[str, Path] = {}

    def place(self, written: str) -> Place:
        """The place of an image or mask cell: a path, or `file.npz#array:position`.

        Relative paths must stay inside the root, links followed. An absolute path is taken as it
        is: whoever wrote it out meant it.

        Raises:
            DataError: if the path leaves the root or an npz reference is malformed.
        """
        file, mark, frame = written.partition("#")
        if mark and file.lower().endswith(".npz"):
            return self._frame(file, frame)
        return Place(self.file(written))

    def file(self, written: str) -> Path:
        """The path of a cell; it need not exist."""
        pure = PurePosixPath(written)
        if Path(written).is_absolute() and "\0" not in written:
            return Path(written)
        if ".." in pure.parts or "\0" in written:
            return safe_join(self.root, written)
        folder = str(pure.parent)
        if folder not in self._folders:
            self._folders[folder] = safe_join(self.root, folder)
        path = self._folders[folder] / pure.name
        return safe_join(self.root, written) if path.is_symlink() else path

    def _frame(self, file: str, frame: str) -> Place:
        member, _, position = frame.rpartition(":")
        if not member or not position.isdigit():
            raise DataError(f"{file}#{frame} must read like images.npz#train_images:0")
        path = self.file(file)
        if not path.is_file():
            raise DataError(f"{file!r} does not exist; correct the path or restore it")
        key = f"{file}#{member}"
        if key not in self._folders:
            self._folders[key] = unpack(path, member, self.cache)
        return Place(self._folders[key], int(position), path, member)


def series_of(written: str) -> tuple[str, int]:
    """Series and position that make a sample's id: the path without `./`, or npz name and part."""
    file, mark, frame = written.partition("#")
    if mark and file.lower().endswith(".npz"):
        member, _, position = frame.rpartition(":")
        return npz_series(PurePosixPath(file).name, member), int(position)
    return str(PurePosixPath(written)), 0


def npz_series(name: str, member: str) -> str:
    """`pneumonia.npz:train` for array `train_images` of that file."""
    return f"{name}:{member.removesuffix('_images')}"
