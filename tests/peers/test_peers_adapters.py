"""Adapters inside the real packages, where they are installed (`make peers`)."""

import numpy as np
import pytest

from foveal.acquire import get, names
from foveal.acquire.strategies.k_center import k_center
from foveal.acquire.strategies.uncertainty import entropy
from foveal.core.errors import EvidenceError, SpecError, UnknownName

KNOWN = 12
# What a classifier of vectors can tell: its predictions, and the vectors themselves.
TOLD = {"probs", "embedding", "residual", "chance"}
BESIDE = {"labeled", "exemplar"}


def data(n=90, classes=3):
    rng = np.random.default_rng(0)
    y = np.arange(n) % classes
    return rng.normal(size=(n, 4)) + 2 * np.eye(classes, 4)[y], y


def possible():
    """Strategies that read no more than such a classifier tells."""
    for name in names():
        places = [n.rpartition("_") for n in get(name).needs]
        if all(whole in TOLD or place in BESIDE for (place, _, _), whole in
               zip(places, get(name).needs, strict=True)):  # fmt: skip
            yield name


@pytest.fixture
def learner():
    models = pytest.importorskip("modAL.models")
    from sklearn.linear_model import LogisticRegression

    x, y = data()

    def of(strategy, begin=0):
        known = slice(begin, begin + KNOWN)
        estimator = LogisticRegression()
        return models.ActiveLearner(estimator, strategy, X_training=x[known], y_training=y[known])

    return of


@pytest.fixture
def activeml():
    pytest.importorskip("skactiveml")
    from skactiveml.classifier import SklearnClassifier
    from sklearn.linear_model import LogisticRegression

    from foveal.adapters.scikit_activeml import FovealStrategy

    x, y = data()
    hidden = y.astype(float)
    hidden[KNOWN:] = np.nan
    clf = SklearnClassifier(LogisticRegression(), classes=[0, 1, 2])

    def ask(name, **changes):
        settings = {k: changes.pop(k) for k in ("settings", "sought") if k in changes}
        strategy = FovealStrategy(name, random_state=0, **settings)
        return strategy.query(x, hidden, clf=clf, **{"batch_size": 5, **changes})

    return ask


@pytest.mark.parametrize("name", [*possible(), "0.7*entropy + 0.3*margin", "badge(entropy)"])
def test_every_strategy_serves_modal(learner, name):
    from foveal.adapters.modal import query_strategy

    x, _ = data()
    picks, rows = learner(query_strategy(name, sought=[2])).query(x[KNOWN:], n_instances=5)
    assert len(set(picks.tolist())) == 5
    np.testing.assert_array_equal(rows, x[KNOWN:][picks])


def test_modal_gets_the_highest_scores(learner):
    from foveal.adapters.modal import query_strategy

    x, _ = data()
    one = learner(query_strategy("entropy"))
    picks, _ = one.query(x[KNOWN:], n_instances=5)
    scores = entropy(one.predict_proba(x[KNOWN:]))
    np.testing.assert_allclose(scores[picks], np.sort(scores)[::-1][:5])


def test_a_committees_members_are_the_draws(learner):
    from modAL.models import Committee

    from foveal.acquire.strategies.bayesian import bald
    from foveal.adapters.modal import query_strategy

    x, _ = data()
    members = [learner(query_strategy("entropy"), begin) for begin in range(3)]
    committee = Committee(members, query_strategy=query_strategy("bald"))
    picks, _ = committee.query(x[KNOWN:], n_instances=4)
    scores = bald(np.moveaxis(committee.vote_proba(x[KNOWN:]), 1, 0))
    np.testing.assert_allclose(scores[picks], np.sort(scores)[::-1][:4])


def test_what_modals_learners_cannot_tell_is_said(learner):
    from foveal.adapters.modal import query_strategy

    x, _ = data()
    for name, error, words in (
        ("misalignment", EvidenceError, "misalignment"),
        ("entropi", UnknownName, "Did you mean"),
        ("flqmi", EvidenceError, "exemplar"),
    ):
        with pytest.raises(error, match=words):
            learner(query_strategy(name)).query(x[KNOWN:], n_instances=2)
    with pytest.raises(SpecError, match="no setting"):
        learner(query_strategy("entropy", colour=1)).query(x[KNOWN:], n_instances=2)


@pytest.mark.parametrize("name", [*possible(), "0.7*entropy + 0.3*margin", "badge(entropy)"])
def test_every_strategy_serves_scikit_activeml(activeml, name):
    picks = activeml(name, sought=[2])
    assert len(set(picks.tolist())) == 5
    assert picks.min() >= KNOWN
    np.testing.assert_array_equal(picks, activeml(name, sought=[2]))


def test_scikit_activeml_gets_a_scorers_scores(activeml):
    picks, utilities = activeml("entropy", return_utilities=True)
    np.testing.assert_array_equal(picks, activeml("entropy"))
    assert utilities.shape == (5, 90)
    assert np.isnan(utilities[:, :KNOWN]).all()
    for row, pick in enumerate(picks):
        assert utilities[row, pick] == np.nanmax(utilities[row])
        assert np.isnan(utilities[row, picks[:row]]).all()
    assert np.isfinite(utilities[0, KNOWN:]).all()


def test_scikit_activeml_is_told_which_a_set_takes(activeml):
    picks, utilities = activeml("k_center", return_utilities=True)
    x, _ = data()
    ours = k_center(x[KNOWN:].astype(np.float32), 5, np.random.default_rng(0),
                    x[:KNOWN].astype(np.float32))  # fmt: skip
    np.testing.assert_array_equal(np.sort(picks), np.sort(ours + KNOWN))
    assert [int(np.nanargmax(row)) for row in utilities] == picks.tolist()


def test_candidates_may_be_given_as_positions_or_as_samples(activeml):
    x, _ = data()
    some = np.arange(40, 60)
    by_position = activeml("entropy", candidates=some)
    assert set(by_position) <= set(some.tolist())
    by_sample = activeml("entropy", candidates=x[some])
    np.testing.assert_array_equal(some[by_sample], by_position)
