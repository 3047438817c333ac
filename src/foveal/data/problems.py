"""Problem: one thing wrong with one row of a source, listed instead of raised."""

from dataclasses import dataclass

WARNING_KINDS = frozenset(
    {
        "constant", "orientation", "conflict", "repeat", "box", "folders",
        "split", "tilt", "localizer", "no_geometry",  # of DICOM series
        "similarity",  # of pairs of scans
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where.

    `row` counts the rows of a table from 1, the header not counted; None for folders and arrays.
    `uri` is the image as the user wrote it. `kind` is one word to filter by; kinds in
    `WARNING_KINDS` leave the image usable.
    """

    row: int | None
    uri: str
    kind: str
    message: str

    def __str__(self) -> str:
        where = f"row {self.row}: " if self.row is not None else ""
        return f"{where}{self.uri or '(no image)'}: {self.message} [{self.kind}]"
