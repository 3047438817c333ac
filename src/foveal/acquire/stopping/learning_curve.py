"""Learning curve: what the next labels are expected to add, and how well that can be known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f as fisher

from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError

Value = float | None

MINIMUM = 3  # points of a curve: its end, its rise and its rate
RATES = 200  # rates tried for each family; coarser steps would rule the true one out
POWER = (0.1, 2.0)  # exponents b of c - a x^-b
DECAY = (0.05, 30.0)  # rates of c - a exp(-b x), over the span of labels seen so far
NOISE = 0.01  # standard error of one value where the size of the validation set is not known
PRIOR_POINTS = 1  # what the expected noise counts for beside the scatter of the values


@dataclass(frozen=True, slots=True)
class Gain:
    """Expected change of a metric by the next labels: `low` to `high` at the level asked for.

    `best` is that of the best curve. `scatter` is the standard deviation of the values around
    it, `noise` what was expected of it beforehand, `points` how many values there were.
    """

    low: float
    high: float
    best: float
    scatter: float
    noise: float
    points: int

    @property
    def middle(self) -> float:
        """Middle of the interval."""
        return (self.low + self.high) / 2

    @property
    def half_width(self) -> float:
        """Half the length of the interval."""
        return (self.high - self.low) / 2


def next_gain(
    labels: Sequence[float],
    values: Sequence[Value],
    more: float,
    *,
    level: float = 0.9,
    validation_size: int | None = None,
) -> Gain | None:
    """What `more` labels are expected to add to a metric, by curves that level off.

    Curves are c - a x^-b and c - a exp(-b x). For each rate b of a grid, c and a follow by least
    squares. The interval is that of the profile likelihood: it holds every gain for which some
    curve fits the values not much worse than the best one does. So it is wide while few values
    leave the shape open, and it includes that the two families disagree. Scatter is judged from
    the values and, as one more of them, from what a validation set of that size lets expect:
    sqrt(v (1 - v) / size), the standard error of a share, which is about right for areas as well.
    A curve may fall: then the gain is negative.

    Args:
        labels: (r,) numbers of labels, positive and never decreasing.
        values: (r,) metric at each on the validation part; None where it does not exist.
        more: labels of the next batch, more than 0.
        level: confidence of the interval, in (0, 1).
        validation_size: images of the validation part; None if not known.

    Returns:
        The gain, or None for values at fewer than 3 different numbers of labels.

    Raises:
        EvidenceError: if lengths differ, labels decrease, or a number is out of range.
    Source:
        Profile likelihood for nonlinear models: Bates and Watts 1988, Nonlinear Regression
        Analysis and Its Applications, chapter 6. Power laws for learning curves: Cortes et al.
        1994, Learning Curves: Asymptotic Values and Rate of Convergence.
    """
    x, y = _points(labels, values)
    _check(more, level, validation_size)
    if np.unique(x).size < MINIMUM:
        return None
    seen, ahead = _shapes(x, x[-1] + more)
    rise, error, weight = _fits(seen, y)
    noise = _noise(y, validation_size)
    freedom = x.size - MINIMUM + PRIOR_POINTS
    variance = (error.min() + PRIOR_POINTS * noise**2) / freedom
    # Squared error that a gain may cost on top of the best, by the F distribution.
    spare = error.min() + variance * float(fisher.ppf(level, 1, freedom)) - error
    open_ = spare >= 0
    middle, half = (rise * ahead)[open_], ahead[open_] * np.sqrt(spare[open_] / weight[open_])
    best = int(np.argmin(error))
    return Gain(
        low=float((middle - half).min()),
        high=float((middle + half).max()),
        best=float(rise[best] * ahead[best]),
        scatter=math.sqrt(float(error.min()) / max(1, x.size - MINIMUM)),
        noise=noise,
        points=int(x.size),
    )


def _points(labels: Sequence[float], values: Sequence[Value]) -> tuple[FloatArray, FloatArray]:
    if len(labels) != len(values):
        raise EvidenceError(f"a curve of {len(labels)} labels must not have {len(values)} values")
    x = np.asarray(labels, dtype=np.float64)
    if not (np.isfinite(x).all() and (x > 0).all() and (np.diff(x) >= 0).all()):
        raise EvidenceError(
            f"labels of a curve must be positive and not decrease, but are {list(labels)}"
        )
    y = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    have = np.array([v is not None for v in values], dtype=bool)
    if not np.isfinite(y[have]).all():
        raise EvidenceError("values of a curve must be finite; write None where there is none")
    return x[have], y[have]


def _check(more: float, level: float, validation_size: int | None) -> None:
    if not 0 < more < math.inf:
        raise EvidenceError(f"`more` must be a positive number of labels, not {more}")
    if not 0 < level < 1:
        raise EvidenceError(f"`level` must lie in (0, 1), not {level}")
    if validation_size is not None and validation_size < 1:
        raise EvidenceError(f"`validation_size` must be at least 1, not {validation_size}")


def _shapes(x: FloatArray, following: float) -> tuple[FloatArray, FloatArray]:
    """(s, m) curves from 0 at the first point to 1 at the last; (s,) what each gains beyond."""
    axis = np.append(x, following) / x[0]
    span = (axis - 1) / (axis[-2] - 1)
    power = axis ** -np.geomspace(*POWER, RATES)[:, None]
    decay = np.exp(-np.geomspace(*DECAY, RATES)[:, None] * span)
    curves = np.concatenate([power, decay])
    grown = (curves[:, :1] - curves) / (curves[:, :1] - curves[:, -2:-1])
    return grown[:, :-1], grown[:, -1] - 1


def _fits(seen: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(s,) least-squares rise of each shape, its squared error, and the weight of the rise."""
    u, v = seen - seen.mean(axis=1, keepdims=True), y - y.mean()
    weight: FloatArray = (u**2).sum(axis=1)
    rise: FloatArray = u @ v / weight
    error: FloatArray = ((v - rise[:, None] * u) ** 2).sum(axis=1)
    return rise, error, weight


def _noise(y: FloatArray, validation_size: int | None) -> float:
    if validation_size is None:
        return NOISE
    v = min(max(float(y.mean()), 0.05), 0.95)  # a share of 0 or 1 is known no better than that
    return math.sqrt(v * (1 - v) / validation_size)
