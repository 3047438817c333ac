"""Bad input through the command line: each is a clear error or a listed problem, never a traceback.

Misspelt settings, budgets above the pool and missing regions are in `tests/cli/test_cli_run.py`
and `tests/loop/test_loop_bench.py`.
"""

import csv
import json

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from discs import foveal, rewrite, write_discs, write_spec
from foveal.models.network import Network

MANY = 20_000  # 100,000 pass as well, but take a minute


@pytest.fixture
def data(tmp_path):
    """A data set to be spoilt, with a spec beside it."""
    folder = write_discs(tmp_path / "data")
    write_spec(folder, labels=9, train__epochs=1)
    return folder


def run(data, tmp_path, *changes):
    settings = [a for change in changes for a in ("--set", change)]
    return foveal("run", data / "spec.yaml", "--out", tmp_path / "run", *settings)


def index(data, tmp_path):
    return foveal("index", data / "labels.csv", "--out", tmp_path / "pool.csv")


def results_of(tmp_path):
    """Strictly read: NaN is no JSON."""
    text = (tmp_path / "run" / "results.json").read_text()
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in results.json"))


def only(name, **cells):
    return lambda row: row | cells if row["image"] == name else row


@pytest.mark.parametrize("name", ["train05.png", "val01.png", "test03.png"])
def test_a_class_with_one_sample(data, tmp_path, no_page, name):
    rewrite(data, only(name, label="rare"))
    ended = run(data, tmp_path)
    assert ended.status == 0, ended.err
    (record,) = results_of(tmp_path)["runs"]
    recalls = [r["rare"] for r in record["recall_per_class"]]
    assert all((recall is None) == (name != "test03.png") for recall in recalls)


def test_a_class_whose_only_sample_is_bought_first(data, tmp_path, no_page):
    """Balanced weights and prototypes of a class with one sample, or none, are finite."""
    rewrite(data, only("train05.png", label="rare"))
    more = "model.head=prototype", "train.class_weights=balanced", "labels=24", "budget=9"
    ended = run(data, tmp_path, *more)
    assert ended.status == 0, ended.err
    assert results_of(tmp_path)["runs"][0]["class_counts"][-1]["rare"] == 1


def test_constant_images_are_listed_and_harmless(data, tmp_path, no_page):
    for i, path in enumerate(sorted(data.glob("*.png"))):
        Image.new("L", (64, 64), 5 * i).save(path)
    listed = index(data, tmp_path)
    assert listed.status == 1
    assert listed.out.count("[constant]") == 38
    assert "0 images" not in listed.out
    ended = run(data, tmp_path, "train.explanation_weight=1")
    assert ended.status == 0, ended.err
    assert results_of(tmp_path)["pool"]["receipt"]["problems"] == {"constant": 38}


@pytest.mark.parametrize("source", ["predicted", "atlas", "oracle"])
def test_maps_that_are_zero_everywhere(data, tmp_path, no_page, monkeypatch, source):
    def nothing(_, out, *__):
        return torch.zeros_like(out.acts[:, 0]) + 0 * out.acts.sum()

    monkeypatch.setattr(Network, "evidence", nothing)
    ended = run(data, tmp_path, f"regions.source={source}", "train.explanation_weight=1")
    assert ended.status == 0, ended.err
    (record,) = results_of(tmp_path)["runs"]
    assert record["metrics"]["cam_dice"] == [0, 0]
    cases = [c for g in record["gallery"] for c in g["cases"]]
    assert {c["scores"]["misalignment"] for c in cases} == {1.0}


def as_float(data, spoil):
    """All images as TIFF in 0..1, one of them spoilt."""
    for path in data.glob("*.png"):
        pixels = np.asarray(Image.open(path), np.float32) / 255
        tifffile.imwrite(path.with_suffix(".tif"), spoil(path.stem, pixels))
    rewrite(data, lambda row: row | {"image": row["image"].replace(".png", ".tif")})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_an_image_costs_that_image(data, tmp_path, no_page, value):
    def spoil(stem, pixels):
        pixels[3, 4] = value if stem == "train05" else pixels[3, 4]
        return pixels

    as_float(data, spoil)
    listed = index(data, tmp_path)
    assert listed.status == 1
    assert "row 6: train05.tif: pixels must be finite" in listed.out
    ended = run(data, tmp_path)
    assert ended.status == 0, ended.err
    pool = results_of(tmp_path)["pool"]
    assert pool["receipt"]["problems"] == {"nan": 1}
    assert pool["counts"]["unlabeled"] == 23


def test_nan_in_every_image_is_an_error(data, tmp_path):
    as_float(data, lambda _, pixels: pixels * np.nan)
    ended = run(data, tmp_path)
    assert ended.status == 2
    assert "must hold at least one usable image, but has none. First problem: row 1" in ended.err


def test_images_of_different_sizes(data, tmp_path, no_page):
    rng = np.random.default_rng(0)
    for path in data.glob("*.png"):
        size = tuple(int(n) for n in rng.integers(20, 200, 2))
        for file in (path, data / "masks" / path.name):
            Image.open(file).resize(size, Image.Resampling.NEAREST).save(file)
    rewrite(data, lambda row: {k: v for k, v in row.items() if not k.startswith("w")})
    assert index(data, tmp_path).status == 0
    ended = run(data, tmp_path, "train.explanation_weight=1")
    assert ended.status == 0, ended.err
    assert results_of(tmp_path)["runs"][0]["labels"] == [6, 9]


def test_a_mask_for_another_image(data, tmp_path):
    Image.open(data / "masks" / "train05.png").resize((80, 40)).save(data / "masks" / "train05.png")
    listed = index(data, tmp_path)
    assert listed.status == 1
    assert "row 6: train05.png: the mask must be as large as its image, 64 x 64" in listed.out
    ended = run(data, tmp_path)
    assert ended.status == 2
    assert "1 of 24 have none in the manifest" in ended.err
    assert not (tmp_path / "run").exists()


def test_a_manifest_of_many_rows_of_which_three_are_broken(tmp_path):
    """Index alone. Rows are frames of one npz, so that making them takes no time."""
    frames = np.random.default_rng(0).integers(0, 256, (MANY - 1, 8, 8), np.uint8)
    np.savez(tmp_path / "many.npz", train_images=frames)
    Image.fromarray(frames[0]).save(tmp_path / "torn.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "torn.png").read_bytes()[:60])
    rows = [[f"many.npz#train_images:{i}", str(i % 3), ""] for i in range(MANY)]
    rows[4_100] = ["torn.png", "0", ""]
    rows[17_000][2] = "trian"
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "label", "split"], *rows])
    ended = foveal("index", tmp_path / "labels.csv", "--out", tmp_path / "pool.csv")
    assert ended.status == 1
    *listed, last = ended.out.splitlines()
    assert last == f"{MANY - 3} images in {tmp_path / 'pool.csv'}; 3 problems."
    assert [line.partition(":")[0] for line in listed] == ["row 4101", "row 17001", "row 20000"]
    assert [line.rpartition(" ")[2] for line in listed] == [
        "[unreadable]",
        "[manifest]",
        "[missing]",
    ]
    with (tmp_path / "pool.csv").open() as file:
        assert sum(1 for _ in file) == MANY - 3 + 1
