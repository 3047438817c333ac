"""Laws of CoreGCN: its gradient, its graph, and what lies far from labels first."""

import numpy as np
import pytest

from foveal.acquire.strategies.core_gcn import (
    adjacency,
    core_gcn,
    hidden_features,
    loss_and_gradient,
)
from foveal.acquire.strategies.k_center import k_center
from foveal.core.errors import SpecError


def chance(seed=0):
    return np.random.default_rng(seed)


def test_the_gradient_is_that_of_the_loss():
    rng = chance(1)
    rows, labeled = rng.standard_normal((12, 5)), np.arange(12) > 8
    A = adjacency(rows, 3)
    weights = [rng.standard_normal(s) for s in ((5, 4), (4,), (4,), (1,))]
    slopes = loss_and_gradient(weights, A, A @ rows, labeled)[1]
    for w, slope in zip(weights, slopes, strict=True):
        for at in np.ndindex(w.shape):
            kept, values = w[at], []
            for moved in (kept + 1e-6, kept - 1e-6):
                w[at] = moved
                values.append(loss_and_gradient(weights, A, A @ rows, labeled)[0])
            w[at] = kept
            assert slope[at] == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-6)


def test_the_graph_is_symmetric_normalized_and_joins_neighbors():
    line = np.array([[0.0], [1.0], [10.0], [11.0]])
    A = adjacency(line, 1).toarray()
    np.testing.assert_allclose(A, np.kron(np.eye(2), np.full((2, 2), 0.5)))
    A = adjacency(chance().standard_normal((20, 3)), 4).toarray()
    np.testing.assert_array_equal(A, A.T)
    assert np.linalg.eigvalsh(A).max() == pytest.approx(1)
    assert adjacency(np.zeros((1, 2)), 10).toarray().tolist() == [[1.0]]


def test_training_lowers_the_loss():
    rng = chance(2)
    rows, labeled = rng.standard_normal((40, 6)), np.arange(40) >= 30
    rows[labeled] += 2

    def apart(epochs):
        hidden = hidden_features(rows, labeled, chance(), 16, epochs, 5)
        return np.linalg.norm(hidden[labeled].mean(axis=0) - hidden[~labeled].mean(axis=0))

    assert apart(200) > apart(0)


def test_an_unlabeled_blob_comes_before_the_labeled_one():
    blob = np.repeat([0, 1], 20)
    rows = 10 * np.eye(4)[blob] + chance(3).standard_normal((40, 4))
    labeled = 10 * np.eye(4)[np.zeros(5, int)] + chance(4).standard_normal((5, 4))
    chosen = core_gcn(rows.astype(np.float32), 5, chance(), labeled.astype(np.float32))
    assert blob[chosen.positions[0]] == 1


def test_without_labels_it_is_k_center_on_directions():
    rows = chance(5).standard_normal((15, 3))
    chosen = core_gcn(rows, 6, chance(), rows[:0])
    np.testing.assert_array_equal(chosen.positions, k_center(rows, 6, chance(), metric="cosine"))


def test_a_large_pool_is_thinned_and_a_note_says_so():
    rows = chance(6).standard_normal((30, 3))
    chosen = core_gcn(rows, 4, chance(), rows[:2], graph_rows=10, epochs=5)
    assert len(set(chosen.positions.tolist())) == 4
    assert chosen.notes == ("core_gcn looked at 10 of 30 candidates, drawn at random",)
    assert len(set(core_gcn(rows, 30, chance(), rows[:2], graph_rows=10, epochs=5).positions)) == 30


@pytest.mark.parametrize("name", ["hidden", "neighbor_count"])
def test_settings_out_of_range_are_refused(name):
    with pytest.raises(SpecError, match=f"`{name}` of core_gcn"):
        core_gcn(np.zeros((2, 1)), 1, chance(), np.zeros((1, 1)), **{name: 0})
