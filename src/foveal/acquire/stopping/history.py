"""History: what a run has recorded, and the advice of all criteria on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from foveal.acquire.stopping.advice import Advice
from foveal.acquire.stopping.agreement import Predictions, stability
from foveal.acquire.stopping.doubt import Measure, confidence
from foveal.acquire.stopping.gain import expected_gain
from foveal.acquire.stopping.learning_curve import Value
from foveal.acquire.stopping.spending import budget
from foveal.core.arrays import FloatArray
from foveal.core.evidence import Task


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What a run has recorded; what is left out is not judged.

    `labels` (r,) and `values` (r,) have an entry for each trained round: labels it was trained
    on, and `metric` on the validation part (`validation_size` images). `predictions` has a
    mapping for each round, from sample to class index, for the unlabeled pool or a fixed stop
    set. `probs` (n, C) are those of the unlabeled pool now. `minutes` are the expert's, so far.
    """

    labels: Sequence[int] = ()
    values: Sequence[Value] = ()
    metric: str = "macro_auroc"
    validation_size: int | None = None
    predictions: Sequence[Predictions] = ()
    probs: FloatArray | None = None
    task: Task = "classification"
    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop. `labels`, `minutes` and `rounds` are what is allowed, None without limit.

    `worthwhile` is the smallest gain of the metric that the next batch would be worth, `level`
    the confidence of its interval. `kappa` and `comparisons` belong to `stability`, `uncertainty`
    and `measure` to `confidence`.
    """

    worthwhile: float = 0.005
    level: float = 0.9
    kappa: float = 0.99
    comparisons: int = 3
    uncertainty: float = 0.05
    measure: Measure = "mean"
    labels: int | None = None
    minutes: float | None = None
    rounds: int | None = None


NO_LIMITS = Limits()


def advise(history: History, more: int, limits: Limits = NO_LIMITS) -> tuple[Advice, ...]:
    """All criteria in turn: budget, expected gain, stability, confidence.

    Args:
        history: what the run has recorded.
        more: labels that the next batch would take, at least 1.
        limits: thresholds.

    Raises:
        EvidenceError, SpecError: as the criteria.
    """
    spent = {
        "labels": history.labels[-1] if history.labels else 0,
        "minutes": history.minutes,
        "rounds": len(history.labels),
    }
    allowed = {
        "labels": limits.labels,
        "minutes": limits.minutes,
        "rounds": limits.rounds,
    }
    return (
        budget(spent, {unit: most for unit, most in allowed.items() if most is not None}),
        expected_gain(
            history.labels,
            history.values,
            more,
            metric=history.metric,
            worthwhile=limits.worthwhile,
            level=limits.level,
            validation_size=history.validation_size,
        ),
        stability(history.predictions, threshold=limits.kappa, comparisons=limits.comparisons),
        confidence(
            history.probs,
            measure=limits.measure,
            threshold=limits.uncertainty,
            task=history.task,
        ),
    )
