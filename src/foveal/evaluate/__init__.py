"""Evaluate: metrics, calibration, learning curves, and what can be said over seeds."""

from foveal.evaluate.bootstrap import bootstrap_interval
from foveal.evaluate.calibration import Reliability, ece, reliability
from foveal.evaluate.cautions import warnings_for
from foveal.evaluate.classification import (
    accuracy,
    balanced_accuracy,
    macro_auroc,
    recall_per_class,
)
from foveal.evaluate.contrasts import compare
from foveal.evaluate.curves import aubc, labels_to_target
from foveal.evaluate.penalty import penalties, penalty_matrix
from foveal.evaluate.ranking import Ranking, rank_over_sets, rankings
from foveal.evaluate.statistics import critical_t, effect_size, holm, paired_t, wilcoxon
from foveal.evaluate.summary import summarize
from foveal.evaluate.verdict import verdict
from foveal.evaluate.winner import leave_one_out, winners

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
    "effect_size",
    "holm",
    "labels_to_target",
    "leave_one_out",
    "macro_auroc",
    "paired_t",
    "penalties",
    "penalty_matrix",
    "rank_over_sets",
    "rankings",
    "recall_per_class",
    "reliability",
    "summarize",
    "verdict",
    "warnings_for",
    "wilcoxon",
    "winners",
]
