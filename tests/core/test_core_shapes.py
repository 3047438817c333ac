"""Laws of shapes: they come back as they were, stay in the image, and cover what they enclose."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import DataError
from foveal.core.shapes import (
    MOST_POINTS,
    MOST_SHAPES,
    Box,
    Mask,
    Polygon,
    Shapes,
    pack_runs,
    parse_shapes,
    rasterize,
    unpack_runs,
)

W, H = 13, 9
xs, ys = st.floats(0, W), st.floats(0, H)


@st.composite
def boxes(draw):
    x0, x1 = sorted(draw(st.lists(xs, min_size=2, max_size=2, unique=True)))
    y0, y1 = sorted(draw(st.lists(ys, min_size=2, max_size=2, unique=True)))
    return Box(x0, y0, x1, y1)


polygons = st.lists(st.tuples(xs, ys), min_size=3, max_size=7).map(lambda p: Polygon(tuple(p)))
bits = st.lists(st.booleans(), min_size=W * H, max_size=W * H)
pixels = bits.map(lambda values: np.array(values).reshape(H, W))
masks = pixels.map(lambda region: Mask(pack_runs(region)))
drawn = st.lists(st.one_of(boxes(), polygons, masks), max_size=4)


def one(shape, width=W, height=H):
    return {"version": 1, "width": width, "height": height, "shapes": [shape]}


@given(drawn)
def test_shapes_come_back_as_they_were(listed):
    shapes = Shapes(W, H, tuple(listed))
    again = parse_shapes(json.loads(shapes.to_bytes()), W, H)
    assert again == shapes
    assert again.to_bytes() == shapes.to_bytes()


@given(drawn)
def test_the_region_is_the_union_of_its_shapes(listed):
    union = np.zeros((H, W), bool)
    for shape in listed:
        union |= rasterize(Shapes(W, H, (shape,)))
    np.testing.assert_array_equal(rasterize(Shapes(W, H, tuple(listed))), union)


@given(pixels)
def test_a_mask_is_its_runs(region):
    runs = pack_runs(region)
    assert sum(runs) == region.size
    assert all(runs[1:])  # only the first may be empty
    np.testing.assert_array_equal(unpack_runs(runs, H, W), region)


def crossings(points, x, y):
    """Edges that a ray to the right meets: the textbook's way, one pixel at a time."""
    count = 0
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        if (ay <= y) != (by <= y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            count += 1
    return count


on_grid = st.tuples(st.integers(0, 4 * W), st.integers(0, 4 * H)).map(
    lambda p: (p[0] / 4, p[1] / 4)
)


@given(st.lists(st.tuples(xs, ys), min_size=3, max_size=8))
def test_a_polygon_covers_the_pixels_whose_centers_it_encloses(points):
    region = rasterize(Shapes(W, H, (Polygon(tuple(points)),)))
    for (row, column), inside in np.ndenumerate(region):
        x, y = column + 0.5, row + 0.5
        near = min(abs(x - ax) + abs(y - ay) for ax, ay in points) < 1e-6
        odd = {crossings(points, x + shift, y) % 2 == 1 for shift in (-1e-9, 1e-9)}
        assert near or inside in odd


@given(st.lists(on_grid, min_size=4, max_size=4))
def test_pixels_on_a_shared_edge_belong_to_one_side(points):
    a, b, c, d = points
    whole, one_side, other = (
        rasterize(Shapes(W, H, (Polygon(corners),)))
        for corners in ((a, b, c, d), (a, b, c), (a, c, d))
    )
    np.testing.assert_array_equal(whole, one_side ^ other)


@given(boxes())
def test_a_box_is_the_polygon_of_its_corners(box):
    corners = ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1))
    np.testing.assert_array_equal(
        rasterize(Shapes(W, H, (box,))), rasterize(Shapes(W, H, (Polygon(corners),)))
    )


def test_the_whole_image_and_one_pixel():
    assert rasterize(Shapes(W, H, (Box(0, 0, W, H),))).all()
    (found,) = np.argwhere(rasterize(Shapes(W, H, (Box(4, 2, 5, 3),))))
    assert tuple(found) == (2, 4)
    assert not rasterize(Shapes(W, H)).any()


