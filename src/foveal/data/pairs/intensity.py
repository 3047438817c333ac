"""Intensities of two scans made comparable: foreground, bias field, robust scale, difference."""

from typing import Literal

import numpy as np
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage

from foveal.core.arrays import AnyArray, BoolArray, FloatArray
from foveal.core.errors import DataError
from foveal.core.volume import Volume
from foveal.data.pairs.grids import coarse, to_image, to_voxels

Match = Literal["zscore", "histogram"]
CLIP = (
    6.0  # robust standard deviations from the median to black, to white, and to a full difference
)
MAD_TO_SD = 1.4826  # of a normal distribution
BIAS_MM = 4.0  # grid on which the bias field, which varies over centimeters, is fitted
BIAS_ITERATIONS = (30, 30, 20)
QUANTILES = np.linspace(0.01, 0.99, 50)


def foreground(voxels: AnyArray) -> BoolArray:
    """(I, J, K) head or body: above Otsu's threshold, its largest part, holes of slices filled.

    All True where every voxel has one value. Slices are the third axis or, in a volume that is cut
    otherwise, whatever that axis is; a hole is filled if it is closed in any of the three cuts.
    """
    if voxels.min() == voxels.max():
        return np.ones(voxels.shape, bool)
    # The brightest half per cent (vessels, artifacts) must not draw the threshold up.
    shown = voxels.astype(np.float32)
    capped = np.minimum(shown, np.percentile(shown, 99.5)).astype(np.float32)
    image = sitk.GetImageFromArray(capped)
    above: BoolArray = sitk.GetArrayFromImage(sitk.OtsuThreshold(image, 0, 1)).astype(bool)
    parts, n = ndimage.label(above)
    if n > 1:
        above = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    filled = above
    for axis in range(3):
        flat = np.expand_dims(ndimage.generate_binary_structure(2, 1), axis)
        filled = filled | ndimage.binary_fill_holes(above, flat)
    return np.asarray(filled)


def without_bias(volume: Volume, region: BoolArray) -> Volume:
    """The volume divided by the slow drift of brightness that coils leave (N4), fitted in `region`.

    A volume with values below zero (CT) has no such drift and comes back as it is.

    Source:
        Tustison et al. 2010, doi:10.1109/TMI.2010.2046908."""
    if float(volume.voxels.min()) < 0 or not region.any():
        return volume
    image = to_image(volume.voxels, volume.affine)
    fitter = sitk.N4BiasFieldCorrectionImageFilter()
    fitter.SetMaximumNumberOfIterations(BIAS_ITERATIONS)
    try:
        fitter.Execute(coarse(image, BIAS_MM), coarse(to_image(region, volume.affine), BIAS_MM))
    except RuntimeError as error:
        raise DataError(
            "the bias field must be fitted to several voxels of the head, but could not be; "
            "give a `brain` mask, or leave the correction out with --no-bias"
        ) from error
    field = np.exp(to_voxels(fitter.GetLogBiasFieldAsImage(image)))
    return Volume((volume.voxels / field).astype(np.float32), volume.affine)


def robust_scale(voxels: AnyArray, region: BoolArray) -> tuple[float, float]:
    """Median, and the median absolute deviation as a standard deviation, of voxels in `region`.

    Raises:
        DataError: if at least half of the voxels have one value.
    """
    values = voxels[region].astype(np.float64)
    median = float(np.median(values)) if values.size else 0.0
    spread = MAD_TO_SD * float(np.median(np.abs(values - median))) if values.size else 0.0
    if spread <= 0:
        raise DataError(
            "voxels of the head must differ in brightness, but half of them have one value; is "
            "this an image, and not a mask?"
        )
    return median, spread


def zscores(voxels: AnyArray, region: BoolArray) -> FloatArray:
    """Robust standard deviations from the median of `region`, clipped to [-CLIP, CLIP]."""
    median, spread = robust_scale(voxels, region)
    return _scaled(voxels, median, spread)


def histogram_matched(
    voxels: AnyArray, region: BoolArray, other: AnyArray, other_region: BoolArray
) -> FloatArray:
    """Voxels mapped so that their quantiles in `region` become those of `other`.

    The map is increasing and piecewise linear between 50 quantiles, and goes on with the slope of
    the whole beyond the first and the last, so that the brightest lesion stays so.

    Source:
        Nyul, Udupa, Zhang 2000, doi:10.1109/42.836373."""
    here = np.quantile(voxels[region].astype(np.float64), QUANTILES)
    there = np.quantile(other[other_region].astype(np.float64), QUANTILES)
    kept = np.concatenate([[True], np.diff(here) > 0])
    here, there = here[kept], there[kept]
    if len(here) < 2:
        raise DataError("voxels of the head must differ in brightness, but have one value")
    slope = (there[-1] - there[0]) / (here[-1] - here[0])
    values = voxels.astype(np.float64)
    mapped = np.interp(values, here, there)
    mapped += slope * (np.minimum(values - here[0], 0) + np.maximum(values - here[-1], 0))
    matched_to: FloatArray = mapped.astype(np.float32)
    return matched_to


def matched(
    baseline: AnyArray, followup: AnyArray, region: BoolArray, inside: BoolArray, how: Match
) -> tuple[FloatArray, FloatArray]:
    """Both time points on one scale of robust standard deviations in [-CLIP, CLIP].

    Args:
        baseline: (I, J, K).
        followup: (I, J, K) on the same grid.
        region: (I, J, K) head, or brain.
        inside: (I, J, K) where the follow-up was scanned.
        how: `zscore` scales each by its own median and spread, `histogram` brings the follow-up's
            quantiles to the baseline's and scales both by the baseline's.
    """
    seen = region & inside
    if how == "zscore":
        return zscores(baseline, region), zscores(followup, seen)
    median, spread = robust_scale(baseline, region)
    same = histogram_matched(followup, seen, baseline, seen)
    return _scaled(baseline, median, spread), _scaled(same, median, spread)


def difference(baseline: FloatArray, followup: FloatArray, inside: BoolArray) -> FloatArray:
    """Follow-up less baseline as a share of CLIP, in [-1, 1]; 0 where the follow-up has no voxels.

    Both in robust standard deviations; brighter at follow-up is positive.
    """
    share: FloatArray = np.clip((followup - baseline) / CLIP, -1, 1)
    return np.where(inside, share, 0).astype(np.float32)


def _scaled(voxels: AnyArray, median: float, spread: float) -> FloatArray:
    scaled = (voxels.astype(np.float32) - median) / spread
    clipped: FloatArray = np.clip(scaled, -CLIP, CLIP).astype(np.float32)
    return clipped
