"""Learning curves as single numbers: the area under one, and the labels it takes to a target."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.integrate import trapezoid

from foveal.core.arrays import FloatArray
from foveal.core.errors import EvidenceError

Value = float | None
ROUNDING = 1e-9  # a mean that equals the target but for rounding has reached it


def points(labels: Sequence[float], values: Sequence[Value]) -> tuple[FloatArray, FloatArray]:
    """The points of a curve that have a value.

    Args:
        labels: (r,) numbers of labels (or minutes, or voxels), strictly increasing.
        values: (r,) metric at each, None where it does not exist.

    Returns:
        (m,) labels and (m,) values, m <= r.

    Raises:
        EvidenceError: if lengths differ, labels do not increase, or a number is not finite.
    """
    if len(labels) != len(values):
        raise EvidenceError(f"a curve of {len(labels)} labels must not have {len(values)} values")
    x = np.asarray(labels, np.float64)
    if not (np.isfinite(x).all() and (np.diff(x) > 0).all()):
        raise EvidenceError(f"labels of a curve must be finite and increase, not {list(labels)}")
    have = np.array([v is not None for v in values], bool)
    y = np.array([v for v in values if v is not None], np.float64)
    if not np.isfinite(y).all():
        raise EvidenceError("values of a curve must be finite; write None where there is none")
    return x[have], y


def aubc(labels: Sequence[float], values: Sequence[Value]) -> Value:
    """Area under the budget curve: trapezoids over the label axis rescaled to [0, 1].

    It is free of the axis's unit; a constant curve has its constant. The axis runs from the first
    to the last point with a value. Areas compare only between curves over the same axis.

    Args:
        labels: (r,) numbers of labels, strictly increasing.
        values: (r,) metric at each; points that are None are skipped.

    Returns:
        A number between the least and the greatest value; the value itself if there is only one,
        None if there is none.

    Raises:
        EvidenceError: as for `points`.
    """
    x, y = points(labels, values)
    if len(x) < 2:
        return float(y[0]) if len(y) else None
    return float(trapezoid(y, (x - x[0]) / (x[-1] - x[0])))


def labels_to_target(
    labels: Sequence[float],
    values: Sequence[Value],
    target: float,
    lower_is_better: bool = False,
) -> Value:
    """Smallest number of labels at which a curve reaches a target, interpolated linearly.

    Args:
        labels: (r,) numbers of labels, strictly increasing.
        values: (r,) metric at each; points that are None are skipped.
        target: the value to reach.
        lower_is_better: reach it from above, as for errors and distances.

    Returns:
        A number in [labels[0], labels[-1]], or None if the curve does not reach the target.

    Raises:
        EvidenceError: as for `points`.
    """
    x, y = points(labels, values)
    lack = y - target if lower_is_better else target - y
    reached = np.flatnonzero(lack <= ROUNDING)
    if not len(reached):
        return None
    i = int(reached[0])
    if i == 0:
        return float(x[0])
    before, after = lack[i - 1], max(-lack[i], 0)
    return float(x[i - 1] + (x[i] - x[i - 1]) * before / (before + after))


def share_to_full(
    labels: Sequence[float],
    values: Sequence[Value],
    full_value: float,
    full_labels: float,
    share: float = 0.95,
) -> Value:
    """Share of all labels at which a curve reaches a share of what all labels give.

    "96 % of the full-label Dice with 8 % of the labels" is a point of this kind.

    Args:
        labels: (r,) numbers of labels, strictly increasing.
        values: (r,) metric at each, higher is better; points that are None are skipped.
        full_value: the metric of a model that learned from all labels.
        full_labels: how many these are, above 0.
        share: of `full_value`, in (0, 1].

    Returns:
        A number, at least labels[0] / full_labels, interpolated linearly; None if the curve does
        not reach it.

    Raises:
        EvidenceError: as for `points`, or if a number is out of range.
    """
    if not 0 < share <= 1:
        raise EvidenceError(f"`share` of the full value must lie in (0, 1], not {share}")
    if not (math.isfinite(full_value) and 0 < full_labels < math.inf):
        raise EvidenceError(
            "the full-label reference must have a finite value and labels above 0, not "
            f"{full_value} at {full_labels}"
        )
    reached = labels_to_target(labels, values, share * full_value)
    return None if reached is None else reached / full_labels
