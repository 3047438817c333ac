import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.data.grid import placement, region_to_grid, shrunk, to_grid, to_stored

RNG = np.random.default_rng(0)
SHAPES = [(16, 16), (40, 24), (24, 40), (7, 5), (16, 64)]


@given(st.integers(1, 500), st.integers(1, 500), st.integers(16, 256))
def test_padding_centers_and_touches_the_border_on_the_longer_side(height, width, size):
    top, left, h, w = placement(height, width, size, "pad")
    assert max(h, w) == size
    assert 0 <= size - h - 2 * top <= 1
    assert 0 <= size - w - 2 * left <= 1
    assert abs(h / size - max(height * size / max(height, width), 1) / size) <= 0.5 / size + 1e-9
    assert placement(height, width, size, "squash") == (0, 0, size, size)


@pytest.mark.parametrize("fit", ["pad", "squash"])
@pytest.mark.parametrize("shape", SHAPES)
def test_regions_and_pixels_take_the_same_place(shape, fit):
    mask = np.zeros(shape, bool)
    mask[shape[0] // 4 : shape[0] // 2, shape[1] // 4 : shape[1] // 2] = True
    pixels = to_grid(mask.astype(np.uint8) * np.uint8(255), 16, fit, 1)[0] / 255
    region = region_to_grid(mask, 16, fit)
    rows, columns = np.arange(16)[:, None] + 0.5, np.arange(16) + 0.5
    for of, at in ((rows, "row"), (columns, "column")):
        centers = [(image * of).sum() / image.sum() for image in (pixels, region)]
        assert abs(centers[0] - centers[1]) < 0.5, at
    assert abs(pixels.sum() / region.sum() - 1) < 0.3


@pytest.mark.parametrize("fit", ["pad", "squash"])
def test_the_area_of_a_region_is_kept(fit):
    for shape in ((64, 64), (50, 50), (7, 7)):
        mask = RNG.random(shape) > 0.7
        np.testing.assert_allclose(region_to_grid(mask, 16, fit).mean(), mask.mean(), atol=1e-6)
    mask = RNG.random((64, 64)) > 0.7
    region = region_to_grid(mask, 16, fit)
    blocks = mask.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(region, blocks, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_shrinking_takes_the_mean_of_what_a_cell_covers(dtype):
    image = RNG.integers(0, np.iinfo(dtype).max, (64, 64)).astype(dtype)
    small = to_grid(image, 16, "pad", 1)[0]
    assert small.dtype == dtype
    blocks = image.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(small, blocks, atol=1.01)


def test_padding_is_zero_and_content_is_not():
    out = to_grid(np.full((32, 16), 200, np.uint8), 16, "pad", 1)[0]
    assert (out[:, 4:12] == 200).all()
    assert not out[:, :4].any()
    assert not out[:, 12:].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_is_repeated_and_rgb_keeps_its_channels(dtype):
    grey = RNG.integers(0, 256, (16, 16)).astype(dtype)
    three = to_grid(grey, 16, "pad", 3)
    for channel in three:
        np.testing.assert_array_equal(channel, grey)
    rgb = RNG.integers(0, 256, (16, 16, 3)).astype(dtype)
    np.testing.assert_array_equal(to_grid(rgb, 16, "pad", 3), np.moveaxis(rgb, -1, 0))


def test_the_whole_range_of_each_type_maps_to_the_whole_range():
    ends8, ends16 = np.array([[0, 255]], np.uint8), np.array([[0, 65535]], np.uint16)
    unit = np.array([[0.0, 1.0]], np.float32)
    for ends in (ends8, ends16, unit):
        np.testing.assert_array_equal(to_stored(ends, "range", wide=True), ends16)
        np.testing.assert_array_equal(to_stored(ends, "range", wide=False), ends8)


@given(st.floats(0.1, 5), st.integers(0, 1000))
def test_percentiles_undo_gain_and_offset(gain, offset):
    image = np.random.default_rng(1).normal(100, 20, (32, 32)).astype(np.float32)
    plain = to_stored(image, "percentile", wide=False).astype(int)
    changed = to_stored(np.float32(gain) * image + offset, "percentile", wide=False)
    assert np.abs(plain - changed).max() <= 1
    assert plain.min() == 0
    assert plain.max() == 255


def test_an_image_without_contrast_is_black_and_a_rare_bright_dot_is_seen():
    flat = np.full((40, 40), 9, np.uint8)
    assert not to_stored(flat, "percentile", wide=False).any()
    dot = flat.copy()
    dot[3, 3] = 10
    assert to_stored(dot, "percentile", wide=False)[3, 3] == 255


def test_thumbnails_keep_the_aspect_ratio_and_never_grow():
    assert shrunk(np.zeros((200, 100, 3), np.uint8), 50).shape == (50, 25, 3)
    assert shrunk(np.zeros((20, 10), np.uint8), 50).shape == (20, 10)
