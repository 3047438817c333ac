"""Training: one visible loop for both modes; class and region teach together."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from foveal.core.arrays import AnyArray, IntArray
from foveal.core.errors import DataError, SpecError
from foveal.core.spec import ModelSpec, TrainSpec
from foveal.models.augment import augment
from foveal.models.backbones import from_scratch
from foveal.models.compute import Progress, pick_device, seeded, silent, uses_bf16
from foveal.models.history import Epochs, History
from foveal.models.inputs import Inputs
from foveal.models.lessons import Batch, Lessons, Read, reader
from foveal.models.losses import (
    balanced_weights,
    classification_loss,
    explanation_loss,
    region_loss,
)
from foveal.models.network import Network, Output
from foveal.models.regions import on_grid

# Fabric announces precision and processes on standard error, in each process; the spec says both.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

GRADIENT_CLIP = 10.0
BACKBONE_SLOWER = 0.1  # pretrained layers learn at a tenth of the rate of new ones


@dataclass(frozen=True, slots=True)
class Usual:
    """Settings of a mode, used where the spec says None."""

    epochs: int
    learning_rate: float
    batch_size: int
    augment: bool


USUAL = {
    "features": Usual(epochs=60, learning_rate=1e-3, batch_size=64, augment=False),
    "full": Usual(epochs=16, learning_rate=3e-3, batch_size=32, augment=True),
}


@dataclass(frozen=True, slots=True)
class Course:
    """All that decides a training."""

    inputs: Inputs
    lessons: Lessons
    model: ModelSpec
    spec: TrainSpec
    classes: int
    seed: int
    validation: Lessons | None = None
    flips: bool = True

    @property
    def usual(self) -> Usual:
        """The spec's settings, with those of the mode where it has none."""
        base, spec = USUAL[self.model.mode], self.spec
        return Usual(
            spec.epochs or base.epochs,
            spec.learning_rate or base.learning_rate,
            spec.batch_size or base.batch_size,
            base.augment if spec.augment is None else spec.augment,
        )


def train(network: Network, course: Course, progress: Progress = silent) -> History:
    """Train a network in place; it ends in eval mode.

    Start from a fresh network, or from the last round's where the spec says `warm_start`. Early
    stopping happens only with a validation part and `patience`, and keeps the best epoch.

    Raises:
        DataError: without lessons.
        SpecError: if a network from scratch would see one image at a time.
    """
    if len(course.lessons) == 0:
        raise DataError("training needs at least one labeled sample, but there is none")
    if from_scratch(course.model) and min(len(course.lessons), course.usual.batch_size) < 2:
        raise SpecError(
            "a network from scratch needs batches of two images or more for its norms, but there "
            "is one labeled sample or `train.batch_size` is 1; use pretrained weights or more"
        )
    device = pick_device(course.spec.accelerator)
    # Cached features leave a few small layers to train: half precision gains nothing there.
    half = course.model.mode == "full" and uses_bf16(device, course.spec.precision)
    fabric = Fabric(
        accelerator=device.type,
        devices=course.spec.devices,
        precision="bf16-mixed" if half else "32-true",
        strategy="auto" if course.spec.devices == 1 else "ddp_spawn",
    )
    if course.spec.devices == 1:
        return _train(fabric, network, course, progress)
    # Fabric must see the network, to give each process its own copy, but cannot take frozen
    # records: those are bound. Its stub knows functions of one argument only.
    work: Any = partial(_train_one_of_many, course=course)
    history, state = fabric.launch(work, network)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    network.to(device).eval()
    return history  # type: ignore[no-any-return]


def _train_one_of_many(
    fabric: Fabric, network: Network, course: Course
) -> tuple[History, dict[str, AnyArray]]:
    history = _train(fabric, network, course, silent)
    # Tensors would come back as handles to memory that ends with this process; arrays are copied.
    return history, {name: value.cpu().numpy() for name, value in network.state_dict().items()}


def _train(fabric: Fabric, network: Network, course: Course, progress: Progress) -> History:
    with seeded(course.seed):
        network.to(fabric.device)
        read = _reader(course, course.lessons, fabric.device)
        if not course.spec.warm_start:
            _standardize(network, course, read)
        optimizer = _optimizer(network, course)
        model, optimizer = fabric.setup(network, optimizer)
        history = _epochs(fabric, model, optimizer, network, course, read, progress)
        _settle(network, course, read)
    network.eval()
    return history


def _reader(course: Course, lessons: Lessons, device: torch.device) -> Read:
    return reader(course.inputs, lessons, device, hold=course.model.mode == "features")


