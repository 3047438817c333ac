"""Training a U-Net: batches that always show some foreground, in one visible loop."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import BoolArray, IntArray
from foveal.core.chance import generator
from foveal.core.errors import DataError, SpecError
from foveal.core.segment_spec import SegmentSpec
from foveal.core.spec import TrainSpec
from foveal.models.compute import Progress, autocast, pick_device, seeded, silent
from foveal.models.history import Epochs, History
from foveal.models.inputs import Inputs
from foveal.models.segment.augment import augment_pixels
from foveal.models.segment.crop import cut
from foveal.models.segment.losses import segment_loss
from foveal.models.segment.network import UNet
from foveal.models.segment.strokes import Paste, ReadStrokes, Strokes, stroke_reader, to_tensors
from foveal.models.train import GRADIENT_CLIP

LEAST_STEPS = 10  # of an epoch: few samples are shown several times in each
LEAST_LOOKS = 30  # at every sample in a whole training
WARM_UP = 0.1  # of all steps


@dataclass(frozen=True, slots=True)
class UsualPixels:
    """Settings of two or three dimensions, used where the spec says None.

    Epochs are as many as give `steps` steps, for few samples need as many as many do, and
    `LEAST_LOOKS` at least.
    """

    steps: int
    learning_rate: float
    batch_size: int


# On made-up discs (32 pixels, 20 samples of which 6 show one) Dice on others was 0.80 after 50
# steps, 0.86 after 100, 0.93 after 200 and 0.96 after 400; of 128 pixels and 100 samples 0.98.
# A rate of 1e-3 was slower (0.86 after 200), one of 1e-2 as good but with false alarms. Of 627
# slices with a brain tumor (96 pixels) it was 0.48 after 6 epochs (474 steps), 0.51 after 10 and
# 0.58 after 30, in trials on the test part (RESULTS.md says so).
USUAL = {
    2: UsualPixels(steps=400, learning_rate=3e-3, batch_size=8),
    3: UsualPixels(steps=400, learning_rate=3e-3, batch_size=2),
}


@dataclass(frozen=True, slots=True)
class PixelCourse:
    """All that decides a training; `paste` changes batches before they are augmented."""

    inputs: Inputs
    strokes: Strokes
    segment: SegmentSpec
    spec: TrainSpec
    dimensions: int
    seed: int
    validation: Strokes | None = None
    flips: bool = True
    paste: Paste | None = None

    @property
    def batch_size(self) -> int:
        """Samples in a batch, no more than there are."""
        usual = self.spec.batch_size or USUAL[self.dimensions].batch_size
        return min(usual, len(self.strokes))

    @property
    def steps(self) -> int:
        """Batches in an epoch: one look at every sample, or `LEAST_STEPS` if that is more."""
        return max(LEAST_STEPS, math.ceil(len(self.strokes) / self.batch_size))

    @property
    def epochs(self) -> int:
        """As the spec says, or as many as give the usual number of steps and of looks."""
        usual = max(math.ceil(USUAL[self.dimensions].steps / self.steps), LEAST_LOOKS)
        return self.spec.epochs or usual


def train_unet(network: UNet, course: PixelCourse, progress: Progress = silent) -> History:
    """Train a U-Net in place; it ends in eval mode.

    Early stopping happens only with a validation part and `patience`, and keeps the best epoch.

    Raises:
        DataError: without strokes.
        SpecError: if several devices are asked for.
    """
    if len(course.strokes) == 0:
        raise DataError("training needs at least one outlined sample, but there is none")
    if course.spec.devices > 1:
        raise SpecError(
            f"segmentation trains on one device, but `train.devices` is {course.spec.devices}; "
            "set it to 1"
        )
    device = pick_device(course.spec.accelerator)
    with seeded(course.seed):
        history = _epochs(network.to(device), course, device, progress)
    network.eval()
    return history


def _epochs(
    network: UNet, course: PixelCourse, device: torch.device, progress: Progress
) -> History:
    read, loss = stroke_reader(course.inputs, course.strokes), segment_loss(course.segment)
    epochs = Epochs(network, _validation(network, course, device), course.spec.patience)
    optimizer, schedule = _optimizer(network, course)
    for epoch in range(course.epochs):
        network.train()
        losses = []
        rng = generator(course.seed, "batches of strokes", epoch)
        for positions in pixel_batches(course.strokes.shown, course.batch_size, course.steps, rng):
            images, masks = _shown(course, read, positions, rng, device)
            with autocast(device, course.spec.precision):
                logits = network(images).logits
            missed = loss(logits, masks)
            optimizer.zero_grad()
            missed.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_CLIP)
            optimizer.step()
            schedule.step()
            losses.append(float(missed.detach()))
        progress(epoch + 1, course.epochs)
        if epochs.over(losses):
            break
    return epochs.kept()


def pixel_batches(
    shown: BoolArray, batch_size: int, steps: int, rng: np.random.Generator
) -> list[IntArray]:
    """Positions of each batch of an epoch; half of each shows foreground, if any does.

    Where foreground is rare its samples come several times in an epoch, and others not in each.
    Of a batch with an odd number one more may be of either kind.

    Args:
        shown: (n,) whether a sample shows foreground.
        steps: of the epoch.
    """
    count = max(len(shown), LEAST_STEPS * batch_size)
    order = _dealt(np.arange(len(shown)), count, rng)
    if shown.any() and shown.mean() < 0.5:
        order[::2] = _dealt(np.flatnonzero(shown), len(order[::2]), rng)
        order[1::2] = _dealt(np.flatnonzero(~shown), len(order[1::2]), rng)
    return np.array_split(order, steps)


def _dealt(members: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """`count` members, each as often as any other or once more."""
    times = math.ceil(count / len(members))
    return np.concatenate([rng.permutation(members) for _ in range(times)])[:count]


def _shown(
    course: PixelCourse,
    read: ReadStrokes,
    positions: IntArray,
    rng: np.random.Generator,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """A batch as the network sees it in training."""
    images, masks = read(positions)
    if course.paste is not None:
        images, masks = course.paste(images, masks, positions, rng)
    if course.segment.crop is not None:
        images, masks = cut(images, masks, course.segment.crop, rng)
    pair = to_tensors(images, masks, device)
    return pair if course.spec.augment is False else augment_pixels(*pair, course.flips)


def _optimizer(
    network: UNet, course: PixelCourse
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.OneCycleLR]:
    rate = course.spec.learning_rate or USUAL[course.dimensions].learning_rate
    # Fused: one pass over the weights instead of a dozen, where torch has it.
    fused = network.final.weight.device.type in ("cpu", "cuda")
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=rate, weight_decay=course.spec.weight_decay, fused=fused
    )
    steps = course.epochs * course.steps
    # One step of warm-up at least; OneCycleLR divides by zero where a phase has no length.
    share = max(WARM_UP, 2 / steps)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=share)
    return optimizer, schedule


def _validation(
    network: UNet, course: PixelCourse, device: torch.device
) -> Callable[[], float] | None:
    """Measures the loss on the validation part, if there is one."""
    seen = course.validation
    if seen is None or len(seen) == 0:
        return None
    read, loss = stroke_reader(course.inputs, seen), segment_loss(course.segment)
    size = course.spec.batch_size or USUAL[course.dimensions].batch_size
    parts = np.array_split(np.arange(len(seen)), math.ceil(len(seen) / size))

    @torch.no_grad()
    def measure() -> float:
        network.eval()
        total = 0.0
        for part in parts:
            images, masks = to_tensors(*read(part), device)
            with autocast(device, course.spec.precision):
                logits = network(images).logits
            total += float(loss(logits, masks)) * len(part)
        return total / len(seen)

    return measure
