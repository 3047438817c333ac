import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from foveal.data.dicom.contours import fill
from foveal.data.dicom.names import distinct

SQUARE = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], float)
CORNERS = st.lists(
    st.tuples(st.floats(-3, 15, width=32), st.floats(-3, 12, width=32)), min_size=3, max_size=9
)


def inside_by_ray(polygon, column, row):
    """Textbook crossing test, one pixel at a time."""
    inside = False
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if (y0 <= row) != (y1 <= row) and x0 + (row - y0) * (x1 - x0) / (y1 - y0) <= column:
            inside = not inside
    return inside


def near_an_edge(polygon, column, row):
    """Whether rounding alone decides: an edge crosses the row within a hair of the center."""
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if (y0 <= row) != (y1 <= row):
            at = x0 + (row - y0) * (x1 - x0) / (y1 - y0)
            if 0 < abs(at - column) < 1e-6 or abs(y1 - y0) < 1e-6:
                return True
    return False


@given(CORNERS, CORNERS)
def test_filling_is_the_crossing_test_at_every_pixel_center(first, second):
    polygons = [np.round(np.array(p), 6) for p in (first, second)]
    filled = fill(polygons, 10, 12)
    for row, column in np.ndindex(10, 12):
        if any(near_an_edge(p, column, row) for p in polygons):
            continue
        one, two = (inside_by_ray(p, column, row) for p in polygons)
        assert filled[row, column] == (one != two)


@given(CORNERS)
def test_neither_direction_nor_first_corner_matters(corners):
    polygon = np.array(corners)
    filled = fill([polygon], 10, 12)
    np.testing.assert_array_equal(fill([polygon[::-1]], 10, 12), filled)
    np.testing.assert_array_equal(fill([np.roll(polygon, 2, axis=0)], 10, 12), filled)


def test_a_rectangle_holds_its_upper_left_edge_and_not_its_lower_right_one():
    expected = np.zeros((6, 6), bool)
    expected[0:4, 0:4] = True
    np.testing.assert_array_equal(fill([SQUARE], 6, 6), expected)


def test_rectangles_that_share_an_edge_share_no_pixel_and_miss_none():
    right = SQUARE + np.array([4, 0])
    left_mask, right_mask = fill([SQUARE], 6, 9), fill([right], 6, 9)
    assert not (left_mask & right_mask).any()
    both = np.array([[0, 0], [8, 0], [8, 4], [0, 4]], float)
    np.testing.assert_array_equal(left_mask | right_mask, fill([both], 6, 9))


def circle(x, y, radius, n=400):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def test_a_disc_and_a_ring():
    rows, columns = np.indices((40, 50))
    distance = np.hypot(columns - 20.3, rows - 18.7)
    disc = fill([circle(20.3, 18.7, 11.5)], 40, 50)
    np.testing.assert_array_equal(disc, distance < 11.5)
    ring = fill([circle(20.3, 18.7, 11.5), circle(20.3, 18.7, 5.2)[::-1]], 40, 50)
    np.testing.assert_array_equal(ring, (distance < 11.5) & (distance > 5.2))


def test_a_keyhole_is_a_ring():
    outer, inner = circle(20.3, 18.7, 11.5), circle(20.3, 18.7, 5.2)
    keyhole = np.concatenate([outer, outer[:1], inner[::-1][-1:], inner[::-1], outer[:1]])
    np.testing.assert_array_equal(fill([keyhole], 40, 50), fill([outer, inner], 40, 50))


def test_pillow_agrees_away_from_the_outline():
    corners = np.array([[2.4, 3.3], [33.6, 8.2], [25.1, 35.7], [12.2, 30.9]])
    image = Image.new("1", (40, 40))
    ImageDraw.Draw(image).polygon([tuple(c) for c in corners], fill=1)
    differ = np.asarray(image) != fill([corners], 40, 40)
    assert differ.sum() <= 0.5 * np.hypot(*(corners - np.roll(corners, -1, axis=0)).T).sum()


@pytest.mark.parametrize("polygons", [[], [SQUARE + 100], [SQUARE - 100], [SQUARE[:1]]])
def test_nothing_is_inside_what_is_not_there(polygons):
    assert not fill(polygons, 6, 6).any()


def test_an_outline_around_the_picture_fills_it():
    assert fill([circle(5, 5, 100)], 8, 9).all()


@given(st.lists(st.sampled_from(["liver", "liver (2)", "spleen", ""])))
def test_names_become_distinct_and_lone_ones_stay(names):
    found = distinct(names)
    assert len(set(found)) == len(names)
    for name, new in zip(names, found, strict=True):
        assert new.startswith(name)
        if names.count(name) == 1:
            assert new == name
