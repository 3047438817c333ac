"""Masks compared: by hand, by MONAI, by SimpleITK, and by laws of swaps, flips and units."""

import math
from itertools import product

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.metrics import compute_hausdorff_distance

from foveal.core.errors import EvidenceError
from foveal.evaluate import (
    count_lesions,
    dice,
    hd95_mm,
    lesion_f1,
    surface_distances,
    two_class_dice,
    voxel_precision,
    voxel_recall,
)

SHAPES = st.sampled_from([(7,), (6, 5), (4, 5, 3)])
SPACINGS = st.sampled_from([0.5, 1.0, 3.0])
few = settings(max_examples=40, deadline=None)


@st.composite
def pairs(draw, shapes=SHAPES, filled=False):
    """Two masks on one grid and the size of its voxels."""
    shape = draw(shapes)
    density = st.integers(0, 3).map(lambda v: v == 0)
    a, b = (draw(arrays(np.bool_, shape, elements=density)) for _ in range(2))
    if filled:
        a.flat[draw(st.integers(0, a.size - 1))] = True
        b.flat[draw(st.integers(0, b.size - 1))] = True
    return a, b, tuple(draw(SPACINGS) for _ in shape)


def boxes(shape, *corners):
    mask = np.zeros(shape, bool)
    for begin, end in corners:
        mask[tuple(slice(b, e) for b, e in zip(begin, end, strict=True))] = True
    return mask


EMPTY = np.zeros((4, 4), bool)
SQUARE = boxes((4, 4), ((0, 0), (2, 2)))


def test_overlap_by_hand():
    other = boxes((4, 4), ((0, 1), (2, 4)))  # 6 pixels, 2 of the 4 in common
    assert dice(other, SQUARE) == pytest.approx(2 * 2 / (4 + 6))
    assert voxel_recall(other, SQUARE) == pytest.approx(2 / 4)
    assert voxel_precision(other, SQUARE) == pytest.approx(2 / 6)
    background = 2 * 8 / (12 + 10)
    assert two_class_dice(other, SQUARE) == pytest.approx((0.4 + background) / 2)


def test_empty_masks_are_defined():
    assert dice(EMPTY, EMPTY) == lesion_f1(EMPTY, EMPTY) == 1
    assert hd95_mm(EMPTY, EMPTY, (1, 1)) == 0
    assert voxel_recall(EMPTY, EMPTY) is None
    for prediction, reference in ((EMPTY, SQUARE), (SQUARE, EMPTY)):
        assert dice(prediction, reference) == lesion_f1(prediction, reference) == 0
        assert hd95_mm(prediction, reference, (1, 1)) is None
    assert voxel_recall(SQUARE, EMPTY) is None
    assert voxel_precision(EMPTY, SQUARE) is None


def test_the_mean_of_two_classes_flatters_who_finds_nothing():
    lesion = boxes((100, 100), ((0, 0), (2, 2)))
    nothing = np.zeros_like(lesion)
    assert dice(nothing, lesion) == 0
    assert two_class_dice(nothing, lesion) > 0.499


@few
@given(pairs())
def test_simpleitk_agrees_on_dice(pair):
    a, b, _ = pair
    if a.ndim == 1:
        a, b = a[None], b[None]
    if not (a.any() or b.any()):
        return
    measures = sitk.LabelOverlapMeasuresImageFilter()
    measures.Execute(*(sitk.GetImageFromArray(m.astype(np.uint8)) for m in (b, a)))
    assert dice(a, b) == pytest.approx(measures.GetDiceCoefficient())


@few
@given(pairs())
def test_swapping_both_masks_swaps_recall_and_precision_alone(pair):
    a, b, spacing = pair
    assert dice(a, b) == dice(b, a)
    assert hd95_mm(a, b, spacing) == hd95_mm(b, a, spacing)
    assert lesion_f1(a, b) == pytest.approx(lesion_f1(b, a))
    assert voxel_recall(a, b) == voxel_precision(b, a)
    one, other = count_lesions(a, b), count_lesions(b, a)
    assert (one.recall, one.precision) == (other.precision, other.recall)


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # its own matter
@few
@given(pairs(st.sampled_from([(6, 5), (4, 5, 3)]), filled=True))
def test_monai_agrees_on_the_distance(pair):
    a, b, spacing = pair
    tensors = (torch.from_numpy(m[None, None]) for m in (a, b))
    theirs = compute_hausdorff_distance(
        *tensors, include_background=True, percentile=95, spacing=list(spacing)
    )
    assert hd95_mm(a, b, spacing) == pytest.approx(float(theirs), rel=1e-5)


@few
@given(pairs(filled=True))
def test_distances_are_those_of_all_pairs_of_surface_voxels(pair):
    a, b, spacing = pair
    points = [_surface_points(m, spacing) for m in (a, b)]
    apart = np.linalg.norm(points[0][:, None] - points[1][None], axis=2)
    there, back = surface_distances(a, b, spacing)
    np.testing.assert_allclose(there, apart.min(axis=1))
    np.testing.assert_allclose(back, apart.min(axis=0))


def _surface_points(mask, spacing):
    """Voxels of which some neighbor across a face is not in the mask or not on the grid."""
    steps = [s * e for e in np.eye(mask.ndim, dtype=int) for s in (-1, 1)]
    inside = {tuple(v) for v in np.argwhere(mask)}
    kept = [v for v in np.argwhere(mask) if any(tuple(v + s) not in inside for s in steps)]
    return np.array(kept) * np.array(spacing)


