"""The stream: samples go through a learner batch by batch, and columns of evidence grow."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.evidence import SAMPLE_AXIS
from foveal.models.compute import Progress, autocast, silent
from foveal.models.inputs import Inputs, to_tensor
from foveal.models.learner import Learner
from foveal.models.network import Output


@dataclass(frozen=True, slots=True)
class Pass:
    """How to stream: batch size, precision, and who watches."""

    batch_size: int = 128
    precision: str = "auto"
    progress: Progress = silent


AS_USUAL = Pass()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a learner sees in the samples `rows`, the first of which is number `start`.

    `inputs` (b, ...) is what was read, `members` are the outputs of its networks. `out` is that of
    the first, which explains and embeds; of an ensemble with the logits that all agree on, the
    logarithms of mean probabilities.
    """

    start: int
    rows: IntArray
    inputs: Tensor
    members: tuple[Output, ...]
    out: Output


@dataclass(slots=True)
class Columns:
    """Evidence as it grows: arrays filled batch by batch, never more than n samples."""

    n: int
    arrays: dict[str, FloatArray] = field(default_factory=dict)

    def put(self, name: str, start: int, values: Tensor) -> None:
        """File values of the samples from `start` on."""
        block = values.float().cpu().numpy()
        axis = SAMPLE_AXIS.get(name, 0)
        if name not in self.arrays:
            shape = (*block.shape[:axis], self.n, *block.shape[axis + 1 :])
            self.arrays[name] = np.empty(shape, np.float32)
        there = (slice(None),) * axis + (slice(start, start + block.shape[axis]),)
        self.arrays[name][there] = block


def stream(learner: Learner, inputs: Inputs, rows: IntArray, how: Pass) -> Iterator[Seen]:
    """All networks see a batch, without dropout or augmentation, before the next one is read."""
    for network in learner.members:
        network.eval()
    for start in range(0, len(rows), how.batch_size):
        part = rows[start : start + how.batch_size]
        batch, outs = see(learner, inputs, part, how)
        yield Seen(start, part, batch, outs, _together(outs))
        how.progress(start + len(part), len(rows))


def see(
    learner: Learner, inputs: Inputs, rows: IntArray, how: Pass
) -> tuple[Tensor, tuple[Output, ...]]:
    """One batch of inputs, and what each network makes of it."""
    full = learner.network.backbone is not None
    with autocast(learner.device, how.precision if full else "32"):
        batch = to_tensor(inputs, rows, learner.device)
        return batch, tuple(network(batch) for network in learner.members)


def _together(outs: tuple[Output, ...]) -> Output:
    if len(outs) == 1:
        return outs[0]
    return outs[0]._replace(logits=member_probs(outs).mean(0).log())


def member_probs(outs: tuple[Output, ...]) -> Tensor:
    """(M, n, C) probabilities of each member."""
    return torch.stack([out.logits.float().softmax(1) for out in outs])
