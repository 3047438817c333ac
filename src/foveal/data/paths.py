"""Paths of a source made safe: contained in its folder, checked once a folder, and unpacked."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from foveal.core.errors import DataError
from foveal.core.files import safe_join
from foveal.data.readers import Place
from foveal.data.readers.npz import unpack
from foveal.data.volumes.address import Address, parse_address
from foveal.data.volumes.rows import Whole
from foveal.data.volumes.shelf import Shelf


class Paths:
    """Turns cells into places below `root`; remembers the folders it has checked."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root.resolve()
        self.cache = cache
        self.shelf = Shelf(cache)
        self._folders: dict[str, Path] = {}

    def place(self, written: str) -> Place:
        """The place of an image cell: a path, `file.npz#array:position`, or a volume's address.

        Relative paths must stay inside the root, links followed. An absolute path is taken as it
        is: whoever wrote it out meant it.

        Raises:
            DataError: if the path leaves the root, or an npz reference or address is malformed.
        """
        address = parse_address(written)
        if address is not None:
            return self.shelf.image(self.file(address.file), _one(address))
        return self._plain(written)

    def mask(self, written: str, image: Place) -> Place:
        """The place of a mask cell; a volume's mask must lie on the grid of `image`.

        Raises:
            DataError: as `place`; also if the grids differ.
        """
        address = parse_address(written)
        if address is not None:
            return self.shelf.mask(self.file(address.file), _one(address), image)
        return self._plain(written)

    def whole(self, written: str, masks: Sequence[str] = ()) -> Whole:
        """A whole volume and the whole masks drawn on it.

        Raises:
            DataError: if a mask is no volume, or is one picture of it; or as `place`.
        """
        volumes = [parse_address(name) for name in (written, *masks)]
        for name, address in zip((written, *masks), volumes, strict=True):
            if address is None or address.position is not None:
                raise DataError(f"the mask of a whole volume must be one too, but {name!r} is not")
        found = [(a, self.file(a.file)) for a in volumes if a is not None]
        return Whole(*found[0], tuple(found[1:]))

    def _plain(self, written: str) -> Place:
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
    """Series and position that make a sample's id.

    They are the path without `./`, npz name and part, or a volume's file and cut; of DICOM the
    series alone, wherever it lies.
    """
    address = parse_address(written)
    if address is not None:
        return address.series, address.position or 0
    file, mark, frame = written.partition("#")
    if mark and file.lower().endswith(".npz"):
        member, _, position = frame.rpartition(":")
        return npz_series(PurePosixPath(file).name, member), int(position)
    return str(PurePosixPath(written)), 0


def names_volume(written: str) -> bool:
    """Whether a cell names a whole volume; malformed addresses count as none."""
    try:
        address = parse_address(written)
    except DataError:
        return False
    return address is not None and address.position is None


def _one(address: Address) -> Address:
    if address.position is None:
        raise DataError(
            f"{address.written()!r} is a whole volume where one picture or tile is meant; name it, "
            "as in scan.nii.gz#k:12"
        )
    return address


def npz_series(name: str, member: str) -> str:
    """`pneumonia.npz:train` for array `train_images` of that file."""
    return f"{name}:{member.removesuffix('_images')}"
