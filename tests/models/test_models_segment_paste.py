"""Pasted lesions: the rest of the image stays, and the mask grows by exactly what was pasted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from foveal.core.errors import EvidenceError
from foveal.models.segment.paste import (
    BORDER,
    SCALES,
    Patch,
    lesion_of,
    moved_lesion,
    paste_lesions,
    pasted,
    place_for,
)

SIZES = {2: (48, 56), 3: (24, 40, 44)}


def ball(size, center, radius):
    away = sum((i - c) ** 2 for i, c in zip(np.indices(size), center, strict=True))
    return (away <= radius**2).astype(np.float32)


def body(axes, seed=0, n=1, channels=2, lesion=None):
    """Images of a bright body on black, and masks, with a lesion of some radius or none."""
    size, rng = SIZES[axes], np.random.default_rng(seed)
    middle = [(s - 1) / 2 for s in size]
    inside = ball(size, middle, min(size) / 2 - 1)
    images = inside * rng.uniform(0.4, 0.6, (n, channels, *size))
    masks = np.zeros((n, *size), np.float32)
    if lesion:
        masks[:] = ball(size, middle, lesion)
        images = images + 0.3 * masks[:, None]
    return images.astype(np.float32), masks


@given(axes=st.sampled_from((2, 3)), seed=st.integers(0, 99))
def test_the_mask_grows_by_what_was_pasted_and_the_rest_stays(axes, seed):
    images, masks = body(axes, seed)
    donors, drawn = body(axes, seed + 1, lesion=3)
    rng = np.random.default_rng(seed)
    patch = moved_lesion(lesion_of(donors[0], drawn[0], rng), np.ones(axes), rng)
    corner = place_for(images[0], masks[0], patch, rng)
    if corner is None:
        return
    image, mask = pasted(images[0], masks[0], patch, corner)
    assert mask.sum() == pytest.approx(patch.mask.sum())
    np.testing.assert_allclose(np.sort(mask[mask > 0]), np.sort(patch.mask[patch.mask > 0]))
    changed = (image != images[0]).any(axis=0)
    wide = int((BORDER + 1) * SCALES[1]) + 1
    reach = ball((2 * wide + 1,) * axes, (wide,) * axes, wide)
    assert not (changed & ~ndimage.binary_dilation(mask > 0, reach)).any()
    assert 0 <= image.min() <= image.max() <= 1
    assert image[:, mask > 0.9].mean() > images[0][:, mask > 0.9].mean() + 0.15


@given(axes=st.sampled_from((2, 3)), seed=st.integers(0, 99))
def test_pasted_lesions_lie_in_the_body_and_on_no_other(axes, seed):
    images, masks = body(axes, seed, n=3, lesion=4)
    donors, drawn = body(axes, seed + 1, n=2, lesion=2)
    before = images.copy(), masks.copy()
    new_images, new_masks = paste_lesions(
        images, masks, donors, drawn, np.random.default_rng(seed), share=1.0
    )
    np.testing.assert_array_equal(images, before[0])
    np.testing.assert_array_equal(masks, before[1])
    inside = ball(SIZES[axes], [(s - 1) / 2 for s in SIZES[axes]], min(SIZES[axes]) / 2) > 0
    assert not new_masks[:, ~inside].any()
    old = masks > 0
    np.testing.assert_array_equal(new_masks[old], masks[old])
    np.testing.assert_array_equal(
        new_images.transpose(1, 0, *range(2, axes + 2))[:, old],
        images.transpose(1, 0, *range(2, axes + 2))[:, old],
    )


def test_most_images_get_their_lesion():
    images, masks = body(2, n=20)
    donors, drawn = body(2, seed=9, n=3, lesion=3)
    _, grown = paste_lesions(images, masks, donors, drawn, np.random.default_rng(0), share=1.0)
    assert (grown.sum(axis=(1, 2)) > 0).mean() > 0.9


def test_the_share_is_kept_on_average():
    images, masks = body(2, n=200, channels=1)
    donors, drawn = body(2, seed=9, channels=1, lesion=3)
    _, grown = paste_lesions(images, masks, donors, drawn, np.random.default_rng(0), share=0.3)
    assert 0.2 < (grown.sum(axis=(1, 2)) > 0).mean() < 0.4


def test_the_same_chance_pastes_the_same_and_another_does_not():
    images, masks = body(2, n=4)
    donors, drawn = body(2, seed=9, n=4, lesion=3)
    first, again, other = (
        paste_lesions(images, masks, donors, drawn, np.random.default_rng(seed), share=1.0)
        for seed in (1, 1, 2)
    )
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first[1] != other[1]).any()


@pytest.mark.parametrize("donors", [0, 2])
def test_without_a_lesion_to_give_nothing_changes(donors):
    images, masks = body(2, n=2)
    empty, drawn = body(2, seed=3, n=2)
    pair = empty[:donors], drawn[:donors]
    found = paste_lesions(images, masks, *pair, np.random.default_rng(0), share=1.0)
    np.testing.assert_array_equal(found[0], images)
    np.testing.assert_array_equal(found[1], masks)


@pytest.mark.parametrize("axes", [2, 3])
def test_twice_the_spacing_is_half_the_extent(axes):
    donors, drawn = body(axes, lesion=6)
    extent = {}
    for ratio in (1.0, 2.0):
        rng = np.random.default_rng(5)
        patch = lesion_of(donors[0], drawn[0], rng)
        moved = moved_lesion(patch, np.full(axes, ratio), rng, turn=False)
        where = np.argwhere(moved.mask >= 0.5)
        extent[ratio] = np.ptp(where, axis=0) + 1
    np.testing.assert_allclose(extent[2.0] * 2, extent[1.0], atol=2)


def test_thick_slices_shrink_one_axis_only():
    donors, drawn = body(3, lesion=6)
    rng = np.random.default_rng(5)
    patch = lesion_of(donors[0], drawn[0], rng)
    moved = moved_lesion(patch, np.array([3.0, 1.0, 1.0]), np.random.default_rng(5), turn=False)
    deep, high, wide = np.ptp(np.argwhere(moved.mask >= 0.5), axis=0) + 1
    assert high == wide
    assert high / deep == pytest.approx(3, rel=0.25)


def test_one_part_of_several_is_taken_with_soft_edges_but_without_its_neighbor():
    size = (40, 40)
    mask = 0.9 * ball(size, (10, 10), 4) + ball(size, (10, 17), 1) + ball(size, (30, 30), 2)
    mask = np.maximum(mask, 0.3 * ball(size, (10, 10), 5)).astype(np.float32)
    sums = {
        round(float(lesion_of(np.zeros((1, *size)), mask, np.random.default_rng(s)).mask.sum()), 2)
        for s in range(20)
    }
    assert len(sums) == 3
    ring = int(ball(size, (10, 10), 5).sum() - ball(size, (10, 10), 4).sum())
    assert max(sums) == pytest.approx(0.9 * ball(size, (10, 10), 4).sum() + 0.3 * ring, rel=0.02)


def test_a_lesion_at_the_edge_of_its_image_is_cut_out_whole():
    size = (20, 20)
    mask = ball(size, (0, 10), 3)
    patch = lesion_of(np.zeros((1, *size)), mask, np.random.default_rng(0))
    assert patch.mask.sum() == mask.sum()
    assert patch.pixels.shape[1:] == patch.mask.shape == patch.weight.shape
    for axis in range(2):
        assert (patch.weight.take((0, -1), axis) == 0).all()


def test_brightness_is_matched_to_the_surroundings():
    image, mask = np.full((1, 30, 30), 0.2), np.zeros((30, 30))
    weight = np.maximum(ball((11, 11), (5, 5), 4) * 0.5, ball((11, 11), (5, 5), 2))
    lesion = ball((11, 11), (5, 5), 2)
    patch = Patch((0.7 + 0.25 * lesion)[None], lesion, weight)
    image, _ = pasted(image, mask, patch, (10, 10))
    assert image[0, 15, 15] == pytest.approx(0.45)
    np.testing.assert_allclose(image[0][ball((30, 30), (15, 15), 2) == 0], 0.2)


def test_a_lesion_larger_than_the_body_is_not_pasted():
    images, masks = body(2)
    donors, drawn = body(2, lesion=20)
    found = paste_lesions(
        images, masks, donors, drawn, np.random.default_rng(0), share=1.0, ratio=0.2
    )
    np.testing.assert_array_equal(found[1], masks)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"masks": np.zeros((1, 5, 5))}, "`images` must have shape"),
        ({"donor_images": np.zeros((1, 3, 48, 56))}, "same axes and channels"),
        ({"donor_masks": np.zeros((2, 48, 56))}, "`donor_images` must have shape"),
        ({"share": 1.5}, "`share` must lie in"),
        ({"ratio": 0.0}, "`ratio` must be positive"),
        ({"ratio": np.nan}, "`ratio` must be positive"),
    ],
)
def test_what_does_not_fit_is_refused(change, told):
    images, masks = body(2)
    fits = {"images": images, "masks": masks, "donor_images": images, "donor_masks": masks}
    with pytest.raises(EvidenceError, match=told):
        paste_lesions(**{**fits, **change}, rng=np.random.default_rng(0))
