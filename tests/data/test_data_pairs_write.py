"""Pairs written: the manifest loads, what is whole is not made again, what is broken is told."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from dicom_files import write_series
from foveal.core.errors import DataError
from foveal.data import load_pool
from foveal.data.pairs import PairSettings, decoded_difference, prepare, prepare_pairs, read_pairs
from head_phantom import grid, head, lesion_mask, rigid, write

QUICK = PairSettings(registration="none", bias=False)


@pytest.fixture
def scans(tmp_path, table):
    """Two patients: one with a new lesion, one whose second scan is stable."""
    for name, lesion in (("A", True), ("B", False)):
        for point in (0, 1):
            volume = head(noise=15, seed=ord(name) + point, lesion=lesion and point == 1)
            write(tmp_path / name / f"{point}.nii.gz", volume.voxels)
    write(tmp_path / "A" / "change.nii.gz", lesion_mask().astype(np.uint8))
    return table(
        "patient,baseline,followup,mask,baseline_date,followup_date,split",
        "A,A/0.nii.gz,A/1.nii.gz,A/change.nii.gz,2020-01-01,2021-01-01,train",
        "B,B/0.nii.gz,B/1.nii.gz,empty,,,test",
        name="pairs.csv",
    )


def rows_of(out):
    with (out / "pairs.csv").open() as file:
        return list(csv.DictReader(file))


def stamps(out):
    return {p.name: p.stat().st_mtime_ns for p in out.iterdir() if p.name != "pairs.csv"}


def test_the_manifest_names_every_slice_and_loads_as_a_pool(scans, tmp_path, cache):
    done, problems = prepare_pairs(scans, tmp_path / "out", QUICK)
    assert not problems
    rows = rows_of(tmp_path / "out")
    assert len(rows) == sum(d.record["facts"]["slices"] for d in done) > 30
    lesion = lesion_mask().any(axis=(0, 1))
    for row in rows:
        changed = row["patient"] == "A" and lesion[int(row["position"])]
        assert row["label"] == ("change" if changed else "none")
        assert (row["mask"] == "empty") == (not changed)
        assert row["spacing_mm"] == "6x4x4"
    assert {(r["patient"], r["split"], r["time"]) for r in rows} == {
        ("A", "train", "366"), ("B", "test", "")
    }  # fmt: skip
    loaded = load_pool(tmp_path / "out" / "pairs.csv", cache=cache)
    assert not [p for p in loaded.problems if p.kind not in ("repeat", "constant")]
    assert len(loaded.pool.samples) == len(rows)
    marked = [s for s in loaded.pool.samples if loaded.truth.region(s.id).any()]
    assert len(marked) == lesion.sum()


def test_the_lesion_is_brighter_where_it_is_and_faces_the_reader(scans, tmp_path):
    pair = read_pairs(scans)[0][0]
    prepared = prepare(pair, QUICK)
    slices = prepared.slices
    change = decoded_difference(slices.images)
    inside = slices.masks.astype(bool)
    assert change[inside].mean() > 0.3
    assert abs(change[~inside]).mean() < 0.05
    rows, columns = np.nonzero(inside.any(axis=0))
    # The lesion lies right (+38 mm) and anterior (+20 mm): left on the screen, and up.
    assert columns.mean() < slices.images.shape[2] / 2 < slices.images.shape[2]
    assert rows.mean() < slices.images.shape[1] / 2
    assert not prepared.notes
    np.testing.assert_array_equal(
        slices.to_voxels(slices.masks, (40, 46, 26)).astype(bool), lesion_mask()
    )


def test_a_moved_head_shows_the_lesion_only_after_registration(tmp_path, table):
    moved = rigid((5, -3, 6), (6, -4, 5))
    write(tmp_path / "0.nii.gz", head(noise=15).voxels)
    write(tmp_path / "1.nii.gz", head(moved, noise=15, seed=1, lesion=True).voxels)
    write(tmp_path / "m.nii.gz", lesion_mask().astype(np.uint8))
    path = table("patient,baseline,followup,mask", "A,0.nii.gz,1.nii.gz,m.nii.gz")
    (pair,), _ = read_pairs(path)
    found = {}
    for kind in ("none", "rigid"):
        prepared = prepare(pair, PairSettings(registration=kind, bias=False))
        change, inside = decoded_difference(prepared.slices.images), prepared.slices.masks > 0
        found[kind] = change[inside].mean() / np.abs(change[~inside]).mean()
        facts = prepared.facts
    assert found["rigid"] > 3 * found["none"]
    assert facts["similarity_after"] > facts["similarity_before"]
    matrix = np.array(facts["baseline_to_followup_ras_mm"])
    np.testing.assert_allclose(matrix[:3, 3], (6, -4, 5), atol=0.5)


def test_nothing_is_prepared_twice_and_what_changed_is(scans, tmp_path):
    out = tmp_path / "out"
    first, _ = prepare_pairs(scans, out, QUICK)
    before, manifest = stamps(out), (out / "pairs.csv").read_bytes()
    again, _ = prepare_pairs(scans, out, QUICK)
    assert stamps(out) == before
    assert (out / "pairs.csv").read_bytes() == manifest
    assert all(d.seconds > 0 for d in first)
    assert all(d.seconds == 0 for d in again)
    write(tmp_path / "B" / "1.nii.gz", head(noise=15, seed=99).voxels)
    changed, _ = prepare_pairs(scans, out, QUICK)
    assert [d.seconds > 0 for d in changed] == [False, True]
    other, _ = prepare_pairs(scans, out, dataclasses.replace(QUICK, match="histogram"))
    assert all(d.seconds > 0 for d in other)


@pytest.mark.parametrize("damage", ["npz", "json", "gone"])
def test_a_damaged_pair_is_prepared_again(scans, tmp_path, damage):
    out = tmp_path / "out"
    first, _ = prepare_pairs(scans, out, QUICK)
    images = {d.name: np.load(out / f"{d.name}.npz")["pairs_images"] for d in first}
    broken = out / f"{first[0].name}.{'json' if damage == 'json' else 'npz'}"
    if damage == "gone":
        broken.unlink()
    else:
        broken.write_bytes(broken.read_bytes()[:-100])
    again, _ = prepare_pairs(scans, out, QUICK)
    assert [d.seconds > 0 for d in again] == [True, False]
    for name, array in images.items():
        np.testing.assert_array_equal(np.load(out / f"{name}.npz")["pairs_images"], array)


def test_a_pair_stopped_half_way_leaves_nothing_that_counts(scans, tmp_path, monkeypatch):
    import foveal.data.pairs.write as module

    out = tmp_path / "out"
    real, calls = module.write_whole, []

    def stop(path, data):
        calls.append(path)
        if len(calls) == 2:  # the images are there, their record is not
            raise KeyboardInterrupt
        real(path, data)

    monkeypatch.setattr(module, "write_whole", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare_pairs(scans, out, QUICK)
    monkeypatch.setattr(module, "write_whole", real)
    done, _ = prepare_pairs(scans, out, QUICK)
    assert [d.seconds > 0 for d in done] == [True, True]


def test_the_table_is_never_overwritten(scans):
    before = scans.read_bytes()
    with pytest.raises(DataError, match="must not overwrite"):
        prepare_pairs(scans, scans.parent, QUICK)
    assert scans.read_bytes() == before


def test_names_and_records_hold_no_patient(scans, tmp_path):
    text = scans.read_text().replace("A,A/", "Jane,A/")
    scans.write_text(text)
    done, problems = prepare_pairs(scans, tmp_path / "out", QUICK)
    assert not problems
    for path in (tmp_path / "out").iterdir():
        assert "Jane" not in path.name
        if path.suffix == ".json":
            assert b"Jane" not in path.read_bytes()
    assert "Jane" not in str(done[0])


def test_every_broken_pair_is_told_and_the_good_one_is_there(scans, tmp_path, table):
    write(tmp_path / "4d.nii.gz", np.stack([head().voxels] * 2, axis=3))
    write(tmp_path / "shifted.nii.gz", lesion_mask().astype(np.uint8), grid() + np.eye(4, k=3) * 9)
    write(tmp_path / "flat.nii.gz", np.ones((40, 46, 26), np.float32))
    write(tmp_path / "dark.nii.gz", np.zeros((40, 46, 26), np.uint8))
    (tmp_path / "torn.nii.gz").write_bytes((tmp_path / "A/1.nii.gz").read_bytes()[:5000])
    write(tmp_path / "same.nii.gz", head(noise=15, seed=ord("A")).voxels)
    path = table(
        "patient,baseline,followup,mask,brain",
        "A,A/0.nii.gz,4d.nii.gz,,",
        "A,A/0.nii.gz,A/1.nii.gz,shifted.nii.gz,",
        "A,A/0.nii.gz,torn.nii.gz,,",
        "A,A/0.nii.gz,same.nii.gz,,",
        "A,A/0.nii.gz,flat.nii.gz,,",
        "A,A/0.nii.gz,A/1.nii.gz,,dark.nii.gz",
        "B,B/0.nii.gz,B/1.nii.gz,dark.nii.gz,",
    )
    done, problems = prepare_pairs(path, tmp_path / "out", QUICK)
    told = {p.row: p.message for p in problems}
    assert sorted(told) == [1, 2, 3, 4, 5, 6]
    for row, words in enumerate(
        ("4-D", "must lie on the baseline's grid", "cut off or damaged", "hold the same voxels",
         "must differ in brightness", "brain mask must hold a brain"), 1
    ):  # fmt: skip
        assert words in told[row]
    assert [d.pair.row for d in done] == [7]
    assert done[0].record["notes"] == [
        ["empty_mask", "the mask is empty: no slice of this pair shows change"]
    ]
    assert {r["mask"] for r in rows_of(tmp_path / "out")} == {"empty"}


def dicom(folder, volume, **tags):
    write_series(folder, np.rint(volume.voxels).astype(np.int16), volume.affine, **tags)


def test_folders_of_dicom_series_are_scans_too(tmp_path, table):
    scans = [head(noise=15), head(noise=15, seed=1, lesion=True)]
    for n, volume in enumerate(scans):
        dicom(tmp_path / f"d{n}", volume, series=f"s{n}")
        write(tmp_path / f"{n}.nii.gz", np.rint(volume.voxels).astype(np.int16))
    dicom(tmp_path / "other", scans[1], series="s2", PatientID="SECRET-2")
    (tmp_path / "none").mkdir()
    write(tmp_path / "m.nii.gz", lesion_mask().astype(np.uint8))
    path = table(
        "patient,baseline,followup,mask",
        "A,d0,d1,m.nii.gz",
        "A,0.nii.gz,1.nii.gz,m.nii.gz",
        "A,d0,other,",
        "A,d0,none,",
    )
    done, problems = prepare_pairs(path, tmp_path / "out", QUICK)
    ours, theirs = (np.load(tmp_path / "out" / f"{d.name}.npz") for d in done)
    for name in ("pairs_images", "pairs_masks"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    told = {p.row: p.message for p in problems}
    assert "their DICOM files name two" in told[3]
    assert "must hold one DICOM series" in told[4]
    assert "SECRET" not in str(told)
    again, _ = prepare_pairs(path, tmp_path / "out", QUICK)
    assert all(d.seconds == 0 for d in again)


def test_a_stranger_is_noticed(tmp_path, table):
    rng = np.random.default_rng(0)
    write(tmp_path / "0.nii.gz", head(noise=15).voxels)
    write(tmp_path / "1.nii.gz", rng.permutation(head(noise=15, seed=2).voxels, axis=0))
    path = table("patient,baseline,followup", "A,0.nii.gz,1.nii.gz")
    done, problems = prepare_pairs(path, tmp_path / "out", QUICK)
    assert [p.kind for p in problems] == ["similarity"]
    assert "must show one patient" in problems[0].message
    assert len(done) == 1
    row = rows_of(tmp_path / "out")[0]
    assert (row["label"], row["mask"]) == ("", "")


def test_a_record_is_plain_json_with_the_grid(scans, tmp_path):
    done, _ = prepare_pairs(scans, tmp_path / "out", QUICK)
    record = json.loads((tmp_path / "out" / f"{done[0].name}.json").read_text())
    np.testing.assert_allclose(record["facts"]["affine_ras_mm"], grid())
    assert record["facts"]["shape"] == [40, 46, 26]
    assert record["facts"]["slices"] + record["facts"]["slices_left_out"] == 26
    assert record["settings"] == {"registration": "none", "bias": False, "match": "zscore"}


@pytest.mark.data
def test_a_real_patient(real, tmp_path):
    (pair, *_), problems = read_pairs(real / "longitudinal_ms" / "pairs.csv")
    assert not problems
    prepared = prepare(pair, QUICK)
    assert prepared.slices.masks.sum() == 2264  # the README's change voxels
    assert (prepared.slices.masks.sum(axis=(1, 2)) > 0).sum() == 13
    change = decoded_difference(prepared.slices.images)
    assert np.abs(change[prepared.slices.masks > 0]).mean() > 4 * np.abs(change).mean()
    assert prepared.slices.spacing_mm == pytest.approx((3, 0.719, 0.719), abs=1e-3)
