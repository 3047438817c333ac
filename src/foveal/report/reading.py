"""Results become arms, curves and contrasts; what is missing is left out, not guessed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foveal.core.errors import unknown_name
from foveal.report.glossary import metric_of, ordered

Results = Mapping[str, Any]
Axis = Literal["labels", "minutes"]
Floats = NDArray[np.float64]
MOST_ARMS, BEST_OF_MANY = 16, 6  # of more arms than that the best stand out
HUES = 7  # colors for arms: more than stand out at once


@dataclass(frozen=True, slots=True)
class Arm:
    """All runs of one arm. `baseline` marks the arm that chooses at random.

    Arms with different `look` look different, and its rest by `HUES` says in which color; None is
    an arm among many that no figure brings out.
    """

    name: str
    runs: tuple[Results, ...]
    position: int
    baseline: bool = False
    look: int | None = 0

    @property
    def oracle(self) -> bool:
        """Whether any run of the arm reads hidden masks of the pool."""
        return any(run.get("oracle") or run.get("regions") == "oracle" for run in self.runs)

    @property
    def shown(self) -> str:
        """The name as it stands in legends and sentences."""
        told = "oracle" in self.name.lower()
        return f"{self.name} (oracle)" if self.oracle and not told else self.name


@dataclass(frozen=True, slots=True)
class Curve:
    """Means over seeds, a value a round: x, mean, std (0 for a single seed) and n, each (R,)."""

    x: Floats
    mean: Floats
    std: Floats
    n: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class End:
    """Where an arm stands after its last round."""

    labels: int
    mean: float
    std: float
    n: int


def finite(value: Any) -> float | None:
    """A float, or None for anything that is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def mean_of(values: Sequence[Any]) -> float | None:
    """The mean of the finite numbers among values; None if there are none."""
    known = [v for v in map(finite, values) if v is not None]
    return float(np.mean(known)) if known else None


def full_value(reference: Mapping[str, Any] | None, metric: str) -> float | None:
    """Mean over seeds of a metric after training on all labels; None without such a reference."""
    return mean_of((reference or {}).get("metrics", {}).get(metric, ()))


class Study(dict[str, Any]):
    """Results that work out their arms once: a page asks for them some hundred times."""

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """The arms in the order in which their first runs stand in the results."""
        grouped: dict[str, list[Results]] = {}
        for run in self.get("runs") or ():
            grouped.setdefault(str(run.get("strategy", "unnamed")), []).append(run)
        random = _baseline(grouped)
        arms = tuple(
            Arm(name, tuple(runs), i, name == random)
            for i, (name, runs) in enumerate(grouped.items())
        )
        looks = _looks(arms, metrics_of(self) if len(arms) > MOST_ARMS else ())
        return tuple(replace(arm, look=looks.get(arm.name)) for arm in arms)


def arms_of(results: Results) -> tuple[Arm, ...]:
    """The arms in the order in which their first runs stand in the results."""
    return results.arms if isinstance(results, Study) else Study(results).arms


def arm_named(results: Results, name: str) -> Arm:
    """One arm by name.

    Raises:
        UnknownName: listing the arms there are.
    """
    table = {arm.name: arm for arm in arms_of(results)}
    if name not in table:
        raise unknown_name("arm", name, table)
    return table[name]


def metrics_of(results: Results) -> tuple[str, ...]:
    """Metrics of which any run has a value, most telling first."""
    present: set[str] = set()
    for run in results.get("runs") or ():
        present |= {
            str(name)
            for name, values in (run.get("metrics") or {}).items()
            if any(finite(v) is not None for v in values or ())
        }
    return ordered(present)


def curve_of(arm: Arm, metric: str, axis: Axis = "labels") -> Curve | None:
    """Mean and spread of a metric over the seeds of an arm, round by round.

    Rounds are matched by their position; x is the mean over the seeds that have a value there.
    None if no round has a value.
    """
    xs = _stack([_axis_of(run, axis) for run in arm.runs])
    ys = _stack([(run.get("metrics") or {}).get(metric) or () for run in arm.runs])
    rounds = min(xs.shape[1], ys.shape[1])
    xs, ys = xs[:, :rounds], ys[:, :rounds]
    known = np.isfinite(xs) & np.isfinite(ys)
    keep = known.any(axis=0)
    if not keep.any():
        return None
    x, _ = _moments(xs[:, keep], known[:, keep])
    mean, std = _moments(ys[:, keep], known[:, keep])
    return Curve(x, mean, std, known[:, keep].sum(axis=0))


def end_of(arm: Arm, metric: str) -> End | None:
    """The last point of an arm's curve over labels."""
    curve = curve_of(arm, metric)
    if curve is None:
        return None
    last = curve.mean.size - 1
    return End(
        round(curve.x[last]), float(curve.mean[last]), float(curve.std[last]), int(curve.n[last])
    )


