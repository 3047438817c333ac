"""Strokes are checked where they enter, and read with their images."""

import numpy as np
import pytest
from segment_toys import pictures

from foveal.core.errors import DataError
from foveal.models.segment import Strokes
from foveal.models.segment import strokes as module
from foveal.models.segment.strokes import stroke_reader


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros((3, 4, 4)), "one mask for each row"),
        (np.zeros((2, 4)), "shape"),
        (np.full((2, 4, 4), 255.0), "divide"),
        (np.full((2, 4, 4), np.nan), "lie in"),
    ],
)
def test_what_cannot_be_strokes(masks, message):
    with pytest.raises(DataError, match=message):
        Strokes(np.arange(2), masks)


def test_who_shows_something():
    masks = np.zeros((3, 2, 2, 2))
    masks[1, 0, 1, 0] = 0.1
    assert Strokes(np.arange(3), masks).shown.tolist() == [False, True, False]


@pytest.mark.parametrize("held", [0, 2**30])
def test_images_come_with_their_masks(held, monkeypatch):
    monkeypatch.setattr(module, "HELD_BYTES", held)
    inputs = pictures(6, side=4)
    masks = np.random.default_rng(0).random((3, 4, 4))
    read = stroke_reader(inputs, Strokes(np.array([5, 0, 2]), masks))
    images, some = read(np.array([2, 0]))
    np.testing.assert_array_equal(images, inputs.array[[2, 5]])
    np.testing.assert_allclose(some, masks[[2, 0]], rtol=1e-6)
    assert max(map(len, inputs.reads)) == (3 if held else 2)


def test_masks_lie_on_the_images_grid():
    with pytest.raises(DataError, match="grid"):
        stroke_reader(pictures(2, side=8), Strokes(np.arange(2), np.zeros((2, 4, 4))))
