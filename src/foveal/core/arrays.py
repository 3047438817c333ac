"""Array types by kind, and the checks every room makes where arrays enter."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from foveal.core.errors import EvidenceError

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]
AnyArray = NDArray[np.generic]

ROWS_SUM_TO_ONE_WITHIN = 1e-3  # half-precision softmax is off by a few 1e-4


def read_only(array: AnyArray) -> AnyArray:
    """A view nobody can write through."""
    view = array.view()
    view.flags.writeable = False
    return view


def check_finite(name: str, array: AnyArray) -> None:
    """Raise `EvidenceError` naming the first offending position unless all values are finite."""
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise EvidenceError(
            f"`{name}` must be finite, but holds {int(bad.sum())} NaN or infinite values, the "
            f"first at {where}; look for constant or corrupt images and diverged training"
        )


def check_shape(name: str, array: AnyArray, shape: Iterable[int | None]) -> None:
    """Raise `EvidenceError` unless `array` has `shape`; None stands for any length."""
    want = tuple(shape)
    fits = array.ndim == len(want) and all(
        w is None or w == got for w, got in zip(want, array.shape, strict=True)
    )
    if not fits:
        words = ", ".join("any" if w is None else str(w) for w in want)
        raise EvidenceError(f"`{name}` must have shape ({words}), not {array.shape}")


def check_unit(name: str, values: FloatArray) -> None:
    """Raise `EvidenceError` unless all values lie in [0, 1]."""
    check_finite(name, values)
    if values.size == 0:
        return
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1 + ROWS_SUM_TO_ONE_WITHIN:
        raise EvidenceError(f"`{name}` must lie in [0, 1], but spans [{low:.4g}, {high:.4g}]")


def check_probs(name: str, probs: FloatArray) -> None:
    """Raise `EvidenceError` unless `probs` holds probabilities whose last axis sums to 1."""
    check_unit(name, probs)
    if probs.size == 0:
        return
    off = float(np.abs(probs.sum(axis=-1, dtype=np.float64) - 1).max())
    if off > ROWS_SUM_TO_ONE_WITHIN:
        single = (
            "; a binary head's one column p becomes two, `two_columns(p)`"
            if probs.shape[-1] == 1
            else ""
        )
        raise EvidenceError(f"rows of `{name}` must sum to 1, but one is off by {off:.3g}{single}")


def two_columns(positive: FloatArray) -> FloatArray:
    """(..., 2) probabilities of no and yes from (...) probabilities of yes."""
    columns: FloatArray = np.stack([1 - positive, positive], axis=-1)
    return columns
