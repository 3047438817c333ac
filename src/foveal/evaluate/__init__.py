"""Evaluate: metrics, calibration, learning curves, and what can be said over seeds."""

from foveal.evaluate.agreement import fleiss_kappa, kappa
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
from foveal.evaluate.curves import aubc, labels_to_target, share_to_full
from foveal.evaluate.efficiency import Efficiency, foreground_efficiency
from foveal.evaluate.lesions import Lesions, count_lesions, lesion_f1
from foveal.evaluate.penalty import penalties, penalty_matrix
from foveal.evaluate.ranking import Ranking, rank_over_sets, rankings
from foveal.evaluate.segmentation import dice, two_class_dice, voxel_precision, voxel_recall
from foveal.evaluate.statistics import critical_t, effect_size, holm, paired_t, wilcoxon
from foveal.evaluate.subjects import Case, SubjectMetrics, case_metrics, subject_metrics
from foveal.evaluate.summary import summarize
from foveal.evaluate.surface import hd95_mm, surface_distances
from foveal.evaluate.verdict import verdict
from foveal.evaluate.winner import leave_one_out, winners

__all__ = [
    "Case",
    "Efficiency",
    "Lesions",
    "Ranking",
    "Reliability",
    "SubjectMetrics",
    "accuracy",
    "aubc",
    "balanced_accuracy",
    "bootstrap_interval",
    "case_metrics",
    "compare",
    "count_lesions",
    "critical_t",
    "dice",
    "ece",
    "effect_size",
    "fleiss_kappa",
    "foreground_efficiency",
    "hd95_mm",
    "holm",
    "kappa",
    "labels_to_target",
    "leave_one_out",
    "lesion_f1",
    "macro_auroc",
    "paired_t",
    "penalties",
    "penalty_matrix",
    "rank_over_sets",
    "rankings",
    "recall_per_class",
    "reliability",
    "share_to_full",
    "subject_metrics",
    "summarize",
    "surface_distances",
    "two_class_dice",
    "verdict",
    "voxel_precision",
    "voxel_recall",
    "warnings_for",
    "wilcoxon",
    "winners",
]
