"""ImageSource: pixels at full depth, neighbors in a volume, time points of a pair."""

import csv

import numpy as np
import pytest
import tifffile
from annotate_toys import spec_of
from PIL import Image

from foveal.annotate.depth import pack, shown, stretched
from foveal.annotate.held import Held
from foveal.annotate.images import ImageSource, UnreadableError
from foveal.core.errors import DataError
from foveal.data import index_source, load_project
from nifti_files import write_nifti


def written(folder, columns, rows):
    with (folder / "pool.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return folder / "pool.csv"


def source(folder, **data):
    return ImageSource(load_project(spec_of(**data).data, folder, cache=folder / "cache"))


def only(images):
    return images.collection.pool.samples[0].id


def test_sixteen_bits_are_kept(tmp_path):
    deep = np.arange(40 * 30, dtype=np.uint16).reshape(30, 40) * 50
    tifffile.imwrite(tmp_path / "a.tif", deep)
    written(tmp_path, ["image"], [["a.tif"]])
    images = source(tmp_path)
    np.testing.assert_array_equal(images.pixels(only(images)), deep)
    facts = images.facts(only(images))
    assert (facts.width, facts.height, facts.bits, facts.signed) == (40, 30, 16, False)
    low = facts.center - facts.width_of_window / 2
    assert deep.min() <= low < facts.center < deep.max()
    assert images.size(only(images)) == (40, 30)


def test_color_is_kept_and_eight_bits_are_shown_as_they_are(tmp_path):
    color = np.random.default_rng(0).integers(0, 255, (20, 24, 3), np.uint8)
    Image.fromarray(color).save(tmp_path / "a.png")
    written(tmp_path, ["image"], [["a.png"]])
    images = source(tmp_path)
    np.testing.assert_array_equal(images.pixels(only(images)), color)
    facts = images.facts(only(images))
    assert facts.color
    assert (facts.center, facts.width_of_window) == (127.5, 255.0)
    assert facts.as_dict()["samples_per_pixel"] == 3


@pytest.fixture
def volume(tmp_path):
    """A CT of six slices: whole numbers from -1000 on."""

    def make(values):
        affine = np.diag([0.7, 0.8, 3.0, 1.0])
        write_nifti(tmp_path / "a.nii.gz", values, affine)
        rows, _ = index_source([tmp_path], cache=tmp_path / "cache")
        return [row.uri for row in rows]

    return make


def test_slices_of_a_volume_are_neighbors(tmp_path, volume):
    rng = np.random.default_rng(0)
    values = rng.integers(-1000, 2000, (20, 24, 6)).astype(np.int16)
    uris = volume(values)
    written(tmp_path, ["image"], [[uris[2]]])
    images = source(tmp_path)
    facts = images.facts(only(images))
    assert (facts.slices, facts.bits, facts.signed) == (6, 16, True)
    stack = [images.pixels(only(images), i) for i in range(6)]
    assert {one.dtype for one in stack} == {np.dtype(np.int16)}
    np.testing.assert_array_equal(images.pixels(only(images)), stack[facts.key_slice])
    assert sorted(np.concatenate(stack).ravel()) == sorted(values.ravel())
    for wrong in (-1, 6):
        with pytest.raises(DataError, match="6 slices"):
            images.pixels(only(images), wrong)


def test_fractions_are_stretched_alike_in_all_slices(tmp_path, volume):
    values = np.random.default_rng(0).normal(0.5, 0.1, (20, 24, 6)).astype(np.float32)
    values[:, :, 3] = 0  # whole numbers here alone must not be shown on another scale
    uris = volume(values)
    written(tmp_path, ["image"], [[uris[2]]])
    images = source(tmp_path)
    stack = [images.pixels(only(images), i) for i in range(6)]
    assert {one.dtype for one in stack} == {np.dtype(np.uint16)}
    empty = next(i for i in range(6) if np.ptp(stack[i]) == 0)
    assert stack[empty].max() <= min(one.mean() for i, one in enumerate(stack) if i != empty)
    facts = images.facts(only(images))
    assert 0 < facts.center < 65535


def test_the_window_of_the_settings_is_the_first_one(tmp_path, volume):
    uris = volume(np.arange(-500, 2380, dtype=np.int16).reshape(20, 24, 6))
    written(tmp_path, ["image"], [[uris[2]]])
    facts = (images := source(tmp_path, window=[40, 400])).facts(only(images))
    assert (facts.center, facts.width_of_window) == (40, 400)


def test_a_pair_has_two_times_and_a_difference(tmp_path):
    times = np.random.default_rng(0).integers(0, 65535, (4, 20, 20, 3), np.uint16)
    np.savez(tmp_path / "p.npz", images=times)
    written(tmp_path, ["image", "pair"], [["p.npz#images:2", "p"]])
    images = source(tmp_path)
    facts = images.facts(only(images))
    assert (facts.pair, facts.slices, facts.key_slice, facts.bits) == (True, 4, 2, 16)
    for at, position in ((2, None), (0, 0)):
        for channel, which in enumerate(("prior", "current")):
            shown = images.pixels(only(images), position, which)
            np.testing.assert_array_equal(shown, times[at, :, :, channel])
        change = images.pixels(only(images), position, "difference")
        assert change.dtype == np.int16
        np.testing.assert_array_equal(change, times[at, :, :, 2].astype(int) - 32768)


def test_frames_of_an_archive_are_no_volume(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (4, 20, 20), np.uint8)
    np.savez(tmp_path / "p.npz", images=frames)
    written(tmp_path, ["image"], [["p.npz#images:2"]])
    images = source(tmp_path)
    assert images.facts(only(images)).slices == 1
    np.testing.assert_array_equal(images.pixels(only(images)), frames[2])
    with pytest.raises(DataError, match="1 slices"):
        images.pixels(only(images), 2)


def test_a_sample_of_nobody_is_unreadable(tmp_path):
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / "a.png")
    written(tmp_path, ["image"], [["a.png"]])
    images = source(tmp_path)
    for ask in (images.facts, images.pixels, images.size):
        with pytest.raises(UnreadableError, match="nobody"):
            ask("nobody")


