"""`foveal pairs`: told what was done, and status 1 if anything was wrong."""

import pytest

from discs import foveal
from head_phantom import head, write


@pytest.fixture
def visits(tmp_path):
    write(tmp_path / "v" / "0.nii.gz", head(noise=15).voxels)
    write(tmp_path / "v" / "1.nii.gz", head(noise=15, seed=1, lesion=True).voxels)
    path = tmp_path / "v" / "pairs.csv"
    path.write_text("patient,baseline,followup,mask\nA,0.nii.gz,1.nii.gz,empty\n")
    return path


ALONE = ("--registration", "none", "--no-bias")


def test_pairs_are_prepared_and_told(visits, tmp_path):
    out = tmp_path / "out"
    ended = foveal("pairs", visits, "--out", out, *ALONE)
    assert (ended.status, ended.err) == (0, "")
    first, note, last = ended.out.splitlines()
    assert first.startswith("row 1: registration none, similarity 0.")
    assert note == "row 1: the mask is empty: no slice of this pair shows change"
    assert last.endswith(f"slices of 1 pairs in {out / 'pairs.csv'}; 0 problems.")
    again = foveal("pairs", visits, "--out", out, *ALONE)
    assert "prepared before" in again.out
    assert foveal("index", out / "pairs.csv", "--out", tmp_path / "p.csv").status in (0, 1)


def test_problems_end_with_status_1(visits, tmp_path):
    with visits.open("a") as file:
        file.write("B,0.nii.gz,gone.nii.gz,\n")
    ended = foveal("pairs", visits, "--out", tmp_path / "out", *ALONE)
    assert ended.status == 1
    assert "row 2: gone.nii.gz: the follow-up does not exist" in ended.out
    assert ended.out.splitlines()[-1].endswith("1 problems.")


def test_what_is_no_table_is_told(tmp_path):
    ended = foveal("pairs", tmp_path / "no.csv", "--out", tmp_path / "out")
    assert ended.status == 2
    assert "must be a CSV table" in ended.err
