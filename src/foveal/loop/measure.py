"""Measure: a learner's metrics on one part of the pool, and what a report shows of them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.pool import Part, SampleId
from foveal.core.truth import Guard
from foveal.evaluate import (
    accuracy,
    balanced_accuracy,
    ece,
    macro_auroc,
    recall_per_class,
    reliability,
)
from foveal.loop.bench import Bench, RegionReader
from foveal.loop.craft import Metrics
from foveal.loop.subgroups import subgroups
from foveal.models import Learner, Pass, look, predict


def measure(
    learner: Learner, bench: Bench, part: Part, references: RegionReader, truth: Guard, how: Pass
) -> tuple[Metrics, dict[str, Any]]:
    """Metrics of a part, and its calibration and recalls.

    Map metrics are means over images whose reference region is known and not empty; they are left
    out where there is none.
    """
    ids = bench.pool.ids(part)
    rows = bench.rows(ids)
    labels = np.array([truth.label(i) for i in ids], dtype=np.int64)
    probs = _probs(learner, bench, rows, ids, how)
    metrics: Metrics = {
        "accuracy": accuracy(probs, labels),
        "balanced_accuracy": balanced_accuracy(probs, labels),
        "macro_auroc": macro_auroc(probs, labels),
        "ece": ece(probs, labels),
    }
    seen = look(learner, bench.inputs, rows, references, how=how)
    for name, measured in (("cam_dice", "soft_dice"), ("pointing_game", "pointing_game")):
        known = seen[measured][~np.isnan(seen[measured])]
        if known.size:
            metrics[name] = float(known.mean(dtype=np.float64))
    recalls = dict(zip(bench.pool.classes, recall_per_class(probs, labels), strict=True))
    return metrics, {
        "recall_per_class": recalls,
        "reliability": asdict(reliability(probs, labels)),
    }


def measure_subgroups(
    learner: Learner, bench: Bench, part: Part, columns: Sequence[str], truth: Guard, how: Pass
) -> dict[str, Any]:
    """Metrics of a part by values of the manifest's columns, see `subgroups`."""
    ids = bench.pool.ids(part)
    labels = np.array([truth.label(i) for i in ids], dtype=np.int64)
    probs = _probs(learner, bench, bench.rows(ids), ids, how)
    return subgroups(bench.pool, ids, columns, probs, labels)


def _probs(
    learner: Learner, bench: Bench, rows: IntArray, ids: tuple[SampleId, ...], how: Pass
) -> FloatArray:
    evidence = predict(learner, bench.inputs, rows, ids, ("probs",), how=how)
    return evidence.arrays["probs"]  # type: ignore[return-value]
