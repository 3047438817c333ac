"""Exports: a project's answers and its model as files, by the name of a format."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from foveal.annotate.images import ImageSource
from foveal.annotate.records import every_record, resolved_records
from foveal.core.errors import DataError, unknown_name
from foveal.core.pool import SIDES, Sample, SampleId, Side
from foveal.data.exchange.labels import (
    LabeledImage,
    from_coco,
    from_csv,
    from_cvat,
    from_label_studio,
    to_coco,
    to_csv,
    to_cvat,
    to_label_studio,
    to_masks,
)
from foveal.data.exchange.labels.record import Read
from foveal.store.archive import Packed, write_archive
from foveal.store.blobs import Blobs
from foveal.store.live import LiveState
from foveal.store.project import ProjectStore

JSON, TEXT, ZIP = "application/json", "text/csv; charset=utf-8", "application/zip"
IMPORTS: dict[str, Callable[[bytes], Read]] = {
    "csv": from_csv,
    "coco": from_coco,
    "label-studio": from_label_studio,
    "cvat": from_cvat,
}
MODEL_FILES = {
    "model": ("safetensors", "model.safetensors", "application/octet-stream"),
    "model-card": ("card", "MODEL_CARD.md", "text/markdown; charset=utf-8"),
    "model-onnx": ("onnx", "model.onnx", "application/octet-stream"),
}
FORMATS = ("csv", "coco", "label-studio", "cvat", "masks", "nifti", "dicom", *MODEL_FILES)


@dataclass(frozen=True, slots=True)
class File:
    """A file to be saved under `name`."""

    name: str
    media_type: str
    data: bytes


def exported(name: str, live: LiveState, images: ImageSource, blobs: Blobs) -> File:
    """A project in one of `FORMATS`.

    `csv` holds every answer, the others one for each case that counts.

    Raises:
        UnknownName: if there is no such format.
        DataError: if there is no model yet.
    """
    if name in MODEL_FILES:
        return _model_file(name, live, blobs)
    if name not in FORMATS:
        raise unknown_name("format", name, FORMATS)
    if name == "csv":
        return File("labels.csv", TEXT, to_csv(every_record(live, images, blobs)))
    pairs = list(resolved_records(live, images, blobs))
    records = [one for _, one in pairs]
    match name:
        case "coco":
            return File("coco.json", JSON, to_coco(records, live.classes))
        case "label-studio":
            return File("label-studio.json", JSON, to_label_studio(records))
        case "cvat":
            return File("cvat.xml", "application/xml", to_cvat(records, live.classes))
        case "masks":
            return File("masks.zip", ZIP, to_masks(_sided(pairs, live, images)))
        case _:
            return _volumes(name, pairs, images)


def archived(store: ProjectStore, images: ImageSource, path: Path, with_images: bool) -> Packed:
    """A whole project as a zip; see `store.archive.write_archive`."""
    collection = images.collection

    @cache
    def series_of(folder: Path) -> dict[str, tuple[Path, ...]]:
        from foveal.data.volumes.dicom import DicomFolders  # not at the top, as below

        return DicomFolders(collection.cache).files_by_token(folder)

    def series_files(folder: Path, token: str) -> tuple[Path, ...]:
        return series_of(folder).get(token, ())

    listing = [sample.uri for sample in collection.pool.samples]
    return write_archive(store, path, listing, series_files if with_images else None)


def _sided(
    pairs: Sequence[tuple[SampleId, LabeledImage]], live: LiveState, images: ImageSource
) -> Iterator[tuple[Sample, Side, LabeledImage]]:
    for i, one in pairs:
        yield images.sample(i), SIDES[live.parts[i]], one


def _volumes(
    name: str, pairs: Sequence[tuple[SampleId, LabeledImage]], images: ImageSource
) -> File:
    # Not at the top: these bring DICOM's libraries, which a project of PNG does without.
    from foveal.data.exchange.volumes import Drawn, to_dicom, to_nifti

    places = images.collection.places
    drawn = (Drawn(places[sample], one.image, str(one.label), one.region) for sample, one in pairs)
    if name == "nifti":
        return File("nifti.zip", ZIP, to_nifti(drawn))
    return File("dicom.zip", ZIP, to_dicom(drawn, images.collection.cache))


def _model_file(name: str, live: LiveState, blobs: Blobs) -> File:
    key, file, kind = MODEL_FILES[name]
    kept = live.trained[-1].details.get("exports", {}) if live.trained else {}
    if key not in kept:
        raise DataError(
            "there is no such file of a model yet; it is made after the first training"
            + (" (ONNX: by `foveal export PROJECT --format model-onnx`)" if key == "onnx" else "")
        )
    return File(file, kind, blobs.get(kept[key]))
