"""One round of learning: train the network, then whatever expects regions from what was bought."""

from collections.abc import Callable, Collection
from functools import partial

import numpy as np
import torch

from foveal.core.chance import integer_seed
from foveal.core.spec import ModelSpec, RegionSource, TrainSpec
from foveal.models.backbones import Backbone
from foveal.models.compute import Progress, seeded, silent
from foveal.models.history import History
from foveal.models.inputs import Inputs, to_tensor
from foveal.models.learner import Learner
from foveal.models.lessons import Lessons, read_batch
from foveal.models.loss_head import LossHead, fit_loss_head, held_out_losses
from foveal.models.network import Network
from foveal.models.regions import RegionHead, class_atlas, fit_region_head, on_grid
from foveal.models.train import Course, train

SMALLEST_REGION_SET = 2  # bought regions below which nothing learns to outline


def learn(
    inputs: Inputs,
    lessons: Lessons,
    classes: tuple[str, ...],
    model: ModelSpec,
    spec: TrainSpec,
    source: RegionSource,
    seed: int,
    round_number: int = 0,
    channels: int = 0,
    backbone: Callable[[], Backbone] | None = None,
    previous: Learner | None = None,
    validation: Lessons | None = None,
    progress: Progress = silent,
    needs: Collection[str] = (),
    flips: bool = True,
) -> tuple[Learner, History]:
    """A learner from lessons; depends on its arguments alone, so a round can be repeated.

    Args:
        inputs: features in mode `features`, images in mode `full`.
        source: `predicted` also trains a region head, unless the network itself learns to outline
            (`spec.region_weight`); `atlas` also averages the bought regions.
        seed, round_number: name the chance of initialization, batches and augmentation.
        channels: K of the features; `backbone` makes a pretrained one in mode `full`.
        previous: where to start from if `spec.warm_start`.
        needs: evidence that will be asked of the learner; `predicted_loss` trains a loss head.
        flips: whether augmentation may mirror images; not where left and right matter.
    Returns:
        the learner, and how the training of its (first) network went.
    """
    outlines = bool(spec.region_weight) and lessons.bought.sum() >= SMALLEST_REGION_SET
    networks, histories = [], []
    for member in range(spec.members):
        with seeded(integer_seed(seed, _purpose("weights", member), round_number)):
            network = _network(model, len(classes), channels, backbone, outlines)
        warm = spec.warm_start and previous is not None
        if warm and previous is not None:
            # Not strict: the first regions may have been bought since, and with them an outline.
            network.load_state_dict(previous.members[member].state_dict(), strict=False)
        cold = spec if warm else spec.model_copy(update={"warm_start": False})
        order_seed = integer_seed(seed, _purpose("batches", member), round_number)
        course = Course(inputs, lessons, model, cold, len(classes), order_seed, validation, flips)
        histories.append(train(network, course, partial(_overall, progress, member, spec.members)))
        networks.append(network)
    first, *others = networks
    head = atlas = losses = None
    if source == "predicted" and not outlines:
        head = _region_head(first, inputs, lessons, integer_seed(seed, "regions", round_number))
    if source == "atlas":
        atlas = _atlas(first, inputs, lessons, len(classes))
    if "predicted_loss" in needs:
        loss_seed = integer_seed(seed, "losses", round_number)
        losses = _loss_head(first, inputs, lessons, len(classes), loss_seed)
    return Learner(first, classes, head, atlas, tuple(others), losses), histories[0]


def _purpose(of: str, member: int) -> str:
    """The first member of an ensemble is the network that would be trained alone."""
    return f"{of} of member {member}" if member else of


def _overall(progress: Progress, member: int, members: int, done: int, of: int) -> None:
    progress(member * of + done, members * of)


def _network(
    model: ModelSpec,
    classes: int,
    channels: int,
    backbone: Callable[[], Backbone] | None,
    outlines: bool,
) -> Network:
    if model.mode == "features" or backbone is None:
        return Network(model, channels, classes, outlines=outlines)
    trunk = backbone()
    return Network(model, trunk.channels, classes, trunk, outlines)


@torch.no_grad()
def _bought(
    network: Network, inputs: Inputs, lessons: Lessons
) -> tuple[torch.Tensor, torch.Tensor]:
    """Features and regions, on one grid, of the lessons with a bought region."""
    positions = np.flatnonzero(lessons.bought)
    device = network.adapter.weight.device
    features, regions = [], []
    for part in np.array_split(positions, max(1, len(positions) // 64)):
        batch = read_batch(inputs, lessons, part, device)
        features.append(network.features(batch.inputs).float())
        regions.append(on_grid(batch.regions, features[-1].shape[-2:]))
    return torch.cat(features), torch.cat(regions)


def _region_head(
    network: Network, inputs: Inputs, lessons: Lessons, seed: int
) -> RegionHead | None:
    if lessons.bought.sum() < SMALLEST_REGION_SET:
        return None
    features, regions = _bought(network, inputs, lessons)
    return fit_region_head(features, regions, seed)


def _atlas(network: Network, inputs: Inputs, lessons: Lessons, classes: int) -> torch.Tensor | None:
    if not lessons.bought.any():
        return None
    _, regions = _bought(network, inputs, lessons)
    labels = torch.from_numpy(lessons.labels[lessons.bought].astype(np.int64))
    everywhere = torch.ones(len(labels), dtype=torch.bool)
    return class_atlas(regions.cpu(), labels, everywhere, classes)


@torch.no_grad()
def _loss_head(
    network: Network, inputs: Inputs, lessons: Lessons, classes: int, seed: int
) -> LossHead:
    device = network.adapter.weight.device
    parts = np.array_split(lessons.rows, max(1, len(lessons) // 64))
    embedding = torch.cat([network(to_tensor(inputs, p, device)).embedding for p in parts]).float()
    labels = torch.from_numpy(lessons.labels.astype(np.int64)).to(device)
    losses = held_out_losses(embedding, labels, classes, seed)
    with torch.enable_grad():
        return fit_loss_head(embedding, losses, seed)
