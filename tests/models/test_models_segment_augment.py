"""Augmentation moves image and mask as one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foveal.models.compute import seeded
from foveal.models.segment.augment import LARGEST_NOISE, augment_pixels

BOTH = pytest.mark.parametrize("dimensions", [2, 3])


def block(n, dimensions, side=12):
    """Masks with a block near the first corner, and images that are the masks."""
    masks = torch.zeros(n, *(side,) * dimensions)
    masks[(slice(None), *[slice(2, 5)] * dimensions)] = 1
    return masks[:, None].repeat(1, 2, *[1] * dimensions), masks


def augmented(seed, dimensions=2, flips=True, n=6):
    with seeded(seed):
        return augment_pixels(*block(n, dimensions), flips)


@BOTH
@given(seed=st.integers(0, 10**6), flips=st.booleans())
def test_image_and_mask_move_together(dimensions, seed, flips):
    images, masks = augmented(seed, dimensions, flips, n=2)
    for values in (images, masks):
        assert values.min() >= 0
        assert values.max() <= 1
    inside, outside = masks > 0.99, masks < 0.01
    assert inside.any()
    for channel in (images[:, 0], images[:, 1]):
        assert (channel[inside] > 1 - 6 * LARGEST_NOISE).all()
        assert (channel[outside] < 0.1 + 6 * LARGEST_NOISE).all()


@BOTH
def test_without_flips_nothing_changes_sides(dimensions):
    def middles(flips):
        _, masks = augmented(0, dimensions, flips, n=40)
        axis = torch.arange(12) - 5.5
        total = masks.flatten(1).sum(1)
        sums = [masks.movedim(i + 1, 1).flatten(2).sum(2) @ axis for i in range(dimensions)]
        return torch.stack(sums, 1) / total[:, None]

    assert (middles(False) < 0).all()
    sides = {tuple(row) for row in (middles(True) > 0).tolist()}
    assert len(sides) == 2**dimensions


def test_chance_is_the_callers():
    for one, two in zip(augmented(3), augmented(3), strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(augmented(3)[1], augmented(4)[1])


def test_samples_move_apart():
    _, masks = augmented(0)
    assert not torch.equal(masks[0], masks[1])
