"""Addresses: how a table names one picture or one tile of a volume, or the whole of it.

    scan.nii.gz#k:12            picture 12 of those cut across index axis k (or i, or j)
    scan.nii.gz#k@2:12          the same, of time point 2 of a 4-D file
    scan.nii.gz#tile32:7        tile 7 of the grid of 32 x 32 x 32 blocks
    mask.nii.gz#k=3:12          as a mask: label 3 of a label map; without `=3`, all but label 0
    scans#TOKEN:12              picture 12 of a DICOM series below folder `scans`, as acquired;
                                TOKEN (16 hexadecimal digits) names the series and tells nothing
                                of the patient
    scans#TOKEN.i:12            cut across index axis i; `scans#TOKEN.tile32:7` is a tile
    scans#TOKEN/liver:12        as a mask: the region `liver` of the SEG or RTSTRUCT that TOKEN
                                names; without `/liver`, all its regions

A region's name is percent-encoded where it holds `%`, `#`, `|`, `:` or `/`. Without `:12` an
address means the whole volume (`scan.nii.gz`, `scans#TOKEN`, `mask.nii.gz#=3`): a row of the table
then stands for all its pictures or tiles.
"""

import functools
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from foveal.core.errors import DataError
from foveal.core.volume import Axis
from foveal.data.readers.nifti import is_nifti

AXES: dict[str, Axis] = {"i": 0, "j": 1, "k": 2}
LETTERS = "ijk"
MIN_TILE, MAX_TILE = 16, 256
PLAIN = " ()[]{}+-_.,;!&'=<>*^~@$?"  # what a region's name may hold as it is
_CUT = r"(?P<axis>[ijk])|tile(?P<tile>\d{1,4})"
_NIFTI = re.compile(rf"(?:{_CUT})?(?:@(?P<time>\d{{1,9}}))?(?:=(?P<label>\d{{1,9}}))?")
_TOKEN = re.compile(r"[0-9a-f]{16}(?:[.:/]|$)")
_DICOM = re.compile(rf"(?P<token>[0-9a-f]{{16}})(?:\.(?:{_CUT}))?(?:/(?P<region>.+))?")


@dataclass(frozen=True, slots=True)
class Address:
    """One picture, tile (`tile` is its side, 0 for pictures) or, without position, all of them.

    `axis` is the index axis that pictures are cut across, None for the usual one. `token` names a
    DICOM series, whose folder is `file`; it is "" for NIfTI. `label` and `region` say which part
    of a mask is meant: None and "" for all.
    """

    file: str
    position: int | None = None
    axis: Axis | None = None
    tile: int = 0
    time: int | None = None
    label: int | None = None
    token: str = ""
    region: str = ""

    @property
    def member(self) -> str:
        """What stands between `#` and the position."""
        cut = f"tile{self.tile}" if self.tile else "" if self.axis is None else LETTERS[self.axis]
        if self.token:
            region = f"/{quote(self.region, safe=PLAIN)}" if self.region else ""
            return self.token + (f".{cut}" if cut else "") + region
        time = "" if self.time is None else f"@{self.time}"
        label = "" if self.label is None else f"={self.label}"
        return cut + time + label

    @property
    def series(self) -> str:
        """What all pictures of one volume share; with the position it makes a sample's id."""
        part = replace(self, label=None, region="").member
        return part if self.token else f"{PurePosixPath(self.file)}#{part}"

    def written(self) -> str:
        """The address as a table holds it."""
        member = self.member
        mark = f"#{member}" if member else ""
        return self.file + (mark if self.position is None else f"#{member}:{self.position}")


@functools.lru_cache(maxsize=4096)  # a cell is looked at several times
def parse_address(written: str) -> Address | None:
    """The address that a cell holds; None if it names no volume.

    Raises:
        DataError: if it names a volume, but not in the grammar above.
    """
    if is_nifti(written):
        return Address(written)
    file, mark, part = written.rpartition("#")
    if is_nifti(file):
        return _parsed(written, file, part, _NIFTI)
    # Names of image files may hold `#` too, so that what begins with no token is no address.
    if mark and _TOKEN.match(part) and not file.lower().endswith(".npz"):
        return _parsed(written, file, part, _DICOM)
    return None


def _parsed(written: str, file: str, part: str, grammar: "re.Pattern[str]") -> Address:
    head, mark, tail = part.rpartition(":")
    position = int(tail) if mark and tail.isdigit() and len(tail) < 10 else None
    member = part if position is None else head
    found = grammar.fullmatch(member)
    if found is None:
        raise _malformed(written)
    cells = found.groupdict()
    tile = int(cells["tile"] or 0)
    cut = cells["axis"] is not None or tile > 0
    if tile and not MIN_TILE <= tile <= MAX_TILE:
        raise DataError(f"the side of a tile must be {MIN_TILE} to {MAX_TILE}, not {tile}")
    if position is not None and not cut and "token" not in cells:
        raise _malformed(written)
    return Address(
        file=file,
        position=position,
        axis=AXES.get(cells["axis"] or ""),
        tile=tile,
        time=_number(cells.get("time")),
        label=_number(cells.get("label")),
        token=cells.get("token") or "",
        region=unquote(cells.get("region") or ""),
    )


def _number(cell: str | None) -> int | None:
    return None if cell is None else int(cell)


def _malformed(written: str) -> DataError:
    return DataError(
        f"{written!r} must read like scan.nii.gz#k:12, scan.nii.gz#tile32:7 or scans#TOKEN:12"
    )
