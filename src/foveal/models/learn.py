"""One round of learning: train the network, then whatever expects regions from what was bought."""

from collections.abc import Callable

import numpy as np
import torch

from foveal.core.chance import integer_seed
from foveal.core.spec import ModelSpec, RegionSource, TrainSpec
from foveal.models.backbones import Backbone
from foveal.models.compute import Progress, seeded, silent
from foveal.models.inputs import Inputs
from foveal.models.learner import Learner
from foveal.models.lessons import Lessons, read_batch
from foveal.models.network import Network
from foveal.models.regions import RegionHead, class_atlas, fit_region_head, on_grid
from foveal.models.train import Course, History, train

SMALLEST_REGION_SET = 2  # bought regions below which a region head learns nothing


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
) -> tuple[Learner, History]:
    """A learner from lessons; depends on its arguments alone, so a round can be repeated.

    Args:
        inputs: features in mode `features`, images in mode `full`.
        source: `predicted` also trains a region head, `atlas` also averages the bought regions.
        seed, round_number: name the chance of initialization, batches and augmentation.
        channels: K of the features; `backbone` makes a pretrained one in mode `full`.
        previous: where to start from if `spec.warm_start`.
    """
    weights_seed = integer_seed(seed, "weights", round_number)
    with seeded(weights_seed):
        network = _network(model, len(classes), channels, backbone)
    warm = spec.warm_start and previous is not None
    if warm and previous is not None:
        network.load_state_dict(previous.network.state_dict())
    cold = spec if warm else spec.model_copy(update={"warm_start": False})
    order_seed = integer_seed(seed, "batches", round_number)
    course = Course(inputs, lessons, model, cold, len(classes), order_seed, validation)
    history = train(network, course, progress)
    head = atlas = None
    if source == "predicted":
        head = _region_head(network, inputs, lessons, integer_seed(seed, "regions", round_number))
    if source == "atlas":
        atlas = _atlas(network, inputs, lessons, len(classes))
    return Learner(network, classes, head, atlas), history


def _network(
    model: ModelSpec, classes: int, channels: int, backbone: Callable[[], Backbone] | None
) -> Network:
    if model.mode == "features" or backbone is None:
        return Network(model, channels, classes)
    trunk = backbone()
    return Network(model, trunk.channels, classes, trunk)


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
