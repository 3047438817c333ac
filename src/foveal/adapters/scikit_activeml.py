"""scikit-activeml: any Foveal strategy as one of its pool-based query strategies.

Example:
    from skactiveml.classifier import SklearnClassifier
    from foveal.adapters.scikit_activeml import FovealStrategy

    strategy = FovealStrategy("badge", random_state=0)
    positions = strategy.query(X, y, clf=SklearnClassifier(model, classes=[0, 1]), batch_size=10)
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from skactiveml.base import SingleAnnotatorPoolQueryStrategy
from skactiveml.utils import MISSING_LABEL, is_labeled
from sklearn.base import clone

from foveal.acquire import get
from foveal.adapters.arrays import Labeled, choose, class_indices, flat, positions_of
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.query import Setting


class FovealStrategy(SingleAnnotatorPoolQueryStrategy):  # type: ignore[misc]
    """A strategy of Foveal by name.

    Args:
        name: the strategy, or an expression such as `0.7*entropy + 0.3*margin`.
        settings: of the strategy.
        sought: classes that targeted strategies look for, by exemplars among the labeled.
        missing_label: how an unknown label is written.
        random_state: of ties and draws.
    """

    def __init__(
        self,
        name: str = "entropy",
        settings: Mapping[str, Setting] | None = None,
        sought: Sequence[object] = (),
        missing_label: object = MISSING_LABEL,
        random_state: Any = None,
    ) -> None:
        super().__init__(missing_label=missing_label, random_state=random_state)
        self.name = name
        self.settings = settings
        self.sought = sought

    def query(
        self,
        X: Any,
        y: Any,
        clf: Any,
        fit_clf: bool = True,
        sample_weight: Any = None,
        candidates: Any = None,
        batch_size: int = 1,
        return_utilities: bool = False,
    ) -> Any:
        """Positions of the samples to label next, most wanted first.

        Args:
            X: (n, D) all samples.
            y: (n,) their labels, `missing_label` where unknown.
            clf: a classifier of scikit-activeml with `predict_proba`.
            fit_clf: whether to fit a copy of it first.
            sample_weight: for fitting.
            candidates: as in scikit-activeml; None for all that are unlabeled.
            batch_size: how many.
            return_utilities: also the utilities (batch_size, n) before each pick, NaN for what is
                no candidate or picked already: a scorer's scores; for strategies that choose sets,
                1 for the pick and 0 for the others.

        Raises:
            FovealError: for evidence that such a classifier does not have, and for targets of
                which nothing is labeled.
        """
        X, y, candidates, batch_size, return_utilities = self._validate_data(
            X, y, candidates, batch_size, return_utilities, reset=True
        )
        samples, mapping = self._transform_candidates(candidates, X, y)
        model = clone(clf).fit(X, y, sample_weight) if fit_clf else clf
        known = is_labeled(y, self.missing_label_)
        scorer = get(self.name).kind == "scorer"
        query = choose(
            self.name,
            len(samples) if scorer and return_utilities else batch_size,
            flat(samples),
            model.predict_proba(samples),
            labeled=self._labeled(X[known], y[known], model),
            sought=class_indices(list(self.sought), model.classes_).tolist(),
            parameters=self.settings,
            seed=int(self.random_state_.randint(2**31)),
        )
        order = positions_of(query)
        places = np.arange(len(samples)) if mapping is None else np.asarray(mapping)
        picks = places[order[:batch_size]]
        if not return_utilities:
            return picks
        scores = np.array(query.scores["score"]) if scorer else None
        return picks, _utilities(
            picks, places, places[order], scores, len(samples) if mapping is None else len(X)
        )

    def _labeled(self, samples: Any, labels: Any, model: Any) -> Labeled | None:
        if not len(samples):
            return None
        return Labeled(
            flat(samples),
            np.asarray(model.predict_proba(samples), np.float64),
            class_indices(labels, model.classes_),
        )


def _utilities(
    picks: IntArray, places: IntArray, order: IntArray, scores: FloatArray | None, n: int
) -> FloatArray:
    rows = np.full((len(picks), n), np.nan)
    for row, pick in enumerate(picks):
        if scores is None:
            rows[row, places] = 0
            rows[row, pick] = 1
        else:
            rows[row, order] = scores
        rows[row, picks[:row]] = np.nan
    return rows
