"""Shelf: volumes by address, each unpacked once; where images lie and whether masks fit them."""

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from foveal.core.errors import DataError
from foveal.core.volume import Axis, facing_of
from foveal.data.readers.nifti import check_time, read_nifti, read_nifti_header
from foveal.data.readers.picture import Place, Unreadable
from foveal.data.readers.stack import StackFacts, stack_facts
from foveal.data.volumes.address import LETTERS, Address
from foveal.data.volumes.unpack import mask_stack, stack_of, stack_path, unpacked

if TYPE_CHECKING:
    from foveal.data.volumes.dicom import DicomFolders


@dataclass(slots=True)
class Shelf:
    """Remembers what it has unpacked, and what could not be, so that no file is read twice."""

    cache: Path
    _stacks: dict[tuple[Path, Address, str], Path | Unreadable] = field(default_factory=dict)
    _folders: "DicomFolders | None" = None

    @property
    def folders(self) -> "DicomFolders":
        """DICOM folders that were looked through."""
        if self._folders is None:
            try:
                from foveal.data.volumes.dicom import DicomFolders
            except ImportError as error:
                raise DataError(
                    "DICOM files need pydicom and highdicom, which are not installed; run "
                    "`pip install foveal[volumes]`"
                ) from error
            self._folders = DicomFolders(self.cache)
        return self._folders

    def settled(self, path: Path, address: Address) -> Address:
        """The address with the axis that pictures are cut across, where the header tells it."""
        if address.token or address.tile or address.axis is not None:
            return address
        axes: tuple[Axis, Axis, Axis] = (0, 1, 2)
        return replace(address, axis=axes[facing_of(read_nifti_header(path).affine).axis])

    def image(self, path: Path, address: Address) -> Place:
        """The place of a picture, a tile or, without position, of a whole volume.

        Raises:
            Unreadable: if the volume cannot be read.
            StoreError: if the cache cannot be written.
        """
        stack = self._once(path, address, "image")
        return Place(stack, address.position, path, address.member, address.tile)

    def mask(self, path: Path, address: Address, image: Place) -> Place:
        """The place of a mask on the grid of `image`, cut as that is.

        Raises:
            Unreadable: if the mask cannot be read, or lies on another grid.
            StoreError: if the cache cannot be written.
        """
        on = str(image.path) if address.token else "mask"
        stack = self._once(path, address, on, image)
        if image.of_volume:
            check_grids(stack_facts(image.path), stack_facts(stack))
            if (address.tile, address.position) != (image.tile, image.position):
                raise Unreadable(
                    "mask_grid",
                    "the mask must be the same picture or tile as its image, but is another one",
                )
        return Place(stack, address.position, path, address.member, address.tile)

    def _once(self, path: Path, address: Address, on: str, image: Place | None = None) -> Path:
        key = (path, replace(address, file="", position=None, tile=min(address.tile, 1)), on)
        if key not in self._stacks:
            try:
                self._stacks[key] = self._unpack(path, address, image)
            except Unreadable as error:
                self._stacks[key] = error
        found = self._stacks[key]
        if isinstance(found, Unreadable):
            raise found
        return found

    def _unpack(self, path: Path, address: Address, image: Place | None) -> Path:
        if address.token and image is None:
            return self.folders.image(path, address)
        if address.token and image is not None:
            return self.folders.mask(path, address, image)
        return unpack_nifti(path, address, image is not None, self.cache)


def unpack_nifti(path: Path, address: Address, is_mask: bool, cache: Path) -> Path:
    """The stack of a NIfTI file, as pictures or as a mask.

    Raises:
        Unreadable: if the file cannot be used.
        StoreError: if the cache cannot be written.
    """
    header = read_nifti_header(path)
    check_time(header, address.time)
    axis: Axis | None = address.axis
    cut = LETTERS[facing_of(header.affine, axis).axis]
    if not is_mask:
        target = stack_path(cache, [path], f"nifti {cut} {address.time}")
        return unpacked(target, lambda: stack_of(read_nifti(path, address.time), axis))
    target = stack_path(cache, [path], f"nifti mask {cut} {address.time} {address.label}")
    return unpacked(target, lambda: mask_stack(read_nifti(path, address.time), axis, address.label))


@functools.lru_cache(maxsize=4096)  # asked for each picture of a volume
def check_grids(image: StackFacts, mask: StackFacts) -> None:
    """Raise `Unreadable` unless a mask lies on its image's grid and is cut across the same axis."""
    if image.shape[:3] != mask.shape[:3] or image.axis != mask.axis:
        raise Unreadable(
            "mask_grid",
            f"the mask must have its image's grid, {_sizes(image)}, but has {_sizes(mask)}; "
            "resample it to the image",
        )
    here, there = image.frame(), mask.frame()
    if here and there and not here.same_grid(there):
        raise Unreadable(
            "mask_grid",
            "the mask must lie where its image lies, but its affine says another place; resample "
            "it to the image, or correct its header",
        )


def _sizes(facts: StackFacts) -> str:
    cut = f" cut across {LETTERS[facts.axis]}"
    return " x ".join(map(str, facts.grid or facts.shape)) + cut
