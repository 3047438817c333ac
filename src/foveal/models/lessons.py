"""Lessons: what experts have taught so far, ready to train on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import BoolArray, FloatArray, IntArray
from foveal.core.errors import DataError
from foveal.models.inputs import Inputs, to_tensor
from foveal.models.regions import on_grid

HELD_BYTES = 2**30  # of inputs; more lessons than fit are read batch by batch


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


Read = Callable[[IntArray], Batch]


def reader(inputs: Inputs, lessons: Lessons, device: torch.device, hold: bool) -> Read:
    """Batches by their positions in the lessons.

    Args:
        hold: whether inputs are features that no augmentation changes. Then they are read once,
            and regions brought to their grid once, as long as they fit into memory.
    """
    one = inputs.read(lessons.rows[:1])
    if not hold or one.nbytes * len(lessons) > HELD_BYTES:
        return partial(read_batch, inputs, lessons, device=device)
    whole = read_batch(inputs, lessons, np.arange(len(lessons)), device)
    regions = on_grid(whole.regions, one.shape[-2:])

    def some(positions: IntArray) -> Batch:
        at = torch.from_numpy(positions).to(device)
        return Batch(whole.inputs[at], whole.labels[at], regions[at], whole.bought[at])

    return some


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
