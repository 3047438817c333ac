"""Windows: which values a reader sees as black and white, by PS3.3 C.11.2 (VOI LUT module)."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from foveal.core.arrays import AnyArray
from foveal.data.dicom.luts import Table, table_of
from foveal.data.readers.picture import Unreadable

Shape = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


@dataclass(frozen=True, slots=True)
class Window:
    """Center and width in units after the modality LUT, and the shape of the curve between.

    Raises:
        Unreadable: `tags` if numbers are not finite or the width is too small for its shape.
    """

    center: float
    width: float
    shape: Shape = "LINEAR"

    def __post_init__(self) -> None:
        if not _possible(self.center, self.width, self.shape):
            raise Unreadable(
                "tags",
                "a window must have a finite center and a positive width (1 or more if LINEAR), "
                f"but has {self.center:g} and {self.width:g}; give another one",
            )


def windowed(values: AnyArray, window: "Window | Table") -> NDArray[np.float32]:
    """Brightness in [0, 1] of values after the modality LUT; 1 is white (MONOCHROME2).

    Source:
        DICOM PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT).
    """
    if isinstance(window, Table):
        seen = window(values).astype(np.float64) / max(1, int(window.entries.max()))
        return seen.astype(np.float32)
    center, width = window.center, window.width
    x = values.astype(np.float64)
    if window.shape == "SIGMOID":
        # Far from the center the exponential has no room; there the curve is flat anyway.
        steep = np.clip(-4 * (x - center) / width, -500, 500)
        return (1 / (1 + np.exp(steep))).astype(np.float32)
    if window.shape == "LINEAR":
        center, width = center - 0.5, width - 1
    if width == 0:
        return (x > center).astype(np.float32)
    return np.clip((x - center) / width + 0.5, 0, 1).astype(np.float32)


def full_range(values: AnyArray) -> Window:
    """From the least to the greatest value of an image that names no window."""
    low, high = float(values.min()), float(values.max())
    return Window((low + high) / 2, high - low or 1.0, "LINEAR_EXACT")


def windows_of(
    data: Dataset, group: Dataset | None = None, shared: Dataset | None = None
) -> tuple["Window | Table", ...]:
    """All windows of a frame, in the file's order, then its tables; its own groups come first.

    Impossible windows (a width of 0, a center that is no number) are left out: they spoil the
    look of an image, not the image.
    """
    for source in (_voi(group), _voi(shared), data):
        if source is None:
            continue
        shape = _shape(source)
        ends = (_list(source.get("WindowCenter")), _list(source.get("WindowWidth")))
        given = [(float(c), float(w)) for c, w in zip(*ends, strict=False)]
        found: list[Window | Table] = [Window(*g, shape) for g in given if _possible(*g, shape)]
        found += [table_of(item, data) for item in source.get("VOILUTSequence") or []]
        if found:
            return tuple(found)
    return ()


def _possible(center: float, width: float, shape: Shape) -> bool:
    finite = bool(np.isfinite([center, width]).all())
    return finite and (width >= 1 if shape == "LINEAR" else width > 0)


def _shape(source: Dataset) -> Shape:
    named = str(source.get("VOILUTFunction") or "LINEAR").upper()
    if named == "LINEAR_EXACT":
        return "LINEAR_EXACT"
    return "SIGMOID" if named == "SIGMOID" else "LINEAR"


def _voi(group: Dataset | None) -> Dataset | None:
    items = group.get("FrameVOILUTSequence") if group is not None else None
    return items[0] if items else None


def _list(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) or not hasattr(value, "__len__") else list(value)
