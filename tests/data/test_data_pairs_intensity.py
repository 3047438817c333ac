"""Brightness made comparable: scale and drift do not matter, changes keep their sign and place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import DataError
from foveal.core.volume import Volume
from foveal.data.pairs.intensity import (
    CLIP,
    MAD_TO_SD,
    difference,
    foreground,
    histogram_matched,
    matched,
    robust_scale,
    without_bias,
    zscores,
)
from head_phantom import grid, head, lesion_mask

HEAD = head(noise=15)
REGION = foreground(HEAD.voxels)
ALL = np.ones(REGION.shape, bool)


def test_the_foreground_is_the_head_with_its_dark_ventricles():
    clean = head().voxels
    assert REGION[clean > 400].all()
    outside = clean < 50
    outside[12:28, 14:32] = False  # the ventricles, dark too, belong to the head
    assert not REGION[outside].any()
    assert REGION[20, 23, 13]


def test_the_foreground_of_one_value_is_everything():
    assert foreground(np.full((3, 4, 5), 7)).all()


@given(gain=st.floats(0.01, 100), shift=st.floats(-1000, 1000))
def test_scores_do_not_depend_on_gain_and_shift(gain, shift):
    first = zscores(HEAD.voxels, REGION)
    second = zscores(HEAD.voxels.astype(float) * gain + shift, REGION)
    np.testing.assert_allclose(first, second, atol=2e-3)
    assert np.abs(first).max() <= CLIP


def test_the_robust_scale_of_five_numbers():
    values = np.array([[[1.0, 2, 3, 4, 100]]])
    assert robust_scale(values, np.ones_like(values, bool)) == (3.0, MAD_TO_SD)


@pytest.mark.parametrize("how", ["zscore", "histogram"])
def test_another_scanner_makes_no_difference_and_a_lesion_does(how):
    later = head(noise=15, seed=5, lesion=True).voxels * 1.7 + 40
    first, second = matched(HEAD.voxels, later, REGION, ALL, how)
    change = difference(first, second, ALL)
    lesion = lesion_mask()
    assert np.abs(change[REGION & ~lesion]).mean() < 0.2 * change[lesion].mean()
    assert (change[lesion] > 0).all()
    np.testing.assert_allclose(difference(second, first, ALL), -change)


def test_matched_quantiles_agree_and_order_is_kept():
    other = np.sqrt(HEAD.voxels) * 9 + 3
    mapped = histogram_matched(other, REGION, HEAD.voxels, REGION)
    wanted = np.quantile(HEAD.voxels[REGION], [0.1, 0.5, 0.9])
    np.testing.assert_allclose(np.quantile(mapped[REGION], [0.1, 0.5, 0.9]), wanted, rtol=0.01)
    order = np.argsort(other[REGION], kind="stable")
    assert (np.diff(mapped[REGION][order]) >= -1e-3).all()
    same = histogram_matched(HEAD.voxels, REGION, HEAD.voxels, REGION)
    np.testing.assert_allclose(same, HEAD.voxels, atol=0.05)


def test_no_difference_where_the_follow_up_was_not_scanned():
    inside = np.zeros(REGION.shape, bool)
    inside[..., :5] = True
    change = difference(np.zeros(REGION.shape), np.full(REGION.shape, 3.0), inside)
    assert (change[inside] == 0.5).all()
    assert (change[~inside] == 0).all()


def test_a_drift_of_brightness_is_taken_out():
    shape = (27, 31, 20)
    clean = head(affine=grid(shape, (6, 6, 8)), shape=shape)
    region = foreground(clean.voxels)
    i, j, _ = np.indices(shape)
    drift = np.exp(0.6 * (i / 26 - 0.5) - 0.4 * (j / 30 - 0.5))
    spoiled = Volume((clean.voxels * drift).astype(np.float32), clean.affine)
    fixed, again = (without_bias(spoiled, region) for _ in range(2))

    def leftover(volume):
        bright = region & (clean.voxels > 300)
        return np.log(volume.voxels[bright] / clean.voxels[bright]).std()

    assert leftover(fixed) < 0.4 * leftover(spoiled)
    np.testing.assert_allclose(fixed.voxels, again.voxels, rtol=1e-5)


def test_computed_tomography_has_no_such_drift():
    ct = Volume(HEAD.voxels - 1000, HEAD.affine)
    assert without_bias(ct, REGION) is ct


def test_one_value_is_no_image():
    flat = np.full(REGION.shape, 5.0)
    with pytest.raises(DataError, match="must differ in brightness"):
        zscores(flat, REGION)
    with pytest.raises(DataError, match="must differ in brightness"):
        histogram_matched(flat, REGION, HEAD.voxels, REGION)
