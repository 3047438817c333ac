"""Cuts show the same place of image and mask, hold foreground as often as promised, and no more."""

import numpy as np
import pytest

from foveal.models.segment.crop import AROUND_FOREGROUND, cut


def pictures(shape, n=400, at=None):
    places = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    images = np.stack([np.stack([places, -places])] * n)
    masks = np.zeros((n, *shape), np.float32)
    if at is not None:
        masks[(slice(None), *at)] = 0.5
    return images, masks


@pytest.mark.parametrize("shape", [(20, 24), (8, 10, 12)])
def test_image_and_mask_are_cut_at_one_place(shape):
    images, _ = pictures(shape, 50)
    masks = images[:, 0] / images.max()
    small, outlined = cut(images, masks, 5, np.random.default_rng(0))
    assert small.shape == (50, 2, *(5,) * len(shape))
    np.testing.assert_array_equal(small[:, 0] / images.max(), outlined)
    np.testing.assert_array_equal(small[:, 1], -small[:, 0])
    steps = [np.diff(small[:, 0], axis=axis + 1) for axis in range(len(shape))]
    for axis, step in enumerate(steps):
        assert (step == np.prod(shape[axis + 1 :])).all()


@pytest.mark.parametrize("at", [(0, 0), (39, 49), (20, 7)])
def test_foreground_is_shown_as_often_as_promised_and_anywhere_in_the_cut(at):
    images, masks = pictures((40, 50), at=at)
    _, outlined = cut(images, masks, 8, np.random.default_rng(1))
    shown = (outlined > 0).reshape(len(outlined), -1).any(1)
    by_luck = 8 * 8 / (33 * 43)
    assert abs(shown.mean() - AROUND_FOREGROUND) < 0.08 + by_luck
    inner = at == (20, 7)
    places = {tuple(np.argwhere(one)[0]) for one in outlined if one.any()}
    assert len(places) > (30 if inner else 0)


def test_all_places_are_cut_equally_often_without_foreground():
    images, masks = pictures((1, 9), n=3000)
    small, _ = cut(images, masks, 5, np.random.default_rng(2))
    count = np.bincount(small[:, 0, 0, 0].astype(int))
    assert len(count) == 5
    np.testing.assert_allclose(count / 3000, 0.2, atol=0.03)


def test_a_cut_larger_than_the_picture_is_the_picture():
    images, masks = pictures((6, 5), n=3, at=(2, 2))
    same, drawn = cut(images, masks, 64, np.random.default_rng(3))
    np.testing.assert_array_equal(same, images)
    np.testing.assert_array_equal(drawn, masks)
