"""Means over subjects: each counts once, and what has no value is left out and counted."""

import numpy as np
import pytest

from foveal.core.errors import EvidenceError
from foveal.evaluate import Case, case_metrics, dice, subject_metrics

SPACING = (2.0, 1.0, 1.0)


def volume(*voxels):
    mask = np.zeros((3, 4, 4), bool)
    for v in voxels:
        mask[v] = True
    return mask


LESION = volume((0, 0, 0), (0, 0, 1), (0, 0, 2))
PART = volume((0, 0, 0))
NOTHING = volume()


def test_a_case_has_all_metrics():
    record = case_metrics(PART, LESION, SPACING)
    assert record == {
        "dice": 0.5,
        "hd95_mm": pytest.approx(1.9),  # the two farther voxels lie at 1 and 2 mm
        "lesion_f1": 1.0,
        "lesion_recall": 1.0,
        "lesion_precision": 1.0,
        "voxel_recall": pytest.approx(1 / 3),
        "voxel_precision": 1.0,
        "two_class_dice": pytest.approx((0.5 + 2 * 45 / 92) / 2),
    }


def test_means_are_over_subjects_and_undefined_values_are_counted():
    cases = [
        Case("a", LESION, LESION, SPACING),
        Case("b", NOTHING, LESION, SPACING),
        Case("c", NOTHING, NOTHING, SPACING),
    ]
    found = subject_metrics(iter(cases))
    assert found.subjects == 3
    assert found.means["dice"] == pytest.approx((1 + 0 + 1) / 3)
    assert found.means["hd95_mm"] == 0  # of a and c; b has no distance
    assert found.undefined["hd95_mm"] == 1
    assert found.undefined["dice"] == 0
    assert found.means["voxel_recall"] == pytest.approx(0.5)
    assert found.undefined["voxel_recall"] == 1
    assert found.undefined["voxel_precision"] == 2
    assert list(found.records) == ["a", "b", "c"]


def test_a_subject_with_many_volumes_counts_once():
    cases = [Case("a", LESION, LESION, SPACING)] * 9 + [Case("b", NOTHING, LESION, SPACING)]
    assert subject_metrics(cases).means["dice"] == pytest.approx(0.5)
    mixed = [Case("a", PART, LESION, SPACING), Case("a", LESION, LESION, SPACING)]
    assert subject_metrics(mixed).records["a"]["dice"] == pytest.approx(0.75)


def test_a_value_that_exists_for_no_subject_has_no_mean():
    found = subject_metrics([Case("a", NOTHING, LESION, SPACING)])
    assert found.means["hd95_mm"] is None
    assert found.undefined["hd95_mm"] == found.subjects == 1


def test_the_dice_of_a_subject_is_not_the_mean_of_its_slices():
    rng = np.random.default_rng(0)
    reference, prediction = rng.random((2, 3, 4, 4)) < 0.3
    found = subject_metrics([Case("a", prediction, reference, SPACING)])
    assert found.records["a"]["dice"] == dice(prediction, reference)
    by_slice = np.mean([dice(p, r) for p, r in zip(prediction, reference, strict=True)])
    assert found.records["a"]["dice"] != pytest.approx(by_slice)


def test_lesions_too_small_to_count_are_left_out():
    cases = [Case("a", NOTHING, PART, SPACING)]
    assert subject_metrics(cases).means["lesion_f1"] == 0
    assert subject_metrics(cases, least_mm3=3).means["lesion_f1"] == 1  # the voxel has 2 mm3
    with pytest.raises(EvidenceError, match="`overlap`"):
        subject_metrics(cases, overlap=2)


def test_nobody_has_no_mean():
    with pytest.raises(EvidenceError, match="one volume or more"):
        subject_metrics([])
