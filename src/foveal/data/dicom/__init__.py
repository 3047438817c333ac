"""DICOM: a folder to series, a series to a volume or pictures, what was drawn on it to masks.

`find_series` lists the stacks of a folder. Of each stack of kind `image`:

- `volume` is True: `read_series` gives a `core.volume.Volume`, slice k of which is `places[k]`.
- `volume` is False (films, ultrasound, series with gaps): `read_stack` gives (n, H, W[, 3])
  values, picture k of which is `places[k]`; `read_series` raises with the reason.
- any single picture: `read_dicom_picture(files[file], frame)` with `file, frame = places[k]`.

Of kind `segmentation` and `structure_set`, `regions_of(series, on, images)` gives masks by name of
shape (I, J, K) = (columns, rows, pictures), on the grid of `read_series(images)` and, where that is
no volume, on that of `read_stack(images)` with its axes reversed. `other` is listed and not read.
Everything that cannot be read raises `Unreadable` with a kind and a sentence without patient data.
"""

from foveal.data.dicom.find import find_series
from foveal.data.dicom.headers import is_dicom
from foveal.data.dicom.read import (
    read_dicom_picture,
    read_series,
    read_stack,
    read_windowed_picture,
    read_windows,
)
from foveal.data.dicom.regions import (
    Regions,
    fractions_of,
    read_regions,
    region_names,
    regions_of,
)
from foveal.data.dicom.series import DicomSeries, Kind, Stack
from foveal.data.dicom.windows import Window, windowed

__all__ = [
    "DicomSeries",
    "Kind",
    "Regions",
    "Stack",
    "Window",
    "find_series",
    "fractions_of",
    "is_dicom",
    "read_dicom_picture",
    "read_regions",
    "read_series",
    "read_stack",
    "read_windowed_picture",
    "read_windows",
    "region_names",
    "regions_of",
    "windowed",
]
