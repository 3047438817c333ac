"""Maker: who DICOM files say they are by, how they are saved, and how refusals are told."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import highdicom as hd
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from foveal.core.errors import DataError
from foveal.core.files import write_whole

MAKER, MODEL, SERIAL = "Foveal", "Foveal", "0"
SEGMENTATION_SERIES, REPORT_SERIES, SALIENCY_SERIES = 900, 901, 902


def save_whole(data: Dataset, path: Path) -> None:
    """Write a data set as a DICOM file, whole or not at all."""
    content = io.BytesIO()
    data.save_as(content, enforce_file_format=True)
    write_whole(path, content.getvalue())


@contextmanager
def refusals_told(what: str) -> Iterator[None]:
    """A `DataError` for whatever highdicom refuses; its own words may quote a patient's tags."""
    try:
        yield
    except DataError:
        raise
    except AttributeError as error:
        tag = f" ({error.name})" if error.name else ""
        raise DataError(
            f"source images of {what} must tell study, patient and place, but a tag is "
            f"missing{tag}; export the original files, not converted ones"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{what} cannot be made of these source images; they break a rule of DICOM, export "
            "them again"
        ) from error


def algorithm(name: str = MODEL) -> Any:
    """How DICOM names the program behind a result."""
    family = codes.DCM.ArtificialIntelligence
    return hd.AlgorithmIdentificationSequence(name, family, version())


def version() -> str:
    """Of the installed package; "0" where it runs from a checkout that is not installed."""
    try:
        return metadata.version("foveal")
    except metadata.PackageNotFoundError:
        return "0"
