"""DICOM as a source: series cut to slices and tiles, what is drawn on them, and no names told."""

import dataclasses
import shutil
import sys

import numpy as np
import pydicom
import pytest

from dicom_files import PATIENT, oblique, write_segmentation, write_series, write_structures
from foveal.core.errors import DataError
from foveal.core.spec import DataSpec
from foveal.core.volume import facing_of
from foveal.data import index_source, load_pool, write_manifest
from foveal.data.dicom import find_series
from foveal.data.readers import read_mask, read_picture
from foveal.data.sources import read_source
from foveal.data.volumes.cutting import Cutting
from foveal.data.volumes.dicom import DicomFolders
from foveal.data.volumes.folders import dicom_source
from nifti_files import ball, noise, write_nifti

AFFINE = oblique((0.1, 0.2, 0.0), (0.7, 0.8, 2.5), (10, 20, 30))
SHAPE = (18, 17, 6)
SPEC = DataSpec(source="", image_size=16, intensity="percentile", val_fraction=0.5)


def lesion(center):
    return ball(SHAPE, center, 2) > 0


LEFT, RIGHT = lesion((4, 4, 1)), lesion((13, 12, 4))


def write_patient(folder, name):
    """A series of one patient, with a segmentation of two regions drawn on it."""
    tags = {"series": f"{name} ct", "study": name, "PatientID": f"{PATIENT['PatientID']} {name}"}
    voxels = noise(SHAPE, sum(map(ord, name)), 0, 1000)
    paths = write_series(folder / name, voxels, AFFINE, **tags)
    write_segmentation(folder / name / "seg.dcm", paths, {"left": LEFT, "right|a:b": RIGHT})
    return voxels


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    return folder, {name: write_patient(folder, name) for name in ("anna", "bert")}


def turned(voxels):
    return facing_of(AFFINE, 2).stack(voxels)


def read(folder, cache, **cutting):
    return dicom_source(folder, cache, Cutting(**cutting))


def test_slices_are_the_images_in_order_with_the_union_of_regions(scans, cache):
    folder, volumes = scans
    rows, problems = read(folder, cache)
    assert not problems
    assert len(rows) == 12
    assert len({row.group for row in rows}) == len({row.series for row in rows}) == 2
    union = turned(LEFT | RIGHT)
    for name, of in zip(("anna", "bert"), (rows[:6], rows[6:]), strict=True):
        for k, row in enumerate(of):
            assert (row.position, row.extra["modality"]) == (k, "CT")
            assert row.spacing_mm == pytest.approx((2.5, 0.8, 0.7))
            pixels = read_picture(row.image).pixels
            np.testing.assert_array_equal(pixels, turned(volumes[name])[k])
            np.testing.assert_array_equal(read_mask(row.region.masks), union[k])
            assert row.label == ("finding" if union[k].any() else "none")


def test_regions_may_be_chosen_by_name(scans, cache):
    folder, _ = scans
    for names, mask in (
        (("left",), LEFT),
        (("right|a:b",), RIGHT),
        (("left", "right|a:b", "other"), LEFT | RIGHT),
    ):
        rows, problems = read(folder, cache, regions=names)
        assert not problems
        for row in rows[:6]:
            want = turned(mask)[row.position]
            np.testing.assert_array_equal(read_mask(row.region.masks), want)
    rows, _ = read(folder, cache, regions=("other",))
    assert not any(row.region or row.label for row in rows)


def test_the_manifest_of_a_folder_is_the_folder_and_names_nobody(scans, cache):
    folder, _ = scans
    for cutting in ({}, {"unit": "tile", "tile": 16}, {"axis": 0}, {"regions": ("right|a:b",)}):
        rows, problems = index_source([folder], cache=cache, cutting=Cutting(**cutting))
        assert not problems
        write_manifest(rows, folder / "pool.csv")
        text = (folder / "pool.csv").read_text()
        assert "SECRET" not in text
        assert "Secret" not in text
        again, problems = read_source(folder / "pool.csv", cache)
        assert not problems
        assert [dataclasses.replace(row, number=None, uri="", extra={}) for row in again] == [
            dataclasses.replace(row, uri="", extra={}) for row in rows
        ]


