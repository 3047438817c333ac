"""Volumes of real files: what nibabel and the data's own tables say of them."""

import csv

import nibabel as nib
import numpy as np
import pytest

from foveal.core.spec import DataSpec
from foveal.data import index_source, load_pool, write_manifest
from foveal.data.readers.nifti import read_nifti
from foveal.data.readers.stack import stack_of_tiles
from foveal.data.sources import read_source
from foveal.data.volumes.cutting import Cutting

pytestmark = pytest.mark.data
PATIENTS = ("patient01", "patient03", "patient12", "patient19")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """One cache for the module: volumes are unpacked once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def sclerosis(real, tmp_path):
    """Manifest of the follow-up FLAIR of each patient, the changed lesions as masks."""
    folder = real / "longitudinal_ms"
    lines = [
        f"{folder}/{p}/followup_FLAIR.nii.gz,{folder}/{p}/change_mask.nii.gz,{p}" for p in PATIENTS
    ]
    path = tmp_path / "ms.csv"
    path.write_text("\n".join(["image,mask,patient", *lines]))
    return path


def changed(real):
    """Pixels of change of each slice, as the data's table lists them."""
    with (real / "longitudinal_ms" / "slices.csv").open() as file:
        return {(r["patient"], int(r["z"])): int(r["change_px"]) for r in csv.DictReader(file)}


def test_slices_of_sclerosis_are_those_of_the_table(real, sclerosis, kept):
    spec = DataSpec(source="", image_size=64, intensity="percentile")
    loaded = load_pool(sclerosis, spec, cache=kept)
    want = changed(real)
    assert not loaded.problems
    assert len(loaded.pool.samples) == len(want) == 190
    for sample in loaded.pool.samples:
        patient = sample.series.split("/")[-2]
        label = loaded.pool.classes[loaded.truth.label(sample.id)]
        pixels = want[patient, sample.position]
        assert loaded.truth.region(sample.id).sum() == pixels
        assert label == ("finding" if pixels else "none")
        assert sample.spacing_mm == pytest.approx((3, 0.719, 0.719), abs=1e-3)
    assert loaded.receipt.groups_known == 4
    assert loaded.pool.counts()["excluded"] == 0
    assert sum(loaded.receipt.near.values()) == 0
    assert loaded.pixels().read(np.arange(4)).shape == (4, 1, 64, 64)


def test_tiles_of_sclerosis_hold_every_changed_voxel_once(real, sclerosis, kept):
    rows, problems = index_source([sclerosis], cache=kept, cutting=Cutting("tile", 32))
    assert not problems
    write_manifest(rows, sclerosis.with_name("tiles.csv"))
    spec = DataSpec(source="", image_size=32, intensity="percentile")
    loaded = load_pool(sclerosis.with_name("tiles.csv"), spec, cache=kept)
    regions = [loaded.truth.region(s.id).sum() for s in loaded.pool.samples]
    assert sum(regions) == sum(changed(real).values()) == 2264 + 2768 + 2614 + 15685
    first = [s for s in loaded.pool.samples if "patient01" in s.series]
    masks = np.stack([loaded.truth.region(s.id) for s in first])
    path = real / "longitudinal_ms" / "patient01" / "change_mask.nii.gz"
    voxels = np.asarray(nib.load(path).dataobj)
    shape = (43, 254, 198)
    assert stack_of_tiles(masks, shape).sum(axis=(1, 2)).tolist() == voxels.sum((0, 1)).tolist()
    assert loaded.pixels().solid


def test_both_visits_of_a_patient_stay_on_one_side(real, kept):
    rows, problems = read_source(real / "longitudinal_ms", kept)
    assert {row.group for row in rows} == set(PATIENTS)
    assert {p.kind for p in problems} == {"mask_alone"}  # named `change_mask`, not after an image
    assert len(rows) == 380


@pytest.mark.parametrize("name", ["anatomical.nii", "someones_anatomy.nii.gz"])
def test_samples_of_nibabel(real, name):
    path = real / "dicom_nifti_samples" / "nibabel" / name
    read, image = read_nifti(path), nib.load(path)
    np.testing.assert_array_equal(read.voxels, image.get_fdata().astype(np.float32))
    np.testing.assert_allclose(read.affine, image.affine)


@pytest.mark.parametrize(("name", "times"), [("example4d.nii.gz", 2), ("functional.nii", 20)])
def test_films_of_nibabel(real, kept, name, times):
    path = real / "dicom_nifti_samples" / "nibabel" / name
    voxels = nib.load(path).get_fdata().astype(np.float32)
    assert voxels.shape[3] == times
    np.testing.assert_array_equal(read_nifti(path, times - 1).voxels, voxels[..., -1])
    rows, problems = read_source(path, kept)
    assert (rows, [p.kind for p in problems]) == ([], ["4d"])


def test_segments_of_the_liver(real, kept):
    folder = real / "dicom_nifti_samples" / "dcmqi"
    rows, problems = read_source(folder, kept, cutting=Cutting(regions=("Liver",)))
    assert {p.kind for p in problems} == {"mask_alone"}  # the labelmap's and the PET's images
    assert [row.label for row in rows] == ["finding"] * 3
    assert rows[0].image.member == rows[1].series
