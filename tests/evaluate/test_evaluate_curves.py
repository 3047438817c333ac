"""Learning curves: areas and crossings in closed form, whatever the axis's unit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc

from foveal.core.errors import EvidenceError
from foveal.evaluate import aubc, labels_to_target

unit = st.floats(0, 1, allow_subnormal=False)


@st.composite
def curves(draw, least=1):
    labels = sorted(draw(st.sets(st.integers(0, 500), min_size=least, max_size=8)))
    values = draw(st.lists(unit, min_size=len(labels), max_size=len(labels)))
    return labels, values


@given(curves(), unit)
def test_the_area_of_a_constant_is_the_constant(curve, constant):
    labels, _ = curve
    assert aubc(labels, [constant] * len(labels)) == pytest.approx(constant)


@given(curves(least=2))
def test_scikit_learn_agrees_on_the_area(curve):
    labels, values = curve
    assert aubc(labels, values) == pytest.approx(auc(labels, values) / (labels[-1] - labels[0]))


@given(curves(), st.integers(1, 60), st.integers(0, 90), unit)
def test_the_unit_of_the_axis_does_not_matter(curve, scale, shift, target):
    labels, values = curve
    other = [scale * x + shift for x in labels]
    assert aubc(other, values) == pytest.approx(aubc(labels, values))
    here, there = labels_to_target(labels, values, target), labels_to_target(other, values, target)
    assert there == (None if here is None else pytest.approx(scale * here + shift))


@given(curves())
def test_the_area_lies_between_the_extremes(curve):
    labels, values = curve
    assert min(values) - 1e-12 <= aubc(labels, values) <= max(values) + 1e-12


def test_the_area_of_a_ramp_is_one_half_at_any_spacing():
    assert aubc([30, 40, 130], [0.0, 0.1, 1.0]) == pytest.approx(0.5)


@given(curves(), unit, st.data())
def test_points_without_a_value_are_as_if_never_measured(curve, target, data):
    labels, values = curve
    gone = data.draw(st.sets(st.sampled_from(range(len(labels)))))
    holed = [None if i in gone else v for i, v in enumerate(values)]
    kept = [i for i in range(len(labels)) if i not in gone]
    rest = [labels[i] for i in kept], [values[i] for i in kept]
    assert aubc(labels, holed) == aubc(*rest)
    assert labels_to_target(labels, holed, target) == labels_to_target(*rest, target)


def test_no_value_at_all():
    assert aubc([1, 2], [None, None]) is None
    assert aubc([], []) is None
    assert labels_to_target([1, 2], [None, None], 0.5) is None


@given(curves(), unit)
def test_the_target_lies_on_the_curve_and_not_before(curve, target):
    labels, values = curve
    found = labels_to_target(labels, values, target)
    if found is None:
        assert max(values) < target
    else:
        assert np.interp(found, labels, values) >= target - 1e-6
        before = [v for x, v in zip(labels, values, strict=True) if x < found - 1e-6]
        assert all(v < target for v in before)


@given(curves(), unit)
def test_lower_is_better_is_the_mirror_image(curve, target):
    labels, values = curve
    mirrored = labels_to_target(labels, [-v for v in values], -target, lower_is_better=True)
    assert mirrored == labels_to_target(labels, values, target)


def test_crossings_in_closed_form():
    labels, values = [30, 60, 90], [0.5, 0.7, 0.9]
    assert labels_to_target(labels, values, 0.4) == 30
    assert labels_to_target(labels, values, 0.6) == pytest.approx(45)
    assert labels_to_target(labels, values, 0.9) == pytest.approx(90)
    assert labels_to_target(labels, values, 0.91) is None
    assert labels_to_target([30, 60], [0.4, 0.2], 0.3, lower_is_better=True) == pytest.approx(45)


def test_a_mean_that_equals_the_target_but_for_rounding_reaches_it():
    assert labels_to_target([1, 2], [0.1, 0.1 + 0.2], 0.3 + 1e-16) == pytest.approx(2)
    assert labels_to_target([1, 2], [0.0, 0.3], 0.1 + 0.2) == pytest.approx(2)


@pytest.mark.parametrize(
    ("labels", "values"),
    [
        ([1, 2], [0.5]),
        ([2, 1], [0.5, 0.5]),
        ([1, 1], [0.5, 0.5]),
        ([1, 2], [0.5, float("nan")]),
        ([1, float("inf")], [0.5, 0.5]),
    ],
)
def test_curves_that_are_none_are_refused(labels, values):
    with pytest.raises(EvidenceError, match="curve"):
        aubc(labels, values)
