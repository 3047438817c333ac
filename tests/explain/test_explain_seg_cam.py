"""Seg-Grad-CAM by hand, against pytorch-grad-cam, and where there is nothing to explain."""

import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import SemanticSegmentationTarget
from torch import nn

from foveal.core.errors import EvidenceError
from foveal.explain import normalize_map, region_target, seg_grad_cam


class Outline(nn.Module):
    """A small network from (n, 2, *S) to one logit at each position, by way of half the side."""

    def __init__(self, axes=2):
        super().__init__()
        convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
        self.deep = convolution(2, 5, 3, stride=2, padding=1)
        self.act = nn.LeakyReLU(inplace=True)
        self.up = nn.Upsample(scale_factor=2)
        self.last = convolution(5, 1, 3, padding=1)
        self.unused = convolution(2, 1, 1)

    def forward(self, images):
        return self.last(self.up(self.act(self.deep(images))))


def first(output):
    return output[:, 0]


def made(axes=2, n=3, seed=0):
    torch.manual_seed(seed)
    return Outline(axes).eval(), torch.randn(n, 2, *(8,) * axes)


def by_hand(model, images, threshold):
    """Each image alone, with the activations as the leaf of the graph."""
    maps = []
    for image in images:
        acts = model.deep(image[None]).detach().requires_grad_()
        logits = model.last(model.up(nn.functional.leaky_relu(acts)))[0, 0]
        region = logits.sigmoid() >= threshold
        target = logits[region].sum() if region.any() else logits.sum()
        target.backward()
        weights = acts.grad[0].flatten(1).mean(1)
        maps.append(sum(w * a for w, a in zip(weights, acts[0], strict=True)).relu())
    return torch.stack(maps).detach()


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 1.0])
def test_maps_are_what_autograd_says(axes, threshold):
    model, images = made(axes)
    maps = seg_grad_cam(model, model.deep, images, threshold, first)
    assert maps.shape == (3, *(4,) * axes)
    torch.testing.assert_close(maps, by_hand(model, images, threshold), rtol=1e-4, atol=1e-4)


def test_second_opinion_pytorch_grad_cam():
    model, images = made(seed=3)
    model.act.inplace = False  # theirs records what the next layer writes over
    masks = (first(model(images)).sigmoid() >= 0.5).float().detach().numpy()
    assert masks.any((1, 2)).all()
    with GradCAM(model, [model.deep]) as theirs:
        maps = theirs(images, [SemanticSegmentationTarget(0, mask) for mask in masks])
    ours = normalize_map(seg_grad_cam(model, model.deep, images, 0.5, first))
    small = nn.functional.interpolate(ours[:, None], (8, 8), mode="bilinear")[:, 0]
    assert (small > 0).any((1, 2)).all()
    torch.testing.assert_close(normalize_map(small), torch.from_numpy(maps), rtol=0, atol=0.02)


def test_the_target_of_an_empty_region_is_everything():
    logits = torch.tensor([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    region = torch.tensor([[False, True, False], [False, False, False]])
    assert region_target(logits, region).tolist() == [2, 7]


def test_nothing_is_left_behind():
    model, images = made()
    model.train()
    seg_grad_cam(model, model.deep, images, 0.5, first)
    assert model.training
    assert not model.deep._forward_hooks
    assert all(p.grad is None for p in model.parameters())


def test_a_layer_that_does_not_count_is_an_error():
    model, images = made()
    with pytest.raises(EvidenceError, match="must run"):
        seg_grad_cam(model, model.unused, images, 0.5, first)

    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.head = nn.Conv2d(2, 1, 1), nn.Conv2d(2, 1, 1)

        def forward(self, images):
            self.layer(images)
            return self.head(images)

    blind = Blind()
    with pytest.raises(EvidenceError, match="must depend"):
        seg_grad_cam(blind, blind.layer, images, 0.5, first)
