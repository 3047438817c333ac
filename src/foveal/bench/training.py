"""Training: what the explanation loss costs beside a plain step."""

import statistics
from collections.abc import Iterator
from functools import partial
from typing import Literal

from foveal.bench.stage import CLASSES, Noise, lessons
from foveal.bench.timing import Row, faster, side_by_side
from foveal.core.spec import ModelSpec, TrainSpec
from foveal.models import build_backbone
from foveal.models.inputs import Inputs
from foveal.models.network import Network
from foveal.models.train import Course, train

Mode = Literal["features", "full"]
MODES: tuple[Mode, ...] = ("features", "full")
FEATURES = 320  # channels of the embedded backbone, on an 8 x 8 grid at 128 px
SAMPLES = {"features": 256, "full": 64}
EPOCHS = {"features": 10, "full": 1}
LONGEST = 1 / 1.3  # a step with the explanation loss may take 1.3 times a plain one


def training() -> Iterator[Row]:
    """Whole trainings with and without the explanation loss, same batches, in both modes."""
    for mode in MODES:
        guided, plain = side_by_side(partial(_train, mode, 1.0), partial(_train, mode, 0.0))
        steps = EPOCHS[mode] * SAMPLES[mode]
        yield Row(
            f"training step with explanation loss, {mode}",
            "images/s",
            steps / statistics.median(guided),
            steps / statistics.median(plain),
            "plain step",
            faster(guided, plain),
            round(LONGEST, 3),
        )


def _train(mode: Mode, weight: float) -> None:
    model = ModelSpec(mode=mode)
    spec = TrainSpec(explanation_weight=weight, epochs=EPOCHS[mode])
    count = SAMPLES[mode]
    inputs: Inputs = Noise(count, FEATURES, 8) if mode == "features" else Noise(count)
    backbone = build_backbone(model) if mode == "full" else None
    network = Network(model, FEATURES, len(CLASSES), backbone)
    train(network, Course(inputs, lessons(count), model, spec, len(CLASSES), 0))