def test_ids_do_not_depend_on_where_and_how_files_lie(scans, cache, tmp_path):
    folder, _ = scans
    rows, _ = read(folder, cache)
    (tmp_path / "moved" / "x").mkdir(parents=True)
    for n, path in enumerate(sorted(folder.rglob("*.dcm"), reverse=True)):
        path.rename(tmp_path / "moved" / "x" / f"{n:03}")
    moved, problems = read(tmp_path / "moved", cache)
    assert not problems
    assert {(r.id, r.group, r.label) for r in moved} == {(r.id, r.group, r.label) for r in rows}


def test_a_pool_of_tiles_of_dicom(scans, cache):
    folder, _ = scans
    rows, _ = index_source([folder], cache=cache, cutting=Cutting("tile", 16))
    write_manifest(rows, folder / "pool.csv")
    loaded = load_pool(folder / "pool.csv", SPEC, cache=cache)
    assert not loaded.problems
    assert loaded.pixels().read(np.array([0])).shape == (1, 1, 16, 16, 16)
    total = sum(loaded.truth.region(s.id).sum() for s in loaded.pool.samples)
    assert total == 2 * (LEFT | RIGHT).sum()


def test_a_structure_set_is_a_mask_too(tmp_path, cache):
    folder = tmp_path / "scans"
    paths = write_series(folder, noise(SHAPE, 1, 0, 1000), AFFINE)
    corners = np.array([(3, 3, 2), (9, 3, 2), (9, 8, 2), (3, 8, 2)], float)
    at = (np.c_[corners, np.ones(4)] @ AFFINE.T)[:, :3] * (-1, -1, 1)
    write_structures(folder / "rt.dcm", paths, [("box", [(2, at)])])
    rows, problems = read(folder, cache)
    assert not problems
    assert [row.label for row in rows] == ["none", "none", "finding", "none", "none", "none"]
    mask = read_mask(rows[2].region.masks)
    assert mask.sum() == pytest.approx(6 * 5, abs=12)
    inside = facing_of(AFFINE, 2).unstack(np.repeat(mask[None], 6, axis=0))
    assert inside[6, 5].all()


def test_films_are_pictures_without_a_grid(tmp_path, cache):
    folder = tmp_path / "films"
    paths = write_series(folder, noise((18, 17, 2), 1, 0, 1000), AFFINE, modality="DX")
    for path in paths:
        data = pydicom.dcmread(path)
        for tag in ("ImagePositionPatient", "ImageOrientationPatient"):
            if tag in data:
                delattr(data, tag)
        data.save_as(path)
    rows, problems = read(folder, cache)
    assert [row.position for row in rows] == [0, 1]
    assert all(len(row.spacing_mm) in (0, 2) for row in rows)
    rows, problems = read(folder, cache, unit="tile", tile=16)
    assert not rows
    assert problems


def test_a_nifti_mask_may_be_drawn_on_a_series(scans, cache):
    folder, _ = scans
    rows, _ = read(folder, cache)
    write_nifti(folder / "m.nii.gz", LEFT.astype(np.uint8), AFFINE)
    write_nifti(folder / "far.nii.gz", LEFT.astype(np.uint8), oblique(spacing=(1, 1, 9)))
    token = rows[0].series
    lines = [f".#{token},m.nii.gz,p", f".#{rows[6].series},far.nii.gz,q"]
    (folder / "t.csv").write_text("\n".join(["image,mask,patient", *lines]))
    found, problems = read_source(folder / "t.csv", cache)
    assert [(p.row, p.kind) for p in problems] == [(2, "mask_grid")]
    for row in found[:6]:
        np.testing.assert_array_equal(read_mask(row.region.masks), turned(LEFT)[row.position])
    assert [row.id for row in found] == [row.id for row in rows]