def test_a_map_is_placed_on_the_image(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 40), np.uint8)).save(
        tmp_path / "a.png"
    )
    written(tmp_path, ["image"], [["a.png"]])
    images = source(tmp_path)
    half = np.zeros((32, 32), np.float32)
    half[:, 16:] = 1
    data = images.png(half, only(images))
    (tmp_path / "map.png").write_bytes(data)
    with Image.open(tmp_path / "map.png") as map_:
        placed = np.asarray(map_)
    assert placed.shape == (20, 40)
    assert placed[:, :15].max() == 0
    assert placed[:, 25:].min() == 255


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16])
def test_packed_pixels_are_little_endian_and_come_back(kind):
    pixels = np.arange(12).reshape(3, 4).astype(kind)
    data, name = pack(pixels)
    back = np.frombuffer(data, np.dtype(name).newbyteorder("<")).reshape(3, 4)
    np.testing.assert_array_equal(back, pixels)


def test_what_lies_beyond_the_ends_is_cut_off():
    values = np.array([[-5.0, 0.0, 0.5, 1.0, 9.0]])
    np.testing.assert_array_equal(shown(values, (0.0, 1.0)), [[0, 0, 32768, 65535, 65535]])
    assert stretched(0.0, (-1.0, 1.0)) == 65535 / 2


def test_held_arrays_never_outgrow_their_limit():
    made = []

    def make(key):
        made.append(key)
        return np.zeros(key, np.uint8)

    held = Held(make, 100)
    for key in (40, 40, 50, 40, 60, 30, 500, 40):
        assert len(held(key)) == key
        assert held.nbytes <= 100
    assert made == [40, 50, 60, 30, 500, 40]


def test_errors_are_not_held():
    fails = [True]

    def make(key):
        if fails.pop():
            raise ValueError("torn")
        return np.zeros(1)

    held = Held(make, 100)
    with pytest.raises(ValueError, match="torn"):
        held(1)
    fails.append(False)
    assert len(held(1)) == 1


def test_images_are_read_and_not_kept(tmp_path):
    for i in range(6):
        Image.fromarray(np.full((50, 50), i, np.uint8)).save(tmp_path / f"{i}.png")
    written(tmp_path, ["image", "patient"], [[f"{i}.png", i] for i in range(6)])
    images = ImageSource(source(tmp_path).collection, held_bytes=2 * 2500)
    for sample in images.collection.pool.samples:
        images.pixels(sample.id)
        assert images._read.nbytes <= 5000