def _epochs(
    fabric: Fabric,
    model: nn.Module,
    optimizer: Any,
    network: Network,
    course: Course,
    read: Read,
    progress: Progress,
) -> History:
    usual = course.usual
    validate = _validation(network, course, read, fabric.device)
    epochs = Epochs(network, validate, course.spec.patience)
    schedule = _schedule(optimizer, course, fabric.world_size)
    for epoch in range(usual.epochs):
        network.train()
        losses = []
        for positions in _batches(course, epoch, fabric):
            loss = _loss(model, network, _augmented(read(positions), course), course)
            optimizer.zero_grad()
            fabric.backward(loss)
            fabric.clip_gradients(network, optimizer, max_norm=GRADIENT_CLIP)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        progress(epoch + 1, usual.epochs)
        if epochs.over(losses):
            break
    return epochs.kept()


def _loss(model: nn.Module, network: Network, batch: Batch, course: Course) -> Tensor:
    out: Output = model(batch.inputs, batch.labels, training_head=True)
    weights = None
    if course.spec.class_weights == "balanced":
        labels = torch.from_numpy(course.lessons.labels.astype(np.int64))
        weights = balanced_weights(labels, course.classes).to(out.logits.device)
    loss = classification_loss(out.logits, batch.labels, weights)
    if course.spec.explanation_weight and out.evidence is not None:
        region = on_grid(batch.regions, out.evidence.shape[1:])
        astray = explanation_loss(out.evidence, region, batch.bought, course.spec.empty_regions)
        loss = loss + course.spec.explanation_weight * astray
    if out.outline is not None:
        region = on_grid(batch.regions, out.outline.shape[1:])
        missed = region_loss(out.outline, region, batch.bought)
        loss = loss + (course.spec.region_weight or 0.0) * missed
    return loss


def _augmented(batch: Batch, course: Course) -> Batch:
    if not course.usual.augment or course.model.mode == "features":
        return batch
    images, regions = augment(batch.inputs, batch.regions, course.flips)
    return Batch(images, batch.labels, regions, batch.bought)


def _batches(course: Course, epoch: int, fabric: Fabric) -> Iterator[IntArray]:
    """Positions of each batch: shuffled, of nearly equal sizes, dealt out to the devices."""
    n = len(course.lessons)
    order = np.random.default_rng([course.seed, epoch]).permutation(n)
    batches = np.array_split(order, _steps(course, fabric.world_size) * fabric.world_size)
    for batch in batches[fabric.global_rank :: fabric.world_size]:
        yield batch if len(batch) else order[:1]  # every device must take every step


def _steps(course: Course, devices: int) -> int:
    return math.ceil(len(course.lessons) / (course.usual.batch_size * devices))


def _schedule(optimizer: Any, course: Course, devices: int) -> torch.optim.lr_scheduler.OneCycleLR:
    rates = [group["lr"] for group in optimizer.param_groups]
    steps = course.usual.epochs * _steps(course, devices)
    # One step of warm-up at least; OneCycleLR divides by zero where a phase has no length.
    share = max(0.3, min(0.9, 2 / steps))
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, max(steps, 2), pct_start=share)


def _optimizer(network: Network, course: Course) -> torch.optim.Optimizer:
    rate = course.usual.learning_rate
    old = {id(p) for p in network.backbone.parameters()} if network.backbone else set()
    groups = [{"params": [p for p in network.parameters() if id(p) not in old], "lr": rate}]
    if network.backbone is not None:
        slower = 1.0 if from_scratch(course.model) else BACKBONE_SLOWER
        groups.append({"params": list(network.backbone.parameters()), "lr": rate * slower})
    # Fused: one pass over the weights instead of a dozen, where torch has it.
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.AdamW(groups, weight_decay=course.spec.weight_decay, fused=fused)


@torch.no_grad()
def _standardize(network: Network, course: Course, read: Read) -> None:
    network.mean.zero_()
    network.std.fill_(1)
    network.eval()
    raw = [network.features(batch.inputs) for batch in _in_order(course, course.lessons, read)]
    network.standardize(torch.cat(raw))


@torch.no_grad()
def _settle(network: Network, course: Course, read: Read) -> None:
    network.eval()
    batches = _in_order(course, course.lessons, read)
    parts = [(network(b.inputs).embedding, b.labels) for b in batches]
    network.head.settle(torch.cat([p for p, _ in parts]), torch.cat([t for _, t in parts]))


def _in_order(course: Course, lessons: Lessons, read: Read) -> Iterator[Batch]:
    positions = np.arange(len(lessons))
    for start in range(0, len(positions), course.usual.batch_size):
        yield read(positions[start : start + course.usual.batch_size])


def _validation(
    network: Network, course: Course, read: Read, device: torch.device
) -> Callable[[], float] | None:
    """Measures the loss on the validation part, if there is one."""
    seen = course.validation
    if seen is None:
        return None
    read_seen = _reader(course, seen, device)

    @torch.no_grad()
    def loss() -> float:
        network.eval()
        _settle(network, course, read)
        losses, n = 0.0, 0
        for batch in _in_order(course, seen, read_seen):
            logits = network(batch.inputs).logits
            losses += float(classification_loss(logits, batch.labels, None)) * len(batch.labels)
            n += len(batch.labels)
        return losses / max(n, 1)

    return loss