def test_addresses_that_name_nothing_are_told(scans, cache):
    folder, _ = scans
    rows, _ = read(folder, cache)
    token, drawn = rows[0].series, rows[0].region.masks[0].member.partition(".")[0]
    write_nifti(folder / "a.nii", noise(SHAPE), AFFINE)
    cells = {
        f".#{token}:0,.#{drawn}/left:0": None,
        f".#{token}:1,.#{drawn}/none:1": "missing",
        f".#{token}:2,.#{token}:2": "not_regions",
        ".#0123456789abcdef:1,": "missing",
        f".#{drawn}:1,": "not_image",
        f"none#{token}:1,": "missing",
        f".#{token}/left:3,": "format",
        f"a.nii#k:1,.#{drawn}:1": "mask_grid",
    }
    (folder / "t.csv").write_text("\n".join(["image,mask", *cells]))
    _, problems = read_source(folder / "t.csv", cache)
    told = {p.row: p.kind for p in problems}
    assert told == {i: kind for i, kind in enumerate(cells.values(), 1) if kind}
    assert not any("SECRET" in str(p) or "Secret" in str(p) for p in problems)


def test_headers_are_read_again_only_if_a_file_changed(scans, cache, monkeypatch):
    folder, _ = scans
    first = read(folder, cache)
    calls = []

    def counted(*args):
        calls.append(args)
        return find_series(*args)

    monkeypatch.setattr("foveal.data.volumes.listing.find_series", counted)
    assert read(folder, cache) == first
    assert not calls
    (listing,) = (cache / "series").iterdir()
    listing.write_text(listing.read_text()[:-9])
    assert read(folder, cache) == first
    assert len(calls) == 1
    (folder / "anna" / "005.dcm").unlink()
    rows, _ = read(folder, cache)
    assert len(calls) == 2
    assert len(rows) == 11


def test_files_of_a_series_are_found_by_the_same_token_without_the_others(scans, tmp_path, cache):
    folder, _ = scans
    # One series of two stacks, which are told apart only where both are there.
    for name, size in (("front", (10, 9, 3)), ("side", (8, 12, 3))):
        write_series(folder / name, noise(size, 1, 0, 9), AFFINE, prefix=name, series="both")
    found = {one.token: one for one in find_series(folder)[0]}
    files = DicomFolders(cache).files_by_token(folder)
    assert files.keys() == found.keys()
    assert len(found) == 6
    for number, (token, paths) in enumerate(files.items()):
        for path in paths:
            to = tmp_path / str(number) / path.relative_to(folder)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
        alone = {one.token: one for one in find_series(tmp_path / str(number))[0]}
        assert len(alone[token].files) == len(found[token].files)
        if found[token].kind == "image":
            assert len(alone) == (2 if found[token].frames == 3 else 1)


def test_damage_is_told_and_the_rest_goes_on(scans, cache):
    folder, _ = scans
    for path in (folder / "anna" / "003.dcm", folder / "bert" / "seg.dcm"):
        path.write_bytes(path.read_bytes()[:300])
    rows, problems = read_source(folder, cache)
    assert {p.uri.partition("#")[0] for p in problems} >= {"anna/003.dcm", "bert/seg.dcm"}
    assert len({row.group for row in rows}) == 2


def test_a_folder_of_plain_pictures_needs_no_dicom(make, cache, tmp_path, monkeypatch):
    make("set/x/a.png")
    monkeypatch.setitem(sys.modules, "foveal.data.volumes.dicom", None)
    rows, problems = read_source(tmp_path / "set", cache)
    assert (len(rows), problems) == (1, [])
    (tmp_path / "set" / "a.dcm").write_bytes(bytes(200))
    with pytest.raises(DataError, match=r"pip install foveal\[volumes\]"):
        read_source(tmp_path / "set", cache)
