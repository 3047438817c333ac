import numpy as np
import pytest

from foveal.core.errors import DataError
from foveal.core.pool import sample_id
from foveal.data import load_pool
from foveal.data.readers import Place, read_picture
from foveal.data.readers.npz import unpack
from foveal.data.sources import read_source

NOISE = np.random.default_rng(0)


def medmnist(path, n=(6, 4, 4), save=np.savez_compressed, **more):
    arrays = {}
    for split, count in zip(("train", "val", "test"), n, strict=True):
        arrays[f"{split}_images"] = NOISE.integers(0, 256, (count, 8, 8), np.uint8)
        arrays[f"{split}_labels"] = (np.arange(count) % 2).reshape(-1, 1)
    save(path, **arrays | more)
    return arrays | more


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_frame_and_label_comes_back(tmp_path, cache, save):
    arrays = medmnist(tmp_path / "set.npz", save=save)
    loaded = load_pool(tmp_path / "set.npz", cache=cache)
    assert loaded.pool.counts() == {
        "unlabeled": 6, "labeled": 0, "val": 4, "test": 4, "excluded": 0
    }  # fmt: skip
    for split, count in (("train", 6), ("val", 4), ("test", 4)):
        for i in range(count):
            sample = sample_id(f"set.npz:{split}", i)
            np.testing.assert_array_equal(loaded.original(sample), arrays[f"{split}_images"][i])
            assert loaded.truth.label(sample) == i % 2


def test_masks_of_an_npz_are_regions(tmp_path, cache):
    masks = NOISE.random((6, 8, 8)) > 0.5
    medmnist(tmp_path / "set.npz", train_masks=masks)
    loaded = load_pool(tmp_path / "set.npz", cache=cache)
    for i, sample in enumerate(loaded.pool.ids("unlabeled")):
        np.testing.assert_array_equal(loaded.truth.region(sample), masks[i])


def test_a_truncated_unpacked_array_is_unpacked_again(tmp_path, cache):
    arrays = medmnist(tmp_path / "set.npz")
    first = unpack(tmp_path / "set.npz", "train_images", cache)
    first.write_bytes(first.read_bytes()[:-5])
    from foveal.data.readers.npz import frames

    frames.cache_clear()  # as in a new process
    again = unpack(tmp_path / "set.npz", "train_images", cache)
    frame = read_picture(Place(again, 5)).pixels
    np.testing.assert_array_equal(frame, arrays["train_images"][5])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train_images": np.zeros((6, 8, 8, 8), np.uint8)}, "volumes are not read"),
        ({"train_images": np.array([{}] * 6, dtype=object)}, "must be an array of numbers"),
        ({"train_labels": np.zeros((6, 3), np.int64)}, "several labels"),
        ({"train_labels": np.zeros(5, np.int64)}, "one label an image"),
    ],
)
def test_what_is_no_single_label_image_set_is_refused(tmp_path, cache, change, words):
    medmnist(tmp_path / "set.npz", **change)
    with pytest.raises(DataError, match=words):
        read_source(tmp_path / "set.npz", cache)


def test_other_archives_are_refused(tmp_path, cache):
    (tmp_path / "torn.npz").write_bytes(b"PK not a zip")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(DataError, match="cannot be opened"):
        read_source(tmp_path / "torn.npz", cache)
    with pytest.raises(DataError, match="MedMNIST's keys"):
        read_source(tmp_path / "other.npz", cache)


def test_a_manifest_may_point_into_an_npz(tmp_path, cache, table):
    arrays = medmnist(tmp_path / "set.npz")
    path = table("image,label", "set.npz#train_images:2,x", "set.npz#train_images:99,y")
    loaded = load_pool(path, cache=cache)
    (sample,) = loaded.pool.samples
    assert sample.id == sample_id("set.npz:train", 2)
    np.testing.assert_array_equal(loaded.original(sample.id), arrays["train_images"][2])
    assert [p.kind for p in loaded.problems] == ["missing"]
