"""`foveal index`: a manifest of what can be used, and a list of what cannot."""

import csv
import json

import pytest
from PIL import Image

from discs import disc_settings, foveal, write_discs


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A data set with one torn image, one missing image, and one mask of another size."""
    folder = write_discs(tmp_path_factory.mktemp("broken") / "data [new]")
    torn = folder / "train05.png"
    torn.write_bytes(torn.read_bytes()[:200])
    (folder / "train07.png").unlink()
    Image.new("L", (32, 32), 255).save(folder / "masks" / "train09.png")
    return folder


def test_a_sound_source_ends_with_status_0(discs, tmp_path):
    ended = foveal("index", discs / "labels.csv", "--out", tmp_path / "pool.csv")
    assert ended == (0, f"38 images in {tmp_path / 'pool.csv'}; 0 problems.\n", "")


def test_problems_are_listed_as_written_and_end_with_status_1(broken, tmp_path):
    ended = foveal("index", broken / "labels.csv", "--out", tmp_path / "pool.csv")
    assert ended.status == 1
    *listed, last = ended.out.splitlines()
    assert last == f"36 images in {tmp_path / 'pool.csv'}; 3 problems."
    for line, name, kind in zip(
        listed,
        ("train05", "train07", "train09"),
        ("unreadable", "missing", "mask_size"),
        strict=True,
    ):
        assert f"{name}.png: " in line
        assert line.endswith(f"[{kind}]")


@pytest.mark.parametrize("name", ["pool.csv", "pool.parquet"])
def test_a_run_works_on_what_index_wrote(broken, tmp_path, no_page, name):
    manifest = tmp_path / "lists" / name
    foveal("index", broken / "labels.csv", "--out", manifest)
    spec = tmp_path / "spec.yaml"
    settings = disc_settings(data__source=f"lists/{name}", labels=8, train__epochs=1)
    spec.write_text(json.dumps(settings))
    ended = foveal("run", spec, "--out", tmp_path / "run")
    assert ended.status == 2  # one candidate has lost its mask: said before anything is trained
    assert "1 of 22 have none in the manifest" in ended.err
    alone = ["--set", "regions.annotate=none", "--set", "regions.source=none"]
    ended = foveal("run", spec, "--out", tmp_path / "run", *alone)
    assert ended.status == 0, ended.err
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["pool"]["counts"] == {"unlabeled": 22, "val": 6, "test": 8}


def test_the_manifest_keeps_every_column(discs, tmp_path):
    foveal("index", discs / "labels.csv", "--out", tmp_path / "pool.csv")
    with (tmp_path / "pool.csv").open() as file, (discs / "labels.csv").open() as other:
        for row, original in zip(csv.DictReader(file), csv.DictReader(other), strict=True):
            images = "image", "mask"
            assert {k: v for k, v in row.items() if k not in images} == {
                k: v for k, v in original.items() if k not in images
            }
            for column in images:
                assert row[column].endswith(original[column])


def test_a_folder_and_a_table_become_one_list(discs, tmp_path):
    other = tmp_path / "other"
    (write_discs(other / "more", seed=1) / "labels.csv").unlink()
    (other / "more" / "masks").rename(other / "masks")
    ended = foveal("index", discs / "labels.csv", other, "--out", tmp_path / "pool.csv")
    assert ended == (0, f"76 images in {tmp_path / 'pool.csv'}; 0 problems.\n", "")


@pytest.mark.parametrize("source", ["nowhere", "discs.py"])
def test_what_is_no_source_ends_with_status_2(tmp_path, source):
    (tmp_path / "discs.py").write_text("")
    ended = foveal("index", tmp_path / source, "--out", tmp_path / "pool.csv")
    assert ended.status == 2
    assert "source" in ended.err
    assert not (tmp_path / "pool.csv").exists()


def test_a_place_that_cannot_be_written_ends_with_status_2(discs, tmp_path):
    (tmp_path / "file").write_text("")
    ended = foveal("index", discs / "labels.csv", "--out", tmp_path / "file" / "pool.csv")
    assert ended.status == 2
    assert "could not write 'pool.csv'" in ended.err
