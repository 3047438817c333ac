"""Lessons: what experts have taught so far, ready to train on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import BoolArray, FloatArray, IntArray
from foveal.core.errors import DataError
from foveal.models.inputs import Inputs, to_tensor


@dataclass(frozen=True, slots=True)
class Lessons:
    """Row i of every array belongs to the input at rows[i].

    rows (n,) positions in the inputs; labels (n,) class indices; regions (n, S, S) in [0, 1];
    bought (n,) True where the expert gave a region, perhaps an empty one.

    Raises:
        DataError: if lengths differ or a region leaves [0, 1].
    """

    rows: IntArray
    labels: IntArray
    regions: FloatArray
    bought: BoolArray

    def __post_init__(self) -> None:
        lengths = {len(self.rows), len(self.labels), len(self.regions), len(self.bought)}
        if len(lengths) != 1:
            raise DataError(f"rows, labels, regions and bought must match, not {sorted(lengths)}")
        if self.regions.size and not (self.regions.min() >= 0 and self.regions.max() <= 1):
            raise DataError("regions must lie in [0, 1]; divide 8-bit masks by 255")

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch on the device: inputs (b, ...), labels (b,), regions (b, S, S), bought (b,)."""

    inputs: Tensor
    labels: Tensor
    regions: Tensor
    bought: Tensor


def read_batch(
    inputs: Inputs, lessons: Lessons, positions: IntArray, device: torch.device
) -> Batch:
    """The lessons at `positions` with their inputs."""
    return Batch(
        to_tensor(inputs, lessons.rows[positions], device),
        torch.from_numpy(lessons.labels[positions].astype(np.int64)).to(device),
        torch.from_numpy(lessons.regions[positions].astype(np.float32)).to(device),
        torch.from_numpy(lessons.bought[positions]).to(device),
    )