def common_minutes(arms: Sequence[Arm], metric: str) -> float | None:
    """The expert minutes that every evaluated arm has spent: where arms can be compared fairly."""
    curves = [curve_of(arm, metric, "minutes") for arm in arms]
    return min((float(curve.x[-1]) for curve in curves if curve is not None), default=None)


def value_at(arm: Arm, metric: str, minutes: float) -> float | None:
    """Mean of a metric after so many expert minutes, on the line between two rounds.

    None before the first round of the arm or after its last.
    """
    curve = curve_of(arm, metric, "minutes")
    if curve is None or not curve.x[0] <= minutes <= curve.x[-1]:
        return None
    return float(np.interp(minutes, curve.x, curve.mean))


def ranked(arms: Sequence[Arm], metric: str) -> list[tuple[Arm, End]]:
    """Arms with a final value, best mean first; arms that read hidden masks only if all do."""
    honest = [arm for arm in arms if not arm.oracle] or list(arms)
    ends = [(arm, end) for arm in honest if (end := end_of(arm, metric)) is not None]
    sign = -1 if metric_of(metric).better == "higher" else 1
    return sorted(ends, key=lambda pair: (sign * pair[1].mean, pair[0].position))


def standing_out(
    arms: Sequence[Arm], metric: str, most: int = MOST_ARMS, best: int = BEST_OF_MANY
) -> set[str]:
    """Names of the arms that are shown one by one: all that an eye can follow, `most`; of more, the
    `best` by a metric and the random baseline."""
    if len(arms) <= most:
        return {arm.name for arm in arms}
    leading = {arm.name for arm, _ in ranked(arms, metric)[:best]}
    return leading | {arm.name for arm in arms if arm.baseline}


def drawn_of(results: Results) -> list[Arm]:
    """Arms that have figures and pictures of their own: all, or those that stand out by the first
    metric."""
    arms = arms_of(results)
    told = standing_out(arms, next(iter(metrics_of(results)), ""))
    return [arm for arm in arms if arm.name in told]


def by_final(arms: Sequence[Arm], metric: str) -> list[Arm]:
    """Arms in the order in which their curves end, best on top; those without a value last."""
    sign = -1 if metric_of(metric).better == "higher" else 1
    ends = {arm.name: end_of(arm, metric) for arm in arms}

    def place(arm: Arm) -> tuple[float, int]:
        end = ends[arm.name]
        return (math.inf if end is None else sign * end.mean, arm.position)

    return sorted(arms, key=place)


def pooled(values: Sequence[Any]) -> tuple[float, float, int] | None:
    """Mean, standard deviation (n - 1; 0 for one value) and count of the finite values."""
    array = _stack([values]).T
    known = np.isfinite(array)
    if not known.any():
        return None
    mean, std = _moments(array, known)
    return float(mean[0]), float(std[0]), int(known.sum())


def _looks(arms: Sequence[Arm], metrics: Sequence[str]) -> dict[str, int]:
    """The look of every arm; of many, only of those that stand out by some metric.

    No two that stand out together look the same, and where an arm first stands out its color is
    its own.
    """
    if len(arms) <= MOST_ARMS:
        return {arm.name: arm.position for arm in arms}
    crowds = [standing_out(arms, metric) for metric in metrics]
    given: dict[str, int] = {}
    for crowd, metric in zip(crowds, metrics, strict=True):
        for arm in by_final([arm for arm in arms if arm.name in crowd], metric):
            if arm.name in given or arm.baseline:  # which has a look of its own
                continue
            beside = set().union(*(c for c in crowds if arm.name in c))
            taken = {given[name] for name in beside & given.keys()}
            colors = {given[name] % HUES for name in crowd & given.keys()}
            free = (i for i in count() if i not in taken and i % HUES not in colors)
            given[arm.name] = next(free)
    return given


def _baseline(grouped: Mapping[str, Sequence[Results]]) -> str | None:
    """The arm called `random`, else the first one that chooses at random."""
    if "random" in grouped:
        return "random"
    return next(
        (name for name, runs in grouped.items() if runs[0].get("acquire") == "random"), None
    )


def _axis_of(run: Results, axis: Axis) -> Sequence[Any]:
    if axis == "labels":
        return run.get("labels") or ()
    seconds = [finite(s) for s in run.get("cost_seconds") or ()]
    return [None if s is None else s / 60 for s in seconds]


def _stack(rows: Sequence[Sequence[Any]]) -> Floats:
    table = np.full((len(rows), max((len(r) for r in rows), default=0)), np.nan)
    for i, row in enumerate(rows):
        numbers = [finite(v) for v in row]
        table[i, : len(row)] = [np.nan if v is None else v for v in numbers]
    return table


def _moments(values: Floats, known: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    n = known.sum(axis=0)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(n, 1)
    squares = np.where(known, (values - mean) ** 2, 0).sum(axis=0)
    return mean, np.sqrt(squares / np.maximum(n - 1, 1))
