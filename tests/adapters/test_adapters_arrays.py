"""Arrays of other packages become evidence; the real packages are asked in tests/peers."""

import numpy as np
import pytest

from foveal.acquire.strategies.uncertainty import entropy
from foveal.adapters import Labeled, choose
from foveal.adapters.arrays import class_indices, positions_of
from foveal.adapters.modal import query_strategy
from foveal.core.errors import EvidenceError

CLASSES = np.array(["cyst", "normal", "tumor"])


def arrays(n=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, 2, 3)), rng.dirichlet(np.ones(3), n)


def labeled(n=6):
    x, probs = arrays(n, 1)
    return Labeled(x.reshape(n, -1).astype(np.float32), probs, np.arange(n) % 3)


class Learner:
    """What this package reads of a modAL learner."""

    def __init__(self, n=6):
        self.X_training = arrays(n, 1)[0]
        self.y_training = CLASSES[np.arange(n) % 3]
        self.estimator = self
        self.classes_ = CLASSES

    def predict_proba(self, x):
        p = np.exp(np.asarray(x).reshape(len(x), -1)[:, :3] * 4)
        return p / p.sum(axis=1, keepdims=True)


def test_ids_are_row_numbers_and_scores_decide():
    x, probs = arrays()
    query = choose("entropy", 5, x, probs)
    scores = entropy(probs)
    np.testing.assert_allclose(scores[positions_of(query)], np.sort(scores)[::-1][:5])


def test_a_set_stays_away_from_what_is_labeled():
    x, probs = arrays()
    x[7] = 50
    far = Labeled(np.full((1, 6), 50, np.float32), probs[:1], np.array([0]))
    assert positions_of(choose("k_center", 1, x, probs, labeled=labeled())).tolist() == [7]
    assert 7 not in positions_of(choose("k_center", 5, x, probs, labeled=far))


def test_what_is_sought_must_have_been_labeled_once():
    x, probs = arrays()
    only = labeled().where(np.arange(6) % 3 == 0)
    assert len(choose("flqmi", 4, x, probs, labeled=only, sought=[0]).ids) == 4
    for known in (None, only):
        with pytest.raises(EvidenceError, match="no labeled sample"):
            choose("flqmi", 4, x, probs, labeled=known, sought=[2])


def test_draws_serve_bayesian_strategies():
    x, _ = arrays()
    draws = np.random.default_rng(0).dirichlet(np.ones(3), (4, 20))
    assert len(choose("bald", 3, x, draws.mean(axis=0), draws=draws).ids) == 3


def test_labels_are_found_among_the_classes():
    assert class_indices(["tumor", "cyst"], CLASSES).tolist() == [2, 0]
    with pytest.raises(EvidenceError, match="1 of 2 are not"):
        class_indices(["tumor", "abscess"], CLASSES)


@pytest.mark.parametrize("name", ["entropy", "badge", "k_center", "flqmi"])
def test_a_learner_is_asked_for_all_that_a_strategy_reads(name):
    x, _ = arrays()
    picks = query_strategy(name, sought=["tumor"])(Learner(), x, n_instances=4)
    assert len(set(picks.tolist())) == 4


def test_rounds_differ_and_repeat():
    x, _ = arrays()
    ask = query_strategy("random")
    np.testing.assert_array_equal(ask(Learner(), x, 8), ask(Learner(), x, 8))
    assert ask(Learner(7), x, 8).tolist() != ask(Learner(), x, 8).tolist()


def test_features_may_come_from_a_network():
    x, _ = arrays()
    seen = []

    def embed(images):
        seen.append(len(images))
        return np.asarray(images)[:, 0]

    query_strategy("badge", embed=embed)(Learner(), x, 3)
    assert sorted(seen) == [6, 20]
