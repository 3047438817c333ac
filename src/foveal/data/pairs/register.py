"""Register: a follow-up brought onto the grid of its baseline, and whether that helped."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk  # noqa: N813

from foveal.core.arrays import AnyArray, BoolArray, FloatArray, IntArray
from foveal.core.errors import DataError
from foveal.core.volume import Volume, to_mm
from foveal.data.pairs.grids import LPS, coarse, one_thread, to_image, to_voxels

Kind = Literal["rigid", "affine", "deformable", "none"]
LEVELS_MM = (8.0, 4.0, 2.0)  # from the rough to the fine
ITERATIONS = 50
MOST_SAMPLES = 60_000  # of a level; the metric of more is no better and takes longer
BEND_SAMPLES = 15_000  # of a B-spline, whose every sample costs as much as its parameters
SEED = 1
BINS = 32
STILL_MM = 0.1  # a head that moved less was not moved: resampling would only blur it
CONTROL_MM = 40.0  # between control points of the B-spline


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A follow-up on its baseline's grid.

    Attributes:
        kind: the transform that was applied; `none` where the scan was already in place.
        volume: the follow-up on the baseline's grid; 0 where it has no voxels.
        inside: (I, J, K) where it has.
        before: similarity of the two as they came, see `similarity`.
        after: similarity of the two now.
        matrix: (4, 4) from RAS+ mm of the baseline to RAS+ mm of the follow-up; of a deformable
            transform, its affine part.
        moved_mm: mean distance that points of the head were moved.
        note: what a user should know, or "".
    """

    kind: Kind
    volume: Volume
    inside: BoolArray
    before: float
    after: float
    matrix: FloatArray
    moved_mm: float
    note: str = ""


def similarity(first: AnyArray, second: AnyArray, region: BoolArray, bins: int = BINS) -> float:
    """Normalized mutual information 2 I(A; B) / (H(A) + H(B)) of two images in a region.

    In [0, 1]: 0 for independent images, 1 where either tells the other. Bins are quantiles, so
    that no increasing change of brightness matters.
    """
    a, b = _ranks(first[region], bins), _ranks(second[region], bins)
    joint = np.zeros((bins, bins))
    np.add.at(joint, (a, b), 1)
    joint /= max(joint.sum(), 1)
    entropies = [_entropy(joint.sum(1)), _entropy(joint.sum(0)), _entropy(joint.ravel())]
    both = entropies[0] + entropies[1]
    return float(2 * (both - entropies[2]) / both) if both > 0 else 0.0


def register(
    baseline: Volume, followup: Volume, region: BoolArray, kind: Kind = "rigid"
) -> Registration:
    """The follow-up moved to where the baseline is.

    Mattes mutual information at 8, 4 and 2 mm, on one thread with fixed samples: the same input
    gives the same output. Affine starts from rigid, deformable from affine, and the stage that
    makes the two most similar is applied, none if all lower the similarity; the note says so. Nor
    is one applied that moves the head by less than STILL_MM.

    Args:
        baseline: (I, J, K) scan that stays.
        followup: scan on any grid.
        region: (I, J, K) head or brain at baseline; only it decides.
        kind: `none` resamples by the affines alone.
    Raises:
        DataError: if the two do not overlap, or the optimizer finds nothing to compare.

    Source:
        Mattes et al. 2003, doi:10.1109/TMI.2003.809072, in ITK's version 4 framework."""
    with one_thread():
        fixed = to_image(baseline.voxels, baseline.affine)
        moving = to_image(followup.voxels, followup.affine)
        there = _resampled(baseline, followup, fixed, moving, None)
        before = similarity(baseline.voxels, there[0].voxels, region)
        if kind == "none":
            if not (there[1] & region).any():
                raise DataError(
                    "baseline and follow-up must show the same part of the patient, but do not "
                    "overlap; register them with --registration rigid"
                )
            return Registration("none", *there, before, before, np.eye(4), 0.0)
        best = Registration("none", *there, before, before, np.eye(4), 0.0)
        tried: dict[Kind, float] = {}
        for stage, found in _search(fixed, moving, to_image(region, baseline.affine), kind):
            applied = sitk.CompositeTransform(list(found))
            moved = _moved_mm(applied, baseline, region)
            if moved < STILL_MM:
                continue
            here = _resampled(baseline, followup, fixed, moving, applied)
            tried[stage] = similarity(baseline.voxels, here[0].voxels, region)
            if tried[stage] >= best.after:
                linear = _linear(found[0])
                best = Registration(stage, *here, before, tried[stage], linear, moved)
    if kind not in tried or best.kind == kind:
        return best
    where = "where its header says" if best.kind == "none" else f"where {best.kind} puts it"
    note = (
        f"registration ({kind}) would lower the similarity from {best.after:.3f} to "
        f"{tried[kind]:.3f}, so the follow-up stays {where}"
    )
    return replace(best, note=note)


