"""What each number of the report means: one title, one direction and one sentence a metric."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`title` is as it stands in a sentence; `better` says which end is the good one."""

    title: str
    definition: str
    better: Better = "higher"


METRICS: Mapping[str, Metric] = {
    "macro_auroc": Metric(
        "macro AUROC",
        "The chance that a random image of a class is given a higher probability of that class "
        "than a random image of another class, averaged over the classes; 0.5 is guessing.",
    ),
    "balanced_accuracy": Metric(
        "balanced accuracy",
        "The share of images recognized in each class, averaged over the classes, so that a rare "
        "class counts as much as a common one.",
    ),
    "accuracy": Metric(
        "accuracy", "The share of test images whose most probable class is the reference class."
    ),
    "dice": Metric(
        "Dice",
        "Twice the overlap of predicted and reference mask divided by the sum of their sizes; 1 "
        "is a perfect match, and where neither shows anything. Mean over patients.",
    ),
    "lesion_f1": Metric(
        "lesion F1",
        "Of connected lesions: twice those found divided by those there and those predicted "
        "together; a lesion is found if a tenth of it is covered. Mean over patients.",
    ),
    "hd95_mm": Metric(
        "HD95 in mm",
        "How far the outlines lie apart, but for the worst twentieth; mean over the patients where "
        "both masks show something, lower is better.",
        "lower",
    ),
    "voxel_recall": Metric(
        "voxel recall", "The share of the reference’s foreground that is predicted."
    ),
    "voxel_precision": Metric(
        "voxel precision", "The share of the predicted foreground that is right."
    ),
    "cam_dice": Metric(
        "CAM Dice",
        "Overlap (soft Dice) of the model’s class activation map with the expert’s region on test "
        "images that have one; a diffuse map on a small region scores low even if it is centered.",
    ),
    "pointing_game": Metric(
        "pointing game",
        "The share of test images with a region where the hottest point of the model’s map lies "
        "inside it.",
    ),
    "ece": Metric(
        "calibration error (ECE)",
        "The gap between stated confidence and actual accuracy, averaged over 15 bins of "
        "confidence; 0 is perfectly calibrated, lower is better.",
        "lower",
    ),
}

TERMS: Mapping[str, str] = {
    "AUBC": "Area under the curve of a metric against the number of labels, with the axis "
    "rescaled to 0 to 1: the average level on the way, not only at the end.",
    "Final": "The value after the last round.",
    "Labels to reach random’s final": "The number of labels at which an arm attains the "
    "value that random choice has at the end.",
    "p and p (Holm)": "The probability of a difference at least this large if there were none; "
    "Holm’s adjustment makes it larger because several pairs are compared at once: all arms "
    "against random choice, and, apart from these, all pairs of other arms.",
    "Effect (d)": "The mean of paired differences in units of their standard deviation: how steady "
    "a difference is, whatever its size.",
    "Entropy": "How undecided the model is; 0 where it is certain.",
    "Misalignment": "1 minus the agreement of the model’s map with the expected region; 1 means "
    "that the model looked elsewhere.",
    "Expert minutes": "Time of the expert for classes and regions, from the seconds measured or, "
    "in a simulation, assumed in the spec.",
    "Spearman": "Correlation of ranks, from -1 to 1; 0 means that one order says nothing of the "
    "other.",
    "Recall": "The share of the images of one class that the model recognizes as such.",
}


def metric_of(name: str) -> Metric:
    """The entry of a metric; an unknown name is its own title and has no definition."""
    return METRICS.get(name) or Metric(name.replace("_", " "), "")


def ordered(names: set[str]) -> tuple[str, ...]:
    """Names of metrics in the order of the report, most telling first; unknown ones last."""
    known = [name for name in METRICS if name in names]
    return (*known, *sorted(names - METRICS.keys()))
