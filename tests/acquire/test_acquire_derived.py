"""Laws of derived evidence: residuals are gradients; labels become problems of two classes."""

import numpy as np
import pytest
from hypothesis import given

from foveal.acquire import acquire
from foveal.acquire.derived import array_of, each_label, residual
from foveal.acquire.strategies.uncertainty import entropy
from foveal.core.arrays import two_columns
from foveal.core.errors import EvidenceError
from foveal.core.evidence import Evidence
from generators import probabilities, sample_ids


@given(probabilities())
def test_a_residual_sums_to_zero_and_points_away_from_its_class(probs):
    r = residual(probs)
    np.testing.assert_allclose(r.sum(axis=1), 0, atol=1e-6)
    assert (r.min(axis=1) <= 0).all()
    assert (r.argmin(axis=1) == probs.argmax(axis=1))[r.min(axis=1) < 0].all()


def test_a_residual_of_a_true_label_is_the_gradient_of_the_cross_entropy():
    logits, y, step = np.array([0.3, -1.0, 0.5]), 1, 1e-6

    def loss(z):
        return np.log(np.exp(z).sum()) - z[y]

    p = np.exp(logits) / np.exp(logits).sum()
    numeric = [(loss(logits + step * e) - loss(logits - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(residual(p[None], np.array([y]))[0], numeric, atol=1e-8)


def test_findings_are_hypothesized_one_by_one():
    p = np.array([[0.9, 0.6, 0.1]])
    assert residual(p, task="multilabel")[0] == pytest.approx([-0.1, -0.4, 0.1])
    label = np.array([[0, 1, 1]])
    assert residual(p, label, task="multilabel")[0] == pytest.approx([0.9, -0.4, -0.9])


def test_residuals_of_a_set_use_its_labels_where_it_has_them():
    p = np.array([[0.9, 0.1]])
    known = Evidence(("a",), {"probs": p, "label": np.array([1])})
    assert array_of(known, "residual")[0] == pytest.approx([0.9, -0.9])
    assert array_of(Evidence(("a",), {"probs": p}), "residual")[0] == pytest.approx([-0.1, 0.1])
    assert array_of(Evidence(("a",), {}), "residual") is None


def test_each_label_is_a_problem_of_two_classes():
    p = np.array([[0.9, 0.2], [0.5, 0.4]])
    first, second = each_label({"probs": p, "embedding": np.ones((2, 3))})
    np.testing.assert_array_equal(first["probs"], two_columns(p[:, 0]))
    np.testing.assert_array_equal(second["probs"], two_columns(p[:, 1]))
    assert first["embedding"].shape == (2, 3)


def test_entropy_of_findings_is_the_mean_or_the_highest_of_single_ones():
    p = np.array([[0.5, 0.99], [0.7, 0.7]])
    pool = Evidence(sample_ids(2), {"probs": p}, task="multilabel")
    single = [entropy(two_columns(p[:, label])) for label in range(2)]
    for over, reduce in (("mean", np.mean), ("max", np.max)):
        query = acquire(pool, "entropy", 2, over_labels=over)
        expected = reduce(single, axis=0)
        order = np.argsort(-expected)
        assert query.ids == tuple(pool.ids[i] for i in order)
        np.testing.assert_allclose(query.scores["score"], expected[order])


def test_one_column_is_told_how_to_become_two():
    with pytest.raises(EvidenceError, match="two_columns"):
        Evidence(("a",), {"probs": np.array([[0.3]])})
