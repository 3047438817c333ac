"""Arrays of another package as evidence, and a strategy's choice among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from foveal.acquire import acquire
from foveal.core.arrays import AnyArray, FloatArray, IntArray
from foveal.core.errors import EvidenceError
from foveal.core.evidence import Evidence
from foveal.core.query import Query, Setting


@dataclass(frozen=True, slots=True)
class Labeled:
    """What has been labeled: embedding (m, D), probs (m, C) and label (m,), class indices."""

    embedding: FloatArray
    probs: FloatArray
    label: IntArray

    def where(self, keep: AnyArray) -> "Labeled":
        """Some of them."""
        return Labeled(self.embedding[keep], self.probs[keep], self.label[keep])

    def evidence(self, name: str) -> Evidence:
        """As a set beside the pool."""
        arrays: dict[str, AnyArray] = {
            "embedding": self.embedding,
            "probs": self.probs,
            "label": self.label,
        }
        return Evidence(tuple(f"{name} {i}" for i in range(len(self.label))), arrays)


def choose(
    strategy: str,
    budget: int,
    embedding: FloatArray,
    probs: FloatArray,
    *,
    draws: FloatArray | None = None,
    labeled: Labeled | None = None,
    sought: Sequence[int] = (),
    parameters: Mapping[str, Setting] | None = None,
    seed: int = 0,
) -> Query:
    """A query whose ids are row numbers as text.

    Args:
        strategy: a name, or an expression of several, as `foveal strategies` lists them.
        budget: how many to choose.
        embedding: (n, D) features of the candidates, samples first; more axes are flattened.
        probs: (n, C) predictions.
        draws: (T, n, C) predictions of members or draws, for Bayesian strategies.
        labeled: for strategies that look at what is labeled.
        sought: class indices of which the labeled ones are exemplars, for targeted strategies.
        parameters: the strategy's settings.
        seed: of ties and draws.

    Raises:
        FovealError: whatever the engine objects to, and if `sought` has no labeled sample.
    """
    arrays: dict[str, AnyArray] = {
        "embedding": flat(embedding),
        "probs": np.asarray(probs, np.float64),
    }
    if draws is not None:
        arrays["mc_probs"] = np.asarray(draws, np.float64)
    context = {} if labeled is None else {"labeled": labeled.evidence("labeled")}
    if sought:
        alike = None if labeled is None else labeled.where(np.isin(labeled.label, sought))
        if alike is None or not len(alike.label):
            raise EvidenceError(
                "there is no labeled sample of the classes that are sought; label one first"
            )
        context["exemplar"] = alike.evidence("exemplar")
    return acquire(
        Evidence(tuple(str(i) for i in range(len(probs))), arrays),
        strategy,
        budget,
        parameters=parameters,
        seed=seed,
        context=context,
    )


def positions_of(query: Query) -> IntArray:
    """(k,) row numbers of a query."""
    return np.array([int(i) for i in query.ids], dtype=np.int64)


def flat(embedding: FloatArray) -> FloatArray:
    """(n, D) single precision: strategies compare features, and memory is dear."""
    x = np.asarray(embedding, dtype=np.float32)
    return x.reshape(len(x), -1)


def class_indices(labels: Sequence[object] | AnyArray, classes: Sequence[object]) -> IntArray:
    """(m,) place of each label in the list of classes.

    Raises:
        EvidenceError: for a label that is none of them.
    """
    place = {value: i for i, value in enumerate(np.asarray(classes).tolist())}
    found = np.asarray(labels).tolist()
    if unknown := [value for value in found if value not in place]:
        raise EvidenceError(
            f"labels must be among the model's classes, but {len(unknown)} of {len(found)} are "
            "not; fit the model to what is labeled first"
        )
    return np.array([place[value] for value in found], dtype=np.int64)
