"""Regions of slices go back onto the grid of their scan, where other readers find them again."""

import csv
import hashlib
import io
import zipfile
from dataclasses import replace

import nibabel as nib
import numpy as np
import pydicom
import pytest

from dicom_files import oblique, write_series
from foveal.core.errors import DataError
from foveal.core.spec import DataSpec
from foveal.data import load_pool
from foveal.data.exchange.volumes import Drawn, to_dicom, to_nifti
from foveal.data.index import index_source
from foveal.data.manifest import write_manifest
from nifti_files import noise, write_nifti

SPEC = DataSpec(source="", image_size=16, leaks="report", val_fraction=0.0, test_fraction=0.0)
SHAPE = (20, 18, 12)


def spot(shape, seed):
    """A region that no turning or flipping leaves as it is."""
    region = np.zeros(shape, bool)
    rng = np.random.default_rng(seed)
    y, x = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    region[y : y + 5, x : x + 3] = region[y + 4, x : x + 7] = True
    return region


def drawn_on(loaded, positions):
    """A region on each of some slices, of two classes in turn."""
    samples = {s.position: s for s in loaded.pool.samples}
    return [
        Drawn(
            loaded.places[samples[k].id],
            samples[k].uri,
            ("cyst", "lesion")[i % 2],
            spot(loaded.original(samples[k].id).shape[:2], k),
        )
        for i, k in enumerate(positions)
    ]


def unzipped(data, folder):
    """The folder of the one volume of an archive, and its line of the table."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    text = (folder / "volumes.csv").read_text()
    (line,) = csv.DictReader(io.StringIO(text))
    assert "scan" not in text
    return folder / line["folder"], line


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_nifti_masks_lie_where_the_slices_were_cut(tmp_path, cache, axis):
    affine = oblique(angles=(0.35, -0.26, 0.6), spacing=(0.7, 0.9, 3.0))
    write_nifti(tmp_path / "scan.nii.gz", noise(SHAPE), affine)
    (tmp_path / "pool.csv").write_text(f"image\nscan.nii.gz#{axis}\n")
    loaded = load_pool(tmp_path / "pool.csv", SPEC, cache=cache, blank_labels="keep_all")
    parts = drawn_on(loaded, (1, 4, 5, 8))
    folder, line = unzipped(to_nifti(parts), tmp_path / "out")
    assert (line["slices"], line["classes"]) == ("4", "1 cyst; 2 lesion")
    assert line["folder"] == hashlib.sha256(f"scan.nii.gz#{axis}".encode()).hexdigest()[:12]
    labels = nib.load(folder / "labels.nii.gz")
    np.testing.assert_array_equal(labels.affine, nib.load(tmp_path / "scan.nii.gz").affine)
    # Read again as a mask of the same scan, by the way that every mask takes.
    (tmp_path / "again.nii.gz").write_bytes((folder / "labels.nii.gz").read_bytes())
    (tmp_path / "again.csv").write_text(f"image,mask\nscan.nii.gz#{axis},again.nii.gz\n")
    again = load_pool(tmp_path / "again.csv", SPEC, cache=cache, blank_labels="keep_all")
    told = {part.address: part.region for part in parts}
    for sample in again.pool.samples:
        region = again.truth.region(sample.id)
        np.testing.assert_array_equal(region, told.get(sample.uri, np.zeros_like(region)))


def test_dicom_segments_lie_where_the_slices_were_cut(tmp_path, cache):
    affine = oblique(angles=(0.17, 0.44, -0.5), spacing=(0.7, 0.9, 2.5))
    write_series(tmp_path / "scan", noise(SHAPE, low=0, high=900, dtype=np.uint16), affine)
    rows, _ = index_source([tmp_path / "scan"], cache=cache)
    write_manifest(rows, tmp_path / "pool.csv")
    loaded = load_pool(tmp_path / "pool.csv", SPEC, cache=cache, blank_labels="keep_all")
    parts = drawn_on(loaded, (2, 3, 7))
    folder, line = unzipped(to_dicom(parts, cache), tmp_path / "out")
    assert line["classes"] == "cyst; lesion"
    report = pydicom.dcmread(folder / "sr.dcm")
    assert report.Modality == "SR"
    # Beside its series it is found and read as that series' mask.
    (tmp_path / "scan" / "seg.dcm").write_bytes((folder / "seg.dcm").read_bytes())
    rows, _ = index_source([tmp_path / "scan"], cache=cache)
    write_manifest(rows, tmp_path / "again.csv")
    again = load_pool(tmp_path / "again.csv", SPEC, cache=cache, blank_labels="keep_all")
    told = {part.place.position: part.region for part in parts}
    assert len(again.pool) == SHAPE[2]
    for sample in again.pool.samples:
        region = again.truth.region(sample.id)
        np.testing.assert_array_equal(region, told.get(sample.position, np.zeros_like(region)))


def test_classes_of_any_name_are_told(tmp_path, cache):
    write_nifti(tmp_path / "scan.nii", noise(SHAPE))
    (tmp_path / "pool.csv").write_text("image\nscan.nii#k\n")
    loaded = load_pool(tmp_path / "pool.csv", SPEC, cache=cache, blank_labels="keep_all")
    (part,) = drawn_on(loaded, (3,))
    named = replace(part, label='large, "odd"')
    _, line = unzipped(to_nifti([named]), tmp_path / "out")
    assert line["classes"] == '1 large, "odd"'


def test_pictures_of_no_volume_go_back_into_none(tmp_path, cache):
    from PIL import Image

    Image.fromarray(noise((20, 20), low=0, high=255, dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "pool.csv").write_text("image\na.png\n")
    loaded = load_pool(tmp_path / "pool.csv", SPEC, cache=cache, blank_labels="keep_all")
    (sample,) = loaded.pool.samples
    drawn = [Drawn(loaded.places[sample.id], sample.uri, "x", np.ones((20, 20), bool))]
    with pytest.raises(DataError, match="NIfTI volumes only"):
        to_nifti(drawn)
    with pytest.raises(DataError, match="DICOM series only"):
        to_dicom(drawn, cache)


def test_a_region_of_another_size_is_refused(tmp_path, cache):
    write_nifti(tmp_path / "scan.nii", noise(SHAPE))
    (tmp_path / "pool.csv").write_text("image\nscan.nii#k\n")
    loaded = load_pool(tmp_path / "pool.csv", SPEC, cache=cache, blank_labels="keep_all")
    (part,) = drawn_on(loaded, (3,))
    wrong = Drawn(part.place, part.address, part.label, np.ones((5, 5), bool))
    with pytest.raises(DataError, match="slice's size"):
        to_nifti([wrong])