def test_a_shift_is_as_far_as_its_millimeters():
    a = boxes((12, 12, 12), ((2, 2, 2), (6, 6, 6)))
    for axis, spacing in product(range(3), [(3.0, 1.0, 0.5), (1.0, 1.0, 1.0)]):
        moved = np.roll(a, 2, axis)
        assert hd95_mm(moved, a, spacing) == pytest.approx(2 * spacing[axis])


def test_five_percent_of_stray_voxels_are_forgiven():
    line = boxes((1, 200), ((0, 0), (1, 100)))
    stray = line.copy()
    stray[0, 199] = True
    assert hd95_mm(stray, line, (1, 1)) == 0
    stray[0, 180:] = True
    assert hd95_mm(stray, line, (1, 1)) > 80


@few
@given(pairs(filled=True), st.sampled_from([0.5, 2.0, 10.0]))
def test_units_scale_distances_and_nothing_else_matters(pair, scale):
    a, b, spacing = pair
    larger = tuple(scale * s for s in spacing)
    assert hd95_mm(a, b, larger) == pytest.approx(scale * hd95_mm(a, b, spacing))
    assert hd95_mm(a, a, spacing) == 0
    flipped, turned = (np.flip(m).T for m in (a, b))
    assert hd95_mm(flipped, turned, spacing[::-1]) == pytest.approx(hd95_mm(a, b, spacing))
    assert dice(flipped, turned) == dice(a, b)
    assert lesion_f1(flipped, turned) == pytest.approx(lesion_f1(a, b))


def test_lesions_by_hand():
    reference = boxes((12, 12), ((0, 0), (4, 5)), ((8, 8), (10, 10)), ((0, 10), (1, 11)))
    prediction = boxes((12, 12), ((3, 4), (4, 6)), ((8, 8), (9, 9)), ((11, 0), (12, 3)))
    # 20 pixels, of which 1 is covered: 5 %. 4 of which 1 is: 25 %. 1, missed.
    some = count_lesions(prediction, reference)
    assert (some.reference, some.found, some.predicted, some.true) == (3, 1, 3, 2)
    assert some.f1 == pytest.approx(2 * (1 / 3) * (2 / 3) / (1 / 3 + 2 / 3))
    assert count_lesions(prediction, reference, overlap=0.05).found == 2
    assert count_lesions(prediction, reference, overlap=0.3).found == 0
    assert count_lesions(prediction, reference, overlap=0.0).found == 2
    large = count_lesions(prediction, reference, least=2)
    # The predicted single pixel is not counted, but it finds the lesion it lies on.
    assert (large.reference, large.found, large.predicted, large.true) == (2, 1, 2, 1)


def test_a_share_that_is_met_exactly_counts():
    reference = boxes((10,), ((0,), (10,)))
    prediction = boxes((10,), ((0,), (1,)))
    assert count_lesions(prediction, reference).found == 1


@pytest.mark.parametrize("rank", [2, 3])
def test_voxels_that_meet_at_a_corner_are_one_lesion(rank):
    chain = np.zeros((4,) * rank, bool)
    for i in range(4):
        chain[(i,) * rank] = True
    assert count_lesions(chain, chain).reference == 1
    chain[(1,) * rank] = False
    assert count_lesions(chain, chain).reference == 2


@few
@given(pairs(st.sampled_from([(6, 5), (4, 5, 3)])), st.integers(1, 4))
def test_simpleitk_agrees_on_how_many_lesions_are_large_enough(pair, least):
    a, b, spacing = pair
    parts = sitk.ConnectedComponent(sitk.GetImageFromArray(a.astype(np.uint8)), True)
    sizes = np.bincount(sitk.GetArrayFromImage(parts).ravel())[1:]
    assert count_lesions(b, a, least=least).reference == (sizes >= least).sum()
    mm3 = count_lesions(b, a, least=least * math.prod(spacing), spacing_mm=spacing)
    assert mm3 == count_lesions(b, a, least=least)


def test_every_lesion_found_and_nothing_else_is_1_even_where_outlines_are_poor():
    reference = boxes((10, 10), ((0, 0), (3, 3)), ((6, 6), (9, 9)))
    prediction = boxes((10, 10), ((1, 1), (2, 2)), ((7, 7), (8, 8)))
    assert lesion_f1(prediction, reference) == 1
    assert dice(prediction, reference) < 0.25


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: dice(SQUARE.astype(int), SQUARE), "`prediction` must be a boolean mask, not int"),
        (lambda: dice(SQUARE, SQUARE[:2]), r"must have the reference's shape \(2, 4\)"),
        (lambda: dice(EMPTY[:0], EMPTY[:0]), "a voxel or more"),
        (lambda: dice(np.array(True), np.array(True)), "a voxel or more"),
        (lambda: hd95_mm(SQUARE, SQUARE, (1,)), "2 positive numbers"),
        (lambda: hd95_mm(EMPTY, EMPTY, (1, 0)), "2 positive numbers"),
        (lambda: hd95_mm(SQUARE, SQUARE, (1, math.nan)), "2 positive numbers"),
        (lambda: lesion_f1(SQUARE, SQUARE, overlap=1.5), r"`overlap` must lie in \[0, 1\]"),
        (lambda: lesion_f1(SQUARE, SQUARE, least=-1), "`least` must be a size"),
        (lambda: lesion_f1(SQUARE, SQUARE, spacing_mm=(1, 1, 1)), "2 positive numbers"),
    ],
)
def test_what_does_not_fit_is_told(call, told):
    with pytest.raises(EvidenceError, match=told):
        call()
