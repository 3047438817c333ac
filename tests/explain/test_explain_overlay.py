"""Pictures: where the map is zero the image stays, and outlines lie where the regions end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveal.explain import overlay, strip
from foveal.explain.overlay import EXPECTED, EXPERT, outline

unit = st.floats(0, 1, width=32)
SIDE, GAP = 12, 4


def square(low=3, high=9):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[low:high, low:high] = True
    return mask


def tiles(picture):
    return [picture[:, i * (SIDE + GAP) : i * (SIDE + GAP) + SIDE] for i in range(3)]


@pytest.fixture
def image():
    return np.random.default_rng(0).random((SIDE, SIDE)).astype(np.float32)


@given(arrays("float32", (5, 6, 3), elements=unit), arrays("float32", (5, 6), elements=unit))
def test_an_overlay_stays_in_range_and_shows_the_image_where_the_map_is_zero(image, cam):
    picture = overlay(image, cam)
    assert picture.shape == image.shape
    assert picture.min() >= 0
    assert picture.max() <= 1
    np.testing.assert_array_equal(picture[cam == 0], image[cam == 0])


def test_the_higher_the_map_the_less_of_the_image_is_left():
    dark = np.zeros((1, 9, 3))
    heat = overlay(dark, np.linspace(0, 1, 9)[None])[0].sum(1)
    assert (np.diff(heat) > 0).all()
    np.testing.assert_array_equal(overlay(dark, np.ones((1, 9)), strength=0), dark)


@given(arrays(bool, (7, 8)))
def test_an_outline_lies_inside_and_leaves_no_way_out(mask):
    border = outline(mask)
    assert not (border & ~mask).any()
    inner = mask & ~border
    for axis in (0, 1):
        for step in (1, -1):
            assert not (np.roll(np.pad(inner, 1), step, axis) & ~np.pad(mask, 1)).any()


def test_the_outline_of_a_square_is_its_rim():
    assert outline(square()).sum() == 6 * 6 - 4 * 4
    assert outline(square(), 2).sum() == 6 * 6 - 2 * 2
    np.testing.assert_array_equal(outline(square(), 9), square())


@pytest.mark.parametrize("color", [False, True])
def test_a_strip_is_three_tiles_between_white_gaps(image, color):
    picture = strip(np.repeat(image[..., None], 3, 2) if color else image, None, None, None, GAP)
    assert picture.shape == (SIDE, 3 * SIDE + 2 * GAP, 3)
    assert picture.dtype == np.uint8
    assert (picture[:, SIDE : SIDE + GAP] == 255).all()
    plain = np.round(image * 255).astype(np.uint8)
    for tile in tiles(picture):  # nothing to draw: three times the image
        assert np.abs(tile[..., 0].astype(int) - plain).max() <= 1


def test_the_experts_outline_is_solid_and_only_in_the_middle(image):
    left, middle, right = tiles(strip(image, None, square(), None))
    drawn = (middle == EXPERT).all(2)
    np.testing.assert_array_equal(drawn, outline(square()))
    np.testing.assert_array_equal(left, right)


def test_the_expected_outline_is_dashed_and_may_lie_on_any_grid(image):
    coarse = np.zeros((6, 6), np.float32)
    coarse[1:5, 1:5] = 1
    image *= 0.9  # nothing else is white
    drawn = (tiles(strip(image, None, None, coarse))[1] == EXPECTED).all(2)
    rim = outline(square(2, 10))
    assert not (drawn & ~rim).any()
    assert 0 < drawn.sum() < rim.sum()


def test_the_map_is_only_on_the_right_and_may_lie_on_any_grid(image):
    coarse = np.zeros((3, 3), np.float32)
    coarse[1, 1] = 1
    left, middle, right = tiles(strip(image, coarse, None, None))
    np.testing.assert_array_equal(left, middle)
    changed = np.abs(right.astype(int) - left).sum(2)
    assert changed[SIDE // 2, SIDE // 2] > changed[0, 0] == 0
