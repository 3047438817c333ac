import numpy as np
import pytest

from foveal.core.errors import DataError
from foveal.data import load_pool
from foveal.data.sources import read_source

MASK = np.zeros((20, 24), np.uint8)
MASK[4:9, 5:12] = 255


def folder(tmp_path, cache, name=""):
    rows, problems = read_source(tmp_path / name, cache)
    return {row.uri: row for row in rows}, problems


def test_the_class_is_the_first_level_folder(make, tmp_path, cache):
    for name in ("x/a.png", "x/deep/b.JPG", "y/c.tif", "y/notes.txt.png"):
        make(name)
    (tmp_path / "y" / "readme.txt").write_text("no image")
    (tmp_path / "y" / ".hidden.png").write_text("no image")
    rows, problems = folder(tmp_path, cache)
    assert not problems
    assert {uri: row.label for uri, row in rows.items()} == {
        "x/a.png": "x", "x/deep/b.JPG": "x", "y/c.tif": "y", "y/notes.txt.png": "y"
    }  # fmt: skip


def test_folders_named_train_val_test_are_the_split(make, tmp_path, cache):
    for name in ("Train/x/a.png", "val/y/b.png", "TEST/x/c.png"):
        make(name)
    rows, _ = folder(tmp_path, cache)
    assert {uri: (row.split, row.label) for uri, row in rows.items()} == {
        "Train/x/a.png": ("train", "x"), "val/y/b.png": ("val", "y"), "TEST/x/c.png": ("test", "x")
    }  # fmt: skip


def test_an_image_beside_such_folders_makes_them_classes(make, tmp_path, cache):
    for name in ("train/x/a.png", "b.png"):
        make(name)
    rows, _ = folder(tmp_path, cache)
    assert {uri: (row.split, row.label) for uri, row in rows.items()} == {
        "train/x/a.png": ("", "train"), "b.png": ("", "")
    }  # fmt: skip


def test_masks_beside_their_image_are_joined(make, tmp_path, cache):
    make("x/a (1).png", seed=1)
    make("x/a (1)_mask.png", array=MASK)
    make("x/a (1)_mask_1.png", array=MASK[::-1].copy())
    make("x/b.png", seed=2)
    make("x/b_maskless.png", seed=3)
    make("x/orphan_mask.png", seed=4)
    loaded = load_pool(tmp_path, cache=cache)
    regions = {s.uri: loaded.truth.region(s.id) for s in loaded.pool.samples}
    assert set(regions) == {"x/a (1).png", "x/b.png", "x/b_maskless.png", "x/orphan_mask.png"}
    np.testing.assert_array_equal(regions["x/a (1).png"], (MASK > 0) | (MASK[::-1] > 0))
    assert regions["x/b.png"] is None


@pytest.mark.parametrize(
    ("images", "masks", "source"),
    [("", "masks", ""), ("images", "masks", ""), ("images", "masks", "images")],
)
def test_masks_in_a_tree_of_their_own_are_found(make, tmp_path, cache, images, masks, source):
    make(f"{images}/x/a.jpg".lstrip("/"), seed=1)
    make(f"{masks}/x/a.png", array=MASK)
    loaded = load_pool(tmp_path / source, cache=cache)
    (sample,) = loaded.pool.samples
    np.testing.assert_array_equal(loaded.truth.region(sample.id), MASK > 0)
    assert loaded.pool.classes == ("x",)


def test_a_linked_image_outside_is_listed_and_not_read(make, tmp_path, cache):
    make("set/x/a.png")
    make("secret.png")
    (tmp_path / "set/x/b.png").symlink_to(tmp_path / "secret.png")
    rows, problems = folder(tmp_path, cache, "set")
    assert list(rows) == ["x/a.png"]
    assert [(p.uri, p.kind) for p in problems] == [("x/b.png", "outside")]


def test_a_row_given_twice_counts_once(table, cache):
    rows, problems = read_source(table("image,label", "a.png,x", "./a.png,x", "a.png,y"), cache)
    assert len(rows) == 1
    assert [(p.row, p.kind) for p in problems] == [(2, "repeat"), (3, "conflict")]


def test_sources_that_are_none_are_refused(tmp_path, cache):
    (tmp_path / "scan.dcm").write_bytes(b"")
    with pytest.raises(DataError, match="does not exist"):
        read_source("nowhere.csv", cache, tmp_path)
    with pytest.raises(DataError, match=r"not '\.dcm'"):
        read_source("scan.dcm", cache, tmp_path)
