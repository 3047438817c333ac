"""Subgroups: a learner's metrics on each site, sex, or whatever a column of the manifest tells."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import SpecError
from foveal.core.pool import Pool
from foveal.evaluate import accuracy, balanced_accuracy, ece, macro_auroc

UNKNOWN = "unknown"  # where a cell is empty
MOST = 20  # values of a column: more are no groups, and a few images each tell nothing


def subgroups(
    pool: Pool, ids: Sequence[str], columns: Sequence[str], probs: FloatArray, labels: IntArray
) -> dict[str, dict[str, dict[str, Any]]]:
    """Metrics of the samples that share a value of a column.

    Args:
        ids: (n,) samples.
        columns: of the manifest.
        probs: (n, C) probabilities of these samples.
        labels: (n,) their reference classes.

    Returns:
        {column: {value: {"n", "metrics": {"accuracy", "balanced_accuracy", "macro_auroc",
        "ece"}}}}, values in alphabetical order; macro AUROC is None where only one class occurs.
    """
    found = {}
    for column in columns:
        values = np.array([value_of(pool, i, column) for i in ids])
        found[column] = {
            str(value): _measured(probs[values == value], labels[values == value])
            for value in np.unique(values)
        }
    return found


def value_of(pool: Pool, sample: str, column: str) -> str:
    """The sample's cell, or `unknown` where it is empty."""
    return pool[sample].extra.get(column) or UNKNOWN


def check_subgroups(pool: Pool, columns: Sequence[str]) -> None:
    """Raise `SpecError` for a column that divides the test part into too many groups."""
    for column in columns:
        count = len({value_of(pool, i, column) for i in pool.ids("test")})
        if count > MOST:
            raise SpecError(
                f"a column of `report.subgroups` must have at most {MOST} values in the test part, "
                f"but {column!r} has {count}; add a column that holds a few ranges of it"
            )


def _measured(probs: FloatArray, labels: IntArray) -> dict[str, Any]:
    return {
        "n": len(labels),
        "metrics": {
            "accuracy": accuracy(probs, labels),
            "balanced_accuracy": balanced_accuracy(probs, labels),
            "macro_auroc": macro_auroc(probs, labels),
            "ece": ece(probs, labels),
        },
    }
