"""Foreground efficiency: how soon a model has learned what foreground can teach it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from foveal.core.arrays import FloatArray
from foveal.evaluate.curves import Value, points

FLAT = 1e-9  # values that differ by less do not rise
LEAST_POINTS = 3  # as many as the fit has parameters
SLOWEST, FASTEST = 1e-2, 1e3  # of the exponent, times the span of the shares
STEPS = 121  # of the grid that the search begins with


@dataclass(frozen=True, slots=True)
class Efficiency:
    """The curve c - a * exp(-b * (x - x0)) that fits best; the larger `b`, the sooner it is at c.

    `at_bound` tells that a steeper or flatter curve would fit even better: then `b` is as far as
    the search went, as where one step has taught everything or the curve still rises in a line.
    """

    b: float
    a: float
    c: float
    x0: float
    error: float
    at_bound: bool

    def at(self, share: float) -> float:
        """The fitted metric at a share of the foreground."""
        return self.c - self.a * math.exp(-self.b * (share - self.x0))


def foreground_efficiency(shares: Sequence[float], values: Sequence[Value]) -> Efficiency | None:
    """The exponent b of a learning curve over annotated foreground.

    For each b the best a >= 0 and c follow from least squares, so that only b is searched: on a
    grid of powers, then between the neighbors of the best.

    Args:
        shares: (r,) annotated foreground as a share of all there is, strictly increasing.
        values: (r,) metric at each, higher is better; points that are None are skipped.

    Returns:
        The fit; b and a are 0, and c is the mean, for a curve that does not rise: more foreground
        taught it nothing. None with fewer than three points.

    Raises:
        EvidenceError: as for `curves.points`.

    Source:
        nnActive 2025, arXiv:2511.19183.
    """
    x, y = points(shares, values)
    if len(x) < LEAST_POINTS:
        return None
    past, span = x - x[0], float(x[-1] - x[0])

    def error_of(log_b: float) -> float:
        return _fit(past, y, math.exp(log_b))[2]

    grid = np.log(np.geomspace(SLOWEST, FASTEST, STEPS) / span)
    best = int(np.argmin([error_of(log_b) for log_b in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, STEPS - 1)]
    found = minimize_scalar(error_of, bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    log_b = min((float(found.x), float(grid[best])), key=error_of)
    a, c, squares = _fit(past, y, math.exp(log_b))
    if a <= FLAT:
        return Efficiency(0.0, 0.0, float(y.mean()), float(x[0]), _root(np.var(y)), False)
    return Efficiency(
        b=math.exp(log_b),
        a=a,
        c=c,
        x0=float(x[0]),
        error=_root(squares / len(x)),
        at_bound=best in (0, STEPS - 1),
    )


def _fit(past: FloatArray, y: FloatArray, b: float) -> tuple[float, float, float]:
    """Best a >= 0 and c for one b, and the sum of squares that is left."""
    fall = np.exp(-b * past)
    away = fall - fall.mean()
    slope = float(away @ (y - y.mean()) / (away @ away))
    a = max(-slope, 0.0)
    c = float(y.mean() + a * fall.mean())
    return a, c, float(((y - c + a * fall) ** 2).sum())


def _root(square: float | np.floating) -> float:
    return math.sqrt(float(square))
