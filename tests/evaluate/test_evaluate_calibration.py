"""Calibration: closed forms, a second implementation, and the definition's edges."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from foveal.core.errors import EvidenceError
from foveal.evaluate import ece, reliability


@st.composite
def predictions(draw):
    n, c = draw(st.integers(1, 30)), draw(st.integers(2, 4))
    weights = draw(hnp.arrays(np.int64, (n, c), elements=st.integers(0, 5)))
    weights[weights.sum(axis=1) == 0] = 1
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, c - 1)))
    return weights / weights.sum(axis=1, keepdims=True), labels


def ece_by_loops(probs, labels, bins):
    """The definition, read aloud."""
    edges, total = np.linspace(0, 1, bins + 1), 0.0
    for b in range(bins):
        inside = [
            i
            for i, row in enumerate(probs)
            if edges[b] < max(row) <= edges[b + 1] or (b == bins - 1 and max(row) > 1)
        ]
        if inside:
            right = np.mean([np.argmax(probs[i]) == labels[i] for i in inside])
            total += len(inside) * abs(right - np.mean([max(probs[i]) for i in inside]))
    return total / len(labels)


@given(predictions(), st.integers(1, 20))
def test_ece_is_its_definition(case, bins):
    assert ece(*case, bins) == pytest.approx(ece_by_loops(*case, bins))


@given(predictions(), st.integers(1, 20))
def test_ece_is_bounded_and_the_diagram_is_whole(case, bins):
    probs, labels = case
    diagram = reliability(probs, labels, bins)
    assert 0 <= ece(probs, labels, bins) <= 1
    assert sum(diagram.counts) == len(labels)
    assert len(diagram.edges) == bins + 1
    for b, count in enumerate(diagram.counts):
        assert (diagram.confidence[b] is None) == (diagram.accuracy[b] is None) == (count == 0)
        if count:
            assert diagram.edges[b] <= diagram.confidence[b] <= diagram.edges[b + 1] + 1e-12
    json.dumps(asdict(diagram), allow_nan=False)


def test_sure_and_right_is_calibrated_sure_and_wrong_is_not():
    probs = np.eye(2)[[0, 1, 0, 1]]
    labels = np.array([0, 1, 0, 1])
    assert ece(probs, labels) == 0
    assert ece(probs, 1 - labels) == 1


def test_right_as_often_as_it_says():
    probs = np.tile([0.75, 0.25], (4, 1))
    assert ece(probs, np.array([0, 0, 0, 1])) == pytest.approx(0)
    assert ece(probs, np.array([0, 0, 1, 1])) == pytest.approx(0.25)


def test_bins_are_closed_on_the_right():
    probs = np.array([[0.5, 0.5], [0.51, 0.49], [1.0, 0.0]])
    assert reliability(probs, np.array([0, 0, 0]), bins=2).counts == (1, 2)


def test_confidence_a_little_over_one_falls_in_the_last_bin():
    probs = np.array([[1.0005, 0.0]])
    assert reliability(probs, np.array([0])).counts[-1] == 1
    assert ece(probs, np.array([0])) == 0


def test_a_diagram_needs_a_bin():
    with pytest.raises(EvidenceError, match="`bins` must be 1 or more"):
        ece(np.array([[0.5, 0.5]]), np.array([0]), bins=0)
