"""Image and region move together, and stay what they are."""

import pytest
import torch

from foveal.models.augment import BRIGHTNESS, CONTRAST, augment
from foveal.models.compute import seeded


def shapes(n=6, size=32):
    """(n, size, size) soft blobs that are 0 at the rim and 1 somewhere."""
    axis = torch.linspace(-1, 1, size)
    low = torch.exp(-8 * (axis[:, None] - 0.2) ** 2 - 20 * (axis[None] + 0.1) ** 2)
    blob = (2 * low - 0.2).clamp(0, 1)
    return blob.expand(n, -1, -1).clone()


def moved(seed, images, regions, **options):
    with seeded(seed):
        return augment(images, regions, **options)


@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_range_stay(channels):
    regions = shapes(4, 24)
    images = torch.rand(4, channels, 24, 24, generator=torch.Generator().manual_seed(0))
    new_images, new_regions = moved(0, images, regions)
    assert new_images.shape == images.shape
    assert new_regions.shape == regions.shape
    for new in (new_images, new_regions):
        assert new.min() >= 0
        assert new.max() <= 1


def test_an_image_equal_to_its_region_still_is_up_to_gain_and_brightness():
    regions = shapes()
    images, regions = moved(1, regions[:, None].clone(), regions)
    for image, region in zip(images[:, 0], regions, strict=True):
        inside = (image > 0) & (image < 1)  # where nothing was cut off
        x, y = region[inside].double(), image[inside].double()
        gain = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
        shift = y.mean() - gain * x.mean()
        torch.testing.assert_close(gain * x + shift, y, rtol=0, atol=1e-5)
        assert abs(gain - 1) <= CONTRAST + 1e-5
        assert abs(shift) <= BRIGHTNESS + 1e-5


def test_each_sample_moves_its_own_way_and_the_region_does_move():
    regions = shapes()
    _, new = moved(2, regions[:, None].clone(), regions)
    for i in range(len(new)):
        assert not torch.allclose(new[i], regions[i], atol=0.05)
        assert not torch.allclose(new[i], new[(i + 1) % len(new)], atol=0.05)


def test_regions_keep_about_their_size():
    regions = shapes(32)
    _, new = moved(3, regions[:, None].clone(), regions)
    share = new.sum((1, 2)) / regions.sum((1, 2))
    assert share.min() > 1 / 1.4
    assert share.max() < 1.4


@pytest.mark.parametrize("flips", [True, False])
def test_only_with_flips_does_left_become_right(flips):
    images = torch.zeros(40, 1, 16, 16)
    images[..., 8:] = 1  # bright on the right; no rotation of 15 degrees changes that
    new, _ = moved(4, images, images[:, 0], flips=flips)
    left = (new[:, 0, :, :8].mean((1, 2)) > new[:, 0, :, 8:].mean((1, 2))).sum()
    assert (5 < left < 35) if flips else left == 0


def test_a_seed_gives_the_same_again_and_another_something_else():
    regions = shapes()
    first, again, other = (moved(s, regions[:, None].clone(), regions) for s in (5, 5, 6))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


def test_what_goes_in_is_not_changed():
    regions, images = shapes(), shapes()[:, None].clone()
    before = images.clone(), regions.clone()
    moved(7, images, regions)
    assert torch.equal(images, before[0])
    assert torch.equal(regions, before[1])