def test_kinds():
    box, polygon = Box(0, 0, 1, 1), Polygon(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))
    kinds = [Shapes(W, H, shapes).kind for shapes in [(), (box,), (box, polygon), (polygon,)]]
    assert kinds == ["none", "box", "mask", "mask"]


def test_a_box_drawn_to_the_border_may_end_a_hair_beyond_it():
    drawn = one({"type": "box", "x0": -1e-7, "y0": 0, "x1": W + 1e-7, "y1": H})
    assert parse_shapes(drawn, W, H).shapes == (Box(0.0, 0.0, W, H),)


def polygon(*points):
    return {"type": "polygon", "points": [list(point) for point in points]}


@pytest.mark.parametrize(
    ("shape", "finding"),
    [
        ({"type": "box", "x0": -1, "y0": 0, "x1": 2, "y1": 2}, "leaves the image"),
        ({"type": "box", "x0": 0, "y0": 0, "x1": W + 1, "y1": 2}, "leaves the image"),
        ({"type": "box", "x0": 2, "y0": 0, "x1": 2, "y1": 2}, "width and a height"),
        ({"type": "box", "x0": 3, "y0": 0, "x1": 2, "y1": 2}, "width and a height"),
        ({"type": "box", "x0": 0, "y0": 0, "x1": 2}, "lacks 'y1'"),
        ({"type": "box", "x0": "0", "y0": 0, "x1": 2, "y1": 2}, "finite numbers"),
        ({"type": "box", "x0": True, "y0": 0, "x1": 2, "y1": 2}, "finite numbers"),
        ({"type": "box", "x0": 0, "y0": 0, "x1": math.inf, "y1": 2}, "finite numbers"),
        ({"type": "box", "x0": 0, "y0": 0, "x1": 10**400, "y1": 2}, "too large"),
        (polygon((0, 0), (1, 1)), "three points"),
        (polygon((0, 0), (1, 1), (math.nan, 1)), "finite numbers"),
        (polygon((0, 0), (1, 1), (1, H + 0.1)), "leaves the image"),
        (polygon((0, 0), (1, 1), (1, 2, 3)), "too many values"),
        (polygon(*[(1, 1)] * 100_000), "100000 points where 20000"),
        ({"type": "polygon", "points": "0011"}, "hold a list"),
        ({"type": "polygon"}, "lacks 'points'"),
        ({"type": "mask", "runs": [W * H - 1]}, "cover 116 pixels, not 117"),
        ({"type": "mask", "runs": [W * H + 1, -1]}, "whole numbers"),
        ({"type": "mask", "runs": [float(W * H)]}, "whole numbers"),
        ({"type": "mask", "runs": [0] * (MOST_POINTS + 1)}, "20001 points"),
        ({"type": "circle"}, "must be a box, a polygon or a mask"),
        ({}, "lacks 'type'"),
        ("box", "shape 1 cannot be kept"),
        (None, "shape 1 cannot be kept"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(shape, finding):
    with pytest.raises(DataError, match=finding):
        parse_shapes(one(shape), W, H)


@pytest.mark.parametrize(
    ("drawn", "finding"),
    [
        (None, "an object"),
        ([], "an object"),
        ({"version": 1}, "an object"),
        ({"version": 2, "width": W, "height": H, "shapes": []}, "version 1, not 2"),
        ({"version": 1, "width": H, "height": W, "shapes": []}, "13 x 9 pixels, not 9 x 13"),
        ({"version": 1, "width": W, "height": H, "shapes": "ab"}, "shape 1"),
        (one(None) | {"shapes": [None] * (MOST_SHAPES + 1)}, "at most 200 shapes"),
    ],
)
def test_what_is_no_drawing_is_refused(drawn, finding):
    with pytest.raises(DataError, match=finding):
        parse_shapes(drawn, W, H)


def test_points_are_counted_over_all_shapes():
    many = [(1, 1)] * (MOST_POINTS // 2 + 1)
    drawn = one(None) | {"shapes": [polygon(*many), polygon(*many)]}
    with pytest.raises(DataError, match=r"shape 2 .*9999 are left"):
        parse_shapes(drawn, W, H)
