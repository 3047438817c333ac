"""modAL: any Foveal strategy as the `query_strategy` of an ActiveLearner or a Committee.

Example:
    from modAL.models import ActiveLearner
    from foveal.adapters.modal import query_strategy

    learner = ActiveLearner(estimator, query_strategy("badge"), X_training=x, y_training=y)
    positions, samples = learner.query(pool, n_instances=10)
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from foveal.adapters.arrays import Labeled, choose, class_indices, flat, positions_of
from foveal.core.arrays import IntArray
from foveal.core.query import Setting

# modAL's learners are untyped, and this module works without the package.
Learner = Any


def query_strategy(
    name: str,
    *,
    sought: Sequence[object] = (),
    embed: Callable[[Any], Any] | None = None,
    seed: int = 0,
    **settings: Setting,
) -> Callable[..., IntArray]:
    """A function that modAL calls with its learner and pool.

    A committee's members are the draws of Bayesian strategies (`bald`, `mean_kl`, ...).

    Args:
        name: the strategy, or an expression such as `0.7*entropy + 0.3*margin`.
        sought: classes that targeted strategies look for, by exemplars among the labeled.
        embed: rows of X to features (n, D), as a network's penultimate layer; X itself if None.
        seed: of ties and draws; the size of the training set is added, so rounds differ.
        settings: of the strategy.

    Raises:
        FovealError: when it is called: for an unknown name or setting, for evidence that modAL's
            learners do not have, and for targets of which nothing is labeled.
    """

    def chosen(learner: Learner, X: Any, n_instances: int = 1) -> IntArray:
        features, classes = embed or flat, _classes(learner)
        known, labels = _training(learner)
        query = choose(
            name,
            n_instances,
            features(X),
            learner.predict_proba(X),
            draws=_draws(learner, X),
            labeled=Labeled(
                flat(features(known)),
                np.asarray(learner.predict_proba(known), np.float64),
                class_indices(labels, classes),
            ),
            sought=class_indices(list(sought), classes).tolist(),
            parameters=settings,
            seed=seed + len(labels),
        )
        return positions_of(query)

    return chosen


def _classes(learner: Learner) -> Any:
    """A committee knows its classes itself, a learner asks its estimator."""
    return learner.classes_ if hasattr(learner, "classes_") else learner.estimator.classes_


def _training(learner: Learner) -> tuple[Any, Any]:
    """Samples and labels; a committee that was never taught as a whole has its members'."""
    one = learner if learner.X_training is not None else learner.learner_list[0]
    return one.X_training, one.y_training


def _draws(learner: Learner, samples: Any) -> Any:
    if not hasattr(learner, "vote_proba"):
        return None
    return np.moveaxis(np.asarray(learner.vote_proba(samples)), 1, 0)
