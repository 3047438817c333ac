"""ONNX: a learner for other programs; images in, probabilities out."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from foveal.models.backbones import Backbone
from foveal.models.learner import Learner

INPUT, OUTPUT = "images", "probabilities"


class Whole(nn.Module):
    """Backbone and head in one; the mean over the members of an ensemble."""

    def __init__(self, learner: Learner, backbone: Backbone | None) -> None:
        super().__init__()
        self.backbone = backbone
        self.members = nn.ModuleList(learner.members)

    def forward(self, images: Tensor) -> Tensor:
        """(n, channels, S, S) in [0, 1] to (n, C) probabilities."""
        inputs = images if self.backbone is None else self.backbone(images)
        each = [member(inputs).logits.softmax(1) for member in self.members]
        return torch.stack(each).mean(0)


def to_onnx(learner: Learner, backbone: Backbone | None, channels: int, size: int) -> bytes:
    """An ONNX file of a learner, for any number of images at a time.

    Args:
        backbone: the frozen one of mode `features`; None where the learner has its own.
        channels: of the images, 1 or 3.
        size: S, side of the network's grid; images are brought to it beforehand.
    """
    whole = Whole(learner, backbone).cpu().eval()
    with _quiet():
        program = torch.onnx.export(
            whole,
            (torch.rand(2, channels, size, size),),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    data: bytes = program.model_proto.SerializeToString()
    return data


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of its own insides."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