def _search(
    fixed: sitk.Image, moving: sitk.Image, mask: sitk.Image, kind: Kind
) -> list[tuple[Kind, tuple[sitk.Transform, ...]]]:
    """Stages from rigid up to `kind`; of each, transforms whose composition, the last applied
    first, maps the baseline to the follow-up.
    """
    levels = [(coarse(fixed, mm), coarse(moving, mm), coarse(mask, mm)) for mm in LEVELS_MM]
    stages: list[tuple[Kind, tuple[sitk.Transform, ...]]] = []
    try:
        rigid: Any = sitk.Euler3DTransform(_start(*levels[0]))
        for level in levels:
            rigid = _descend(*level, rigid)
        stages.append(("rigid", (rigid,)))
        if kind == "rigid":
            return stages
        affine: Any = sitk.AffineTransform(3)
        affine.SetMatrix(rigid.GetMatrix())
        affine.SetTranslation(rigid.GetTranslation())
        affine.SetCenter(rigid.GetCenter())
        for level in levels[1:]:
            affine = _descend(*level, affine)
        stages.append(("affine", (affine,)))
        if kind == "deformable":
            stages.append((kind, (affine, _bend(*levels[1], affine))))
        return stages
    except RuntimeError as error:
        raise DataError(
            "baseline and follow-up must show the same part of the patient, but registration "
            "finds too few voxels of both; look at the two images, or give a `brain` mask"
        ) from error


def _start(fixed: sitk.Image, moving: sitk.Image, mask: sitk.Image) -> sitk.Transform:
    """By the headers or by the centers of mass, whichever fits better."""
    by_mass = sitk.CenteredTransformInitializer(
        fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.MOMENTS
    )
    by_mass = sitk.Euler3DTransform(by_mass)
    by_header = sitk.Euler3DTransform(by_mass)
    by_header.SetTranslation((0.0, 0.0, 0.0))
    inside = sitk.GetArrayFromImage(mask).astype(bool)
    shown = sitk.GetArrayFromImage(fixed)
    fits = [
        similarity(shown, sitk.GetArrayFromImage(sitk.Resample(moving, fixed, t)), inside)
        for t in (by_header, by_mass)
    ]
    return by_mass if fits[1] > fits[0] else by_header


def _method(
    fixed: sitk.Image, mask: sitk.Image, most: int = MOST_SAMPLES
) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(BINS)
    inside = int(sitk.GetArrayViewFromImage(mask).sum())
    if inside > most:
        method.SetMetricSamplingStrategy(method.RANDOM)
        method.SetMetricSamplingPercentage(most / inside, SEED)
    method.SetMetricFixedMask(mask)
    method.SetInterpolator(sitk.sitkLinear)
    return method


