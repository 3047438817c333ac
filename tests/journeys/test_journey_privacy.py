"""A patient's name is in the manifest and nowhere else: not on the terminal, not in any file."""

import csv
import json

import pytest
from PIL import Image

from discs import foveal, rewrite, write_discs, write_spec
from foveal.core.pool import sample_id

NAME = "Mustermann^Erika"


@pytest.fixture
def data(tmp_path):
    """Every patient is called Mustermann."""
    folder = write_discs(tmp_path / "data")
    rewrite(folder, lambda row: row | {"patient": f"{NAME} {row['patient']}"})
    write_spec(folder, labels=9, train__epochs=1, acquire__per_group=1)
    return folder


def said(ended):
    return ended.out + ended.err


def traces(folder):
    """Files that hold the name, in any of the ways a text may be kept."""
    ways = [NAME.encode(), b"Mustermann", NAME.encode("utf-16-le"), b"mustermann"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [p.name for p in files if any(way in p.read_bytes() for way in ways)] + [
        p.name for p in files if "mustermann" in str(p.relative_to(folder)).lower()
    ]


def test_a_run_writes_no_name(data, tmp_path, cache_folder):
    ended = foveal("run", data / "spec.yaml", "--out", tmp_path / "run")
    assert ended.status == 0, ended.err
    assert "Mustermann" not in said(ended)
    have = {path.name for path in (tmp_path / "run").iterdir()}
    assert have >= {"journal.sqlite", "results.json", "report.html", "blobs", "gallery"}
    assert traces(tmp_path / "run") == []
    assert traces(cache_folder) == []


def test_a_comparison_writes_no_name(data, tmp_path, no_page):
    ended = foveal(
        "compare", data / "spec.yaml", "--strategies", "random", "--out", tmp_path / "all"
    )
    assert ended.status == 0, ended.err
    assert "Mustermann" not in said(ended)
    assert traces(tmp_path / "all") == []


def cross(row):
    """One patient on both sides of the split."""
    return row | {"patient": NAME} if row["image"] in ("train05.png", "test03.png") else row


def wrong_label(row):
    return row | {"label": ""} if row["image"] == "train05.png" else row


def bad_split(row):
    return row | {"split": "trian"} if row["image"] == "train05.png" else row


def bad_box(row):
    return row | {"wx0": "left"} if row["image"] == "train05.png" else row


def missing(row):
    return row | {"image": "none.png"} if row["image"] == "train05.png" else row


@pytest.mark.parametrize("change", [cross, wrong_label, bad_split, bad_box, missing])
def test_problems_and_errors_name_the_image_not_the_patient(data, tmp_path, no_page, change):
    rewrite(data, change)
    Image.open(data / "train07.png").save(data / "train09.png")  # a repeat, besides
    listed = foveal("index", data / "labels.csv", "--out", tmp_path / "pool.csv")
    assert listed.status == 1
    ended = foveal("run", data / "spec.yaml", "--out", tmp_path / "run")
    assert (change is cross) == (ended.status == 2)
    assert "Mustermann" not in said(listed) + said(ended)
    if change is cross:
        assert "one side of the split" in ended.err


def test_the_search_would_find_a_name(data, tmp_path):
    """The name is where it belongs, and `traces` finds it there."""
    foveal("index", data / "labels.csv", "--out", tmp_path / "lists" / "pool.csv")
    foveal("index", data / "labels.csv", "--out", tmp_path / "lists" / "pool.parquet")
    assert sorted(traces(tmp_path / "lists")) == ["pool.csv", "pool.parquet"]
    with (tmp_path / "lists" / "pool.csv").open() as file:
        assert all(row["patient"].startswith(NAME) for row in csv.DictReader(file))


def test_groups_are_kept_apart_all_the_same(data, tmp_path, no_page):
    """Pseudonyms still tell patients apart: the cap per patient holds."""
    foveal("run", data / "spec.yaml", "--out", tmp_path / "run")
    (record,) = json.loads((tmp_path / "run" / "results.json").read_text())["runs"]
    with (data / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    patient = {sample_id(row["image"]): row["patient"] for row in rows}
    asked = [patient[i] for i in record["queried"][1]]
    assert len(set(asked)) == len(asked)
