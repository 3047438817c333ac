"""Evaluate: metrics, calibration, learning curves, and what can be said over seeds."""

from foveal.evaluate.calibration import Reliability, ece, reliability
from foveal.evaluate.classification import (
    accuracy,
    balanced_accuracy,
    macro_auroc,
    recall_per_class,
)
from foveal.evaluate.curves import aubc, labels_to_target
from foveal.evaluate.penalty import penalty_matrix
from foveal.evaluate.ranking import Ranking, rank_over_sets
from foveal.evaluate.statistics import bootstrap_interval, critical_t, holm, paired_t, wilcoxon
from foveal.evaluate.summary import compare, summarize, warnings_for

__all__ = [
    "Ranking",
    "Reliability",
    "accuracy",
    "aubc",
    "balanced_accuracy",
    "bootstrap_interval",
    "compare",
    "critical_t",
    "ece",
    "holm",
    "labels_to_target",
    "macro_auroc",
    "paired_t",
    "penalty_matrix",
    "rank_over_sets",
    "recall_per_class",
    "reliability",
    "summarize",
    "warnings_for",
    "wilcoxon",
]