def _descend(
    fixed: sitk.Image, moving: sitk.Image, mask: sitk.Image, start: sitk.Transform
) -> sitk.Transform:
    method = _method(fixed, mask)
    step = max(fixed.GetSpacing()) / 2
    # Conjugate gradients with a line search: a regular step is cut in scaled parameters, in which
    # a pure turn of the head leaps by radians (errors of 3 to 50 mm where this makes 0.1 to 0.4).
    method.SetOptimizerAsConjugateGradientLineSearch(
        learningRate=1.0,
        numberOfIterations=ITERATIONS,
        convergenceMinimumValue=1e-5,
        convergenceWindowSize=5,
        lineSearchEpsilon=0.2,
        lineSearchMaximumIterations=6,
        estimateLearningRate=method.EachIteration,
        maximumStepSizeInPhysicalUnits=step,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(start, inPlace=False)
    found = method.Execute(fixed, moving)
    kind = type(start)
    return kind(found.GetNthTransform(0) if _composed(found) else found)


def _bend(
    fixed: sitk.Image, moving: sitk.Image, mask: sitk.Image, linear: sitk.Transform
) -> sitk.Transform:
    extent = np.array(fixed.GetSize()) * fixed.GetSpacing()
    mesh = np.maximum(np.rint(extent / CONTROL_MM), 1).astype(int).tolist()
    spline = sitk.BSplineTransformInitializer(fixed, mesh, 3)
    method = _method(fixed, mask, BEND_SAMPLES)
    method.SetOptimizerAsLBFGSB(numberOfIterations=12, maximumNumberOfFunctionEvaluations=20)
    method.SetMovingInitialTransform(linear)
    method.SetInitialTransform(spline, inPlace=False)
    found = method.Execute(fixed, moving)
    return sitk.BSplineTransform(found.GetNthTransform(0) if _composed(found) else found)


def _composed(transform: sitk.Transform) -> bool:
    return bool(transform.GetName() == "CompositeTransform")


def _resampled(
    baseline: Volume,
    followup: Volume,
    fixed: sitk.Image,
    moving: sitk.Image,
    moved: sitk.Transform | None,
) -> tuple[Volume, BoolArray]:
    """The follow-up on the baseline's grid, and where it has voxels; exact where grids agree."""
    if moved is None and baseline.same_grid(followup):
        voxels = followup.voxels.astype(np.float32)
        return Volume(voxels, baseline.affine), np.ones(voxels.shape, bool)
    # A cubic spline keeps the sharpness that a linear one would take from one of the two.
    transform = sitk.Transform() if moved is None else moved
    thin = min(moving.GetSize()) < 4
    how = sitk.sitkLinear if thin else sitk.sitkBSpline
    voxels = to_voxels(sitk.Resample(moving, fixed, transform, how, 0.0, sitk.sitkFloat32))
    ones = sitk.Image(moving.GetSize(), sitk.sitkUInt8) + 1
    ones.CopyInformation(moving)
    near = sitk.sitkNearestNeighbor
    inside = to_voxels(sitk.Resample(ones, fixed, transform, near, 0.0)) > 0
    low, high = float(followup.voxels.min()), float(followup.voxels.max())
    clipped = np.where(inside, np.clip(voxels, low, high), 0).astype(np.float32)
    return Volume(clipped, baseline.affine), inside


def _linear(linear: Any) -> FloatArray:
    """(4, 4) RAS+ matrix of the linear transform."""
    matrix = np.array(linear.GetMatrix()).reshape(3, 3)
    center = np.array(linear.GetCenter())
    lps = np.eye(4)
    lps[:3, :3] = matrix
    lps[:3, 3] = np.array(linear.GetTranslation()) + center - matrix @ center
    ras: FloatArray = LPS @ lps @ LPS
    return ras


def _moved_mm(transform: sitk.Transform, baseline: Volume, region: BoolArray) -> float:
    index = np.argwhere(region)
    index = index[:: max(1, len(index) // 500)]
    if not len(index):
        return 0.0
    points = to_mm(baseline.affine, index) * (-1, -1, 1)
    moved = np.array([transform.TransformPoint(p) for p in points.tolist()])
    return float(np.linalg.norm(moved - points, axis=1).mean())


def _ranks(values: AnyArray, bins: int) -> IntArray:
    """(n,) bins in [0, bins): quantiles, equal values in one bin."""
    if not values.size:
        return np.zeros(0, np.int64)
    numbers = values.astype(np.float64)
    edges = np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1])
    return np.asarray(np.searchsorted(edges, numbers, side="right"))


def _entropy(p: FloatArray) -> float:
    positive = p[p > 0]
    return float(-(positive * np.log(positive)).sum())
