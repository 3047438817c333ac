"""`foveal index` on volumes: options reach the manifest, problems the exit status."""

import csv

import numpy as np
import pytest

from discs import foveal
from nifti_files import ball, noise, write_nifti


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    for i in (1, 2):
        write_nifti(folder / f"patient{i}" / "t1.nii.gz", noise(seed=i))
        write_nifti(folder / f"patient{i}" / "t1_mask.nii.gz", ball())
    return folder


def manifest(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_slices_are_the_default(scans, tmp_path):
    out = tmp_path / "pool.csv"
    ended = foveal("index", scans, "--out", out)
    said = f"2 volumes of 2 patients: 10 slices.\n10 images in {out}; 0 problems.\n"
    assert ended == (0, said, "")
    rows = manifest(out)
    assert rows[2]["image"] == "scans/patient1/t1.nii.gz#k:2"
    assert rows[2]["mask"] == "scans/patient1/t1_mask.nii.gz#k:2"
    assert (rows[2]["label"], rows[2]["patient"]) == ("finding", "patient1")
    assert rows[2]["spacing_mm"] == "3x0.7x0.8"


@pytest.mark.parametrize(
    ("options", "image", "count"),
    [
        (("--unit", "tile", "--tile", "16"), "tile16:0", 2),
        (("--unit", "tile"), "tile32:0", 2),
        (("--axis", "i"), "i:0", 12),
        (("--axis", "auto", "--unit", "slice"), "k:0", 10),
    ],
)
def test_options_cut_volumes(scans, tmp_path, options, image, count):
    ended = foveal("index", scans, *options, "--out", tmp_path / "pool.csv")
    assert ended.status == 0, ended
    rows = manifest(tmp_path / "pool.csv")
    assert rows[0]["image"].endswith(f"#{image}")
    assert len(rows) == count


def test_films_need_a_time_point(tmp_path):
    write_nifti(tmp_path / "f" / "film.nii", noise((6, 7, 5, 3)))
    refused = foveal("index", tmp_path / "f", "--out", tmp_path / "pool.csv")
    assert refused.status == 1
    assert "4-D where 3-D is meant" in refused.out
    ended = foveal("index", tmp_path / "f", "--time-point", "1", "--out", tmp_path / "pool.csv")
    assert "5 slices" in ended.out
    assert manifest(tmp_path / "pool.csv")[0]["image"].endswith("film.nii#k@1:0")


@pytest.mark.parametrize(
    "options",
    [("--unit", "cube"), ("--tile", "3"), ("--axis", "z"), ("--unit", "tile", "--axis", "i")],
)
def test_options_that_make_no_sense_are_refused(scans, tmp_path, options):
    ended = foveal("index", scans, *options, "--out", tmp_path / "pool.csv")
    assert ended.status == 2
    assert not (tmp_path / "pool.csv").exists()


def test_a_torn_volume_is_told_and_the_others_are_listed(scans, tmp_path):
    torn = scans / "patient1" / "t1.nii.gz"
    torn.write_bytes(torn.read_bytes()[:-50])
    ended = foveal("index", scans, "--out", tmp_path / "pool.csv")
    assert ended.status == 1
    assert "patient1/t1.nii.gz: the NIfTI file is cut off or damaged" in ended.out
    assert len(manifest(tmp_path / "pool.csv")) == 5
    assert np.unique([row["patient"] for row in manifest(tmp_path / "pool.csv")]) == "patient2"
