"""Scoring and maps: evidence beside plain inference, our maps beside those of two libraries."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from foveal.bench.stage import SIZE, Noise, untrained
from foveal.bench.timing import Row, rate_row, side_by_side
from foveal.core.errors import EvidenceError
from foveal.explain import normalize_map, resize_map
from foveal.models import Learner, Pass, expected_regions, predict
from foveal.models.compute import autocast

IMAGES = 256
BATCH = 64
AGREE_WITHIN = 1e-5
Explain = Callable[[], tuple[Tensor, Tensor]]
NETWORKS = (("mobilenet_v2", 16), ("resnet18", 32))


def scoring() -> Iterator[Row]:
    """Probabilities, embedding and misalignment in one pass, beside probabilities alone."""
    for backbone, stride in NETWORKS:
        learner, inputs = untrained(backbone, stride), Noise(IMAGES)
        ours, peer = side_by_side(
            partial(_evidence, learner, inputs), partial(_infer, learner, inputs), repeats=9
        )
        yield rate_row(f"scoring {backbone}", IMAGES, ours, peer, "plain inference", 0.95)


def _evidence(learner: Learner, inputs: Noise) -> None:
    rows = np.arange(len(inputs))
    ids = [str(row) for row in rows]
    needs = ("probs", "embedding", "misalignment")
    expected = expected_regions(learner)
    predict(learner, inputs, rows, ids, needs, expected, how=Pass(batch_size=BATCH))


def maps() -> Iterator[Row]:
    """Probabilities and the predicted class's map on the image's grid, beside two libraries.

    All in float32, on the same layer of the same network. Captum takes the class as an argument
    and gives no outputs back, so it needs a pass of its own to know what to explain. A difference
    above 1e-5 in any map is an error, not a benchmark.
    """
    for backbone, stride in NETWORKS:
        learner = untrained(backbone, stride)
        images = torch.from_numpy(Noise(BATCH).read(np.arange(BATCH)))
        model = Classifier(learner)
        works: dict[str, Explain] = {
            "ours": partial(closed_form, learner, images),
            "pytorch-grad-cam": with_grad_cam(model, images),
            "captum": with_captum(model, images),
        }
        exact = works["ours"]()
        for name, work in works.items():
            gap = max(float((a - b).abs().max()) for a, b in zip(exact, work(), strict=True))
            if gap > AGREE_WITHIN:
                raise EvidenceError(f"maps of {name} must agree with ours, but differ by {gap:.2g}")
        times = dict(zip(works, side_by_side(*works.values()), strict=True))
        for peer in ("pytorch-grad-cam", "captum"):
            yield rate_row(f"maps {backbone}", BATCH, times["ours"], times[peer], peer, 2.5)


@torch.inference_mode()
def closed_form(learner: Learner, images: Tensor) -> tuple[Tensor, Tensor]:
    """(n, C) probabilities and (n, H, W) maps in [0, 1], by one forward pass."""
    out = learner.network(images)
    cam = learner.network.cam(out, out.logits.argmax(1))
    return out.logits.softmax(1), _finished(cam)


def with_grad_cam(model: nn.Module, images: Tensor) -> Explain:
    """The same by pytorch-grad-cam, which explains the predicted class if none is named."""
    from pytorch_grad_cam import GradCAM

    cam = GradCAM(model=model, target_layers=[model.relu])

    def work() -> tuple[Tensor, Tensor]:
        maps = torch.from_numpy(cam(input_tensor=images, targets=None))
        return cam.outputs.detach().softmax(1), maps

    return work


def with_captum(model: nn.Module, images: Tensor) -> Explain:
    """The same by Captum."""
    from captum.attr import LayerGradCam

    cam = LayerGradCam(model, model.relu)

    def work() -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            logits = model(images)
        targets = logits.argmax(1).clone()
        found = cam.attribute(images, targets, relu_attributions=True).detach()[:, 0]
        return logits.softmax(1), _finished(found)

    return work


def _finished(cam: Tensor) -> Tensor:
    """Scaled to [0, 1] before and after enlarging, as pytorch-grad-cam does."""
    return normalize_map(resize_map(normalize_map(cam), (SIZE, SIZE)))


class Classifier(nn.Module):
    """The same network in the form that the peers take: logits out, one layer to explain."""

    def __init__(self, learner: Learner) -> None:
        super().__init__()
        self.network = learner.network
        self.relu = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        """(n, C) logits."""
        acts = self.relu(self.network.adapter(self.network.features(images)))
        return self.network.head.logits(acts.mean(dim=(2, 3)))


@torch.inference_mode()
def _infer(learner: Learner, inputs: Noise) -> None:
    for start in range(0, len(inputs), BATCH):
        block = inputs.read(np.arange(start, min(start + BATCH, len(inputs))))
        with autocast(learner.device, "auto"):
            out = learner.network(torch.from_numpy(np.ascontiguousarray(block)))
        out.logits.float().softmax(1).numpy()
