"""Subjects: segmentation metrics of each, and their means over subjects, never over slices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.errors import EvidenceError
from foveal.evaluate.curves import Value
from foveal.evaluate.lesions import OVERLAP, count_lesions
from foveal.evaluate.segmentation import dice, two_class_dice, voxel_precision, voxel_recall
from foveal.evaluate.surface import hd95_mm


@dataclass(frozen=True, slots=True)
class Case:
    """One volume (or picture that is no slice of one) of a subject: masks on one grid.

    Slices of a volume are stacked before they come here: the Dice of a slice that holds three
    voxels of a lesion says nothing of the subject.
    """

    subject: str
    prediction: BoolArray
    reference: BoolArray
    spacing_mm: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SubjectMetrics:
    """`records` are the metrics of each subject, in the order in which subjects first came.

    `means` are over the subjects where a metric exists, None where it does for none; `undefined`
    says for how many it does not. `subjects` is how many there are.
    """

    records: Mapping[str, Mapping[str, Value]]
    means: Mapping[str, Value]
    undefined: Mapping[str, int]

    @property
    def subjects(self) -> int:
        """How many subjects there are."""
        return len(self.records)


def case_metrics(
    prediction: BoolArray,
    reference: BoolArray,
    spacing_mm: Sequence[float],
    *,
    overlap: float = OVERLAP,
    least_mm3: float = 0.0,
) -> dict[str, Value]:
    """All segmentation metrics of one volume.

    Args:
        prediction: boolean mask of any rank.
        reference: the same shape.
        spacing_mm: size of a voxel along each axis.
        overlap: share of a lesion that must be covered; see `count_lesions`.
        least_mm3: smallest lesion that counts, mm3.

    Returns:
        dice, hd95_mm, lesion_f1, lesion_recall, lesion_precision, voxel_recall, voxel_precision
        and two_class_dice (which flatters; see there); None where one does not exist.

    Raises:
        EvidenceError: if masks and spacing do not fit together, or a number is out of range.
    """
    found = count_lesions(
        prediction, reference, overlap=overlap, least=least_mm3, spacing_mm=spacing_mm
    )
    return {
        "dice": dice(prediction, reference),
        "hd95_mm": hd95_mm(prediction, reference, spacing_mm),
        "lesion_f1": found.f1,
        "lesion_recall": found.recall,
        "lesion_precision": found.precision,
        "voxel_recall": voxel_recall(prediction, reference),
        "voxel_precision": voxel_precision(prediction, reference),
        "two_class_dice": two_class_dice(prediction, reference),
    }


def subject_metrics(
    cases: Iterable[Case], *, overlap: float = OVERLAP, least_mm3: float = 0.0
) -> SubjectMetrics:
    """Metrics of each subject and their means over subjects.

    A subject with several volumes has the mean of theirs, so that it counts once. Cases may be
    made one at a time: none is kept.

    Args:
        cases: one volume or more.
        overlap: share of a lesion that must be covered; see `count_lesions`.
        least_mm3: smallest lesion that counts, mm3.

    Raises:
        EvidenceError: if there is no case, or as for `case_metrics`.
    """
    volumes: dict[str, list[dict[str, Value]]] = {}
    for case in cases:
        record = case_metrics(
            case.prediction,
            case.reference,
            case.spacing_mm,
            overlap=overlap,
            least_mm3=least_mm3,
        )
        volumes.setdefault(case.subject, []).append(record)
    if not volumes:
        raise EvidenceError("metrics over subjects need one volume or more, but there are none")
    records = {subject: _means(own) for subject, own in volumes.items()}
    every = list(records.values())
    undefined = {name: sum(r[name] is None for r in every) for name in every[0]}
    return SubjectMetrics(records, _means(every), undefined)


def _means(records: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
    """Each metric's mean over the records that have it."""
    held = {name: [r[name] for r in records] for name in records[0]}
    known = {name: [v for v in values if v is not None] for name, values in held.items()}
    return {name: float(np.mean(values)) if values else None for name, values in known.items()}
