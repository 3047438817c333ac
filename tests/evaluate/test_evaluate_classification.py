"""Metrics agree with scikit-learn and with counting by hand, whatever the ties."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from foveal.core.errors import EvidenceError
from foveal.evaluate import accuracy, balanced_accuracy, macro_auroc, recall_per_class

METRICS = (accuracy, balanced_accuracy, macro_auroc, recall_per_class)


SEVERAL = st.integers(2, 4)


@st.composite
def predictions(draw, classes=SEVERAL):
    """Probabilities with exact zeros and many ties, and labels."""
    n, c = draw(st.integers(1, 25)), draw(classes)
    weights = draw(hnp.arrays(np.int64, (n, c), elements=st.integers(0, 3)))
    weights[weights.sum(axis=1) == 0] = 1
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, c - 1)))
    return weights / weights.sum(axis=1, keepdims=True), labels


@given(predictions())
def test_scikit_learn_agrees(case):
    probs, labels = case
    predicted = probs.argmax(axis=1)
    assert accuracy(probs, labels) == pytest.approx(sk.accuracy_score(labels, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of predicted classes without samples
        theirs = sk.balanced_accuracy_score(labels, predicted)
    assert balanced_accuracy(probs, labels) == pytest.approx(theirs)


@given(predictions())
def test_auroc_is_scikit_learns_averaged_over_classes_that_have_one(case):
    probs, labels = case
    present = [c for c in range(probs.shape[1]) if 0 < (labels == c).sum() < len(labels)]
    areas = [sk.roc_auc_score(labels == c, probs[:, c]) for c in present]
    found = macro_auroc(probs, labels)
    if present:
        assert found == pytest.approx(np.mean(areas))
    else:
        assert found is None


@given(predictions(st.just(2)))
def test_auroc_counts_pairs_and_half_of_ties(case):
    probs, labels = case
    scores = probs[:, 1]
    pairs = [(p, q) for p in scores[labels == 1] for q in scores[labels == 0]]
    wins = [1.0 if p > q else 0.5 if p == q else 0.0 for p, q in pairs]
    found = macro_auroc(np.stack([1 - scores, scores], axis=1), labels)
    assert found == (pytest.approx(np.mean(wins)) if pairs else None)


@given(predictions(st.just(2)))
def test_auroc_knows_only_the_order(case):
    probs, labels = case
    bent = np.square(probs[:, 1]) * 0.9 + 0.05  # strictly increasing on [0, 1]
    before, after = (
        macro_auroc(np.stack([1 - s, s], axis=1), labels) for s in (probs[:, 1].round(6), bent)
    )
    assert before == (None if after is None else pytest.approx(after))


@given(predictions(st.just(2)))
def test_auroc_of_the_opposite_is_the_complement(case):
    probs, labels = case
    right, wrong = macro_auroc(probs, labels), macro_auroc(probs[:, ::-1].copy(), labels)
    if right is None:
        assert wrong is None
    else:
        assert right + wrong == pytest.approx(1)


@given(predictions(), st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(case, random):
    probs, labels = case
    order = random.sample(range(len(labels)), len(labels))
    for metric in METRICS:
        expected = metric(probs, labels)
        assert metric(probs[order], labels[order]) == (
            expected if expected is None else pytest.approx(expected)
        )


@given(predictions())
def test_inputs_stay_as_they_were(case):
    probs, labels = case
    copies = probs.copy(), labels.copy()
    for array in case:
        array.flags.writeable = False
    for metric in METRICS:
        metric(probs, labels)
    np.testing.assert_array_equal(probs, copies[0])
    np.testing.assert_array_equal(labels, copies[1])


def test_recall_is_by_class_and_none_where_there_is_nothing_to_find():
    probs = np.eye(4)[[0, 0, 1, 2, 2]]
    labels = np.array([0, 1, 1, 2, 2])
    assert recall_per_class(probs, labels) == (1.0, 0.5, 1.0, None)
    assert balanced_accuracy(probs, labels) == pytest.approx(2.5 / 3)
    assert accuracy(probs, labels) == pytest.approx(0.8)


def test_a_rare_class_weighs_as_much_as_a_common_one():
    probs = np.tile([0.9, 0.1], (100, 1))
    labels = np.array([0] * 99 + [1])
    assert accuracy(probs, labels) == pytest.approx(0.99)
    assert balanced_accuracy(probs, labels) == pytest.approx(0.5)
    assert macro_auroc(probs, labels) == pytest.approx(0.5)


HALF = np.full((2, 2), 0.5)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("probs", "labels"),
    [
        (np.zeros((0, 2)), np.zeros(0, int)),
        (HALF, np.array([0])),
        (HALF, np.array([0, 2])),
        (HALF, np.array([0, -1])),
        (HALF, np.array([0.0, 1.0])),
        (HALF, np.array([[0], [1]])),
        (HALF * 3, np.array([0, 1])),
        (HALF * np.nan, np.array([0, 1])),
        (np.array([0.5, 0.5]), np.array([0, 1])),
    ],
)
def test_arrays_that_do_not_fit_are_refused(metric, probs, labels):
    with pytest.raises(EvidenceError):
        metric(probs, labels)
