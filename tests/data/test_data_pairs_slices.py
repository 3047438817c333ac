"""Slices: what is drawn on them goes back, and no change is no change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from foveal.core.volume import facing_of
from foveal.data.pairs import decoded_difference
from foveal.data.pairs.intensity import CLIP
from foveal.data.pairs.slices import cut, encoded

AXIAL = np.diag([-1.0, -1.0, 4.0, 1.0])
CORONAL = np.array([[1.0, 0, 0, 0], [0, 0, 5.0, 0], [0, 1.0, 0, 0], [0, 0, 0, 1]])


@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(-1.5, 1.5)))
def test_the_difference_is_decoded_with_its_sign(d):
    images = encoded(np.zeros_like(d), np.zeros_like(d), d)
    found = decoded_difference(images)
    np.testing.assert_allclose(found, np.clip(d, -1, 1), atol=1 / 65535 + 1e-12)


def test_no_difference_is_the_middle_in_sixteen_bits_and_in_eight():
    zero = np.zeros((1, 1))
    image = encoded(zero, zero + CLIP, zero)[0, 0]
    np.testing.assert_array_equal(image, [32768, 65535, 32768])
    assert abs(decoded_difference(image)) <= 1 / 65535
    assert image[2] // 256 == 128


@pytest.mark.parametrize("affine", [AXIAL, CORONAL])
def test_slices_are_squares_that_go_back_to_the_volume(affine):
    rng = np.random.default_rng(0)
    shape = (7, 10, 5)
    base, later = rng.normal(size=(2, *shape))
    shown = np.zeros(shape, bool)
    shown[2:5, 2:9, 1:4] = True
    mask = np.zeros(shape, bool)
    mask[3, 4, 0] = True
    slices = cut(base, later, later - base, affine, shown, mask)
    assert slices.images.shape == (4, 10, 10, 3)
    assert slices.left_out == 1
    assert slices.index.tolist() == [0, 1, 2, 3]
    assert slices.masks.sum() == 1
    assert slices.masks[0].sum() == 1
    np.testing.assert_array_equal(slices.to_voxels(slices.masks, shape), mask)
    expected = encoded(base, later, later - base)[..., 1]
    np.testing.assert_array_equal(
        slices.to_voxels(slices.images[..., 1], shape)[..., :4], expected[..., :4]
    )
    around = np.ones((10, 10), bool)
    (top, left), (height, width) = slices.offset, slices.size
    around[top : top + height, left : left + width] = False
    assert around.any()
    np.testing.assert_array_equal(np.unique(slices.images[0][around], axis=0), [[0, 0, 32768]])
    assert slices.facing == facing_of(affine)


def test_without_a_reference_there_are_no_masks():
    zero = np.zeros((4, 4, 3))
    slices = cut(zero, zero, zero, AXIAL, np.ones((4, 4, 3), bool), None)
    assert slices.masks is None
    assert slices.spacing_mm == (4.0, 1.0, 1.0)
