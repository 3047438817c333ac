"""Foreground efficiency: a known exponent is found, and flat, falling and short curves answered."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from foveal.core.errors import EvidenceError
from foveal.evaluate import foreground_efficiency, share_to_full

SHARES = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5]
few = settings(max_examples=30, deadline=None)


def curve(b, a=0.6, c=0.8, x0=0.02):
    return [c - a * np.exp(-b * (x - x0)) for x in SHARES]


@few
@given(st.floats(0.5, 60), st.floats(0.05, 1), st.floats(0, 1))
def test_a_known_curve_is_found(b, a, c):
    fit = foreground_efficiency(SHARES, curve(b, a, c))
    assert fit.b == pytest.approx(b, rel=1e-3)
    assert fit.a == pytest.approx(a, rel=1e-3)
    assert fit.c == pytest.approx(c, abs=1e-3)
    assert fit.error == pytest.approx(0, abs=1e-6)
    assert not fit.at_bound
    assert fit.at(0.1) == pytest.approx(curve(b, a, c)[2], abs=1e-6)


@few
@given(st.integers(0, 50))
def test_scipy_fits_a_noisy_curve_no_better(seed):
    y = np.array(curve(8)) + np.random.default_rng(seed).normal(0, 0.01, len(SHARES))
    fit = foreground_efficiency(SHARES, y.tolist())
    x = np.array(SHARES)

    def model(x, a, b, c):
        return c - a * np.exp(-b * (x - x[0]))

    (a, b, c), _ = curve_fit(model, x, y, p0=(fit.a, fit.b, fit.c), maxfev=10000)
    theirs = np.sqrt(np.mean((model(x, a, b, c) - y) ** 2))
    assert fit.error <= theirs + 1e-7
    assert fit.b == pytest.approx(b, rel=1e-2)


@few
@given(st.floats(0.5, 50), st.sampled_from([0.1, 2.0, 100.0]))
def test_the_exponent_is_in_the_unit_of_the_axis_and_not_in_that_of_the_metric(b, scale):
    plain = foreground_efficiency(SHARES, curve(b))
    scaled = foreground_efficiency([scale * x for x in SHARES], curve(b))
    assert scaled.b == pytest.approx(plain.b / scale, rel=1e-3)
    percent = foreground_efficiency(SHARES, [100 * y + 3 for y in curve(b)])
    assert percent.b == pytest.approx(plain.b, rel=1e-3)


def test_a_faster_learner_has_the_larger_exponent():
    assert foreground_efficiency(SHARES, curve(20)).b > foreground_efficiency(SHARES, curve(5)).b


@pytest.mark.parametrize("values", [[0.7] * 6, [0.8, 0.7, 0.6, 0.5, 0.4, 0.3]])
def test_what_does_not_rise_has_exponent_0(values):
    fit = foreground_efficiency(SHARES, values)
    assert (fit.b, fit.a) == (0, 0)
    assert fit.c == pytest.approx(np.mean(values))
    assert fit.error == pytest.approx(np.std(values))


def test_a_jump_and_a_line_are_as_fast_and_as_slow_as_the_search_goes():
    jump = foreground_efficiency(SHARES, [0.1, 0.8, 0.8, 0.8, 0.8, 0.8])
    line = foreground_efficiency([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.25, 0.5, 0.75, 1.0])
    assert line.at_bound
    assert jump.b > 100 > line.b


def test_points_without_a_value_are_skipped_and_too_few_tell_nothing():
    y = curve(8)
    holed = [y[0], None, *y[2:]]
    assert foreground_efficiency(SHARES, holed).b == pytest.approx(8, rel=1e-3)
    assert foreground_efficiency(SHARES[:2], y[:2]) is None
    with pytest.raises(EvidenceError, match="increase"):
        foreground_efficiency([0.1, 0.1, 0.2], [0.1, 0.2, 0.3])


def test_labels_to_most_of_what_all_labels_give():
    labels, values = [100, 200, 400], [0.5, 0.7, 0.8]
    # 95 % of .8 is .76: six tenths of the way from 200 to 400.
    assert share_to_full(labels, values, 0.8, 4000) == pytest.approx(320 / 4000)
    assert share_to_full(labels, values, 0.8, 4000, share=1.0) == pytest.approx(0.1)
    assert share_to_full(labels, values, 0.9, 4000) is None
    assert share_to_full(labels, values, 0.4, 4000) == pytest.approx(100 / 4000)


@pytest.mark.parametrize(
    ("full", "every", "share"), [(0.8, 0, 0.95), (np.nan, 10, 0.95), (0.8, 10, 0), (0.8, 10, 1.2)]
)
def test_a_reference_that_is_none_is_refused(full, every, share):
    with pytest.raises(EvidenceError):
        share_to_full([1, 2], [0.1, 0.2], full, every, share)
