"""Maps as tensor functions: closed form, autograd, and two other libraries give the same."""

import pytest
import torch
from captum.attr import LayerGradCam
from hypothesis import given
from hypothesis import strategies as st
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from foveal.explain import (
    evidence_map,
    explain_layer,
    grad_cam,
    normalize_map,
    pooled_cam,
    resize_map,
)

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple)
seeds = st.integers(0, 2**16)


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def pooled_net():
    """Convolution, ReLU, global average pool, linear: the layer has the grid of the image."""
    torch.manual_seed(3)
    head = nn.Linear(8, 3)
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    with torch.no_grad():
        head.weight *= 2000  # maps of a size at which pytorch-grad-cam's 1e-7 does not matter
    return nn.Sequential(*layers, head).eval()


@pytest.fixture(scope="module")
def images():
    return torch.rand(6, 3, 12, 12, generator=torch.Generator().manual_seed(4))


TARGETS = torch.tensor([0, 1, 2, 2, 1, 0])


@given(seeds, st.integers(1, 3), st.integers(1, 4), shapes)
def test_the_closed_form_is_grad_cam_for_any_number_of_axes(seed, n, K, space):
    acts = drawn(seed, n, K, *space).requires_grad_()
    weights = drawn(seed + 1, n, K)
    target = (acts.flatten(2).mean(2) * weights).sum()
    (grads,) = torch.autograd.grad(target, acts)
    closed = pooled_cam(acts.detach(), weights)
    assert closed.shape == (n, *space)
    torch.testing.assert_close(closed, grad_cam(acts.detach(), grads), rtol=1e-5, atol=1e-6)


@given(seeds, st.integers(1, 3), st.integers(1, 4), shapes)
def test_evidence_adds_up_to_what_the_target_gains(seed, n, K, space):
    acts, weights = drawn(seed, n, K, *space), drawn(seed + 1, n, K)
    gained = (acts.flatten(2).mean(2) * weights).sum(1)
    total = evidence_map(acts, weights).flatten(1).sum(1)
    torch.testing.assert_close(total, gained, rtol=1e-4, atol=1e-5)


def test_grad_cam_weighs_volumes_by_the_mean_gradient_of_each_channel():
    acts = torch.zeros(1, 2, 2, 2, 2)
    acts[0, 0, 0, 0, 0], acts[0, 1, 1, 1, 1] = 1, 1
    grads = torch.zeros_like(acts)
    grads[0, 0, 0, 0, 1], grads[0, 1] = 8, -1
    want = torch.zeros(1, 2, 2, 2)
    want[0, 0, 0, 0] = 1  # 8 / 8 positions; the other channel speaks against and is cut off
    torch.testing.assert_close(grad_cam(acts, grads), want)


def test_of_a_pooled_linear_head_it_is_the_class_activation_map(pooled_net, images):
    with torch.no_grad():
        acts = pooled_net[1](pooled_net[0](images))
    by_hand = torch.einsum("nk,nkhw->nhw", pooled_net[4].weight[TARGETS].detach(), acts) / 144
    maps = explain_layer(pooled_net, pooled_net[1], images, TARGETS)
    torch.testing.assert_close(maps, by_hand.relu(), rtol=1e-4, atol=1e-4)


def test_second_opinion_captum(pooled_net, images):
    theirs = LayerGradCam(pooled_net, pooled_net[1]).attribute(
        images, target=TARGETS, relu_attributions=True
    )
    ours = explain_layer(pooled_net, pooled_net[1], images, TARGETS)
    torch.testing.assert_close(
        normalize_map(ours), normalize_map(theirs[:, 0].detach()), rtol=0, atol=1e-5
    )
    torch.testing.assert_close(ours, theirs[:, 0].detach(), rtol=1e-4, atol=1e-4)


def test_second_opinion_pytorch_grad_cam(pooled_net, images):
    with GradCAM(pooled_net, [pooled_net[1]]) as theirs:
        maps = theirs(images, [ClassifierOutputTarget(int(c)) for c in TARGETS])
    ours = normalize_map(explain_layer(pooled_net, pooled_net[1], images, TARGETS))
    assert (ours.amax((1, 2)) == 1).all()
    torch.testing.assert_close(ours, torch.from_numpy(maps), rtol=0, atol=1e-5)


@given(seeds, st.integers(1, 3), shapes, st.sampled_from([1e-20, 1.0, 1e6]))
def test_a_normalized_map_spans_zero_to_one(seed, n, space, size):
    cam = normalize_map(drawn(seed, n, *space) * size)
    flat = cam.flatten(1)
    assert cam.shape == (n, *space)
    assert (flat.amin(1) == 0).all()
    more_than_one_position = flat.shape[1] > 1
    assert (flat.amax(1) == (1 if more_than_one_position else 0)).all()


@given(seeds, st.floats(0.1, 10), st.floats(-1, 1))
def test_neither_scale_nor_offset_of_a_map_matters(seed, scale, offset):
    cam = drawn(seed, 2, 4, 4)
    torch.testing.assert_close(
        normalize_map(cam * scale + offset), normalize_map(cam), rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-30, 1e30])
def test_a_constant_map_points_nowhere(value):
    cam = torch.full((2, 3, 3), value, requires_grad=True)
    flat = normalize_map(cam)
    (grad,) = torch.autograd.grad(flat.sum(), cam)
    assert (flat == 0).all()
    assert (grad == 0).all()


def test_rounding_noise_on_a_constant_map_is_not_blown_up():
    cam = torch.full((1, 4, 4), 7.0, dtype=torch.float64)
    cam[0, 1, 1] += 1e-10
    assert (normalize_map(cam) == 0).all()


@given(seeds, st.sampled_from([1e-20, 1e-6, 1.0, 1e6]))
def test_the_gradient_of_a_normalized_map_is_finite(seed, size):
    cam = (drawn(seed, 2, 3, 3) * size).requires_grad_()
    (grad,) = torch.autograd.grad(normalize_map(cam).square().sum(), cam)
    assert torch.isfinite(grad).all()
    assert grad.abs().sum() > 0


@given(seeds, shapes)
def test_the_same_grid_leaves_a_map_alone(seed, space):
    cam = drawn(seed, 2, *space)
    torch.testing.assert_close(resize_map(cam, space), cam)


@given(seeds, shapes)
def test_resizing_keeps_range_and_constants_and_commutes_with_flips(seed, space):
    cam, size = drawn(seed, 2, *space), tuple(2 * s + 1 for s in space)
    large = resize_map(cam, size)
    assert large.shape == (2, *size)
    assert large.min() >= cam.min() - 1e-6
    assert large.max() <= cam.max() + 1e-6
    flipped = resize_map(cam.flip(-1), size)
    torch.testing.assert_close(flipped, large.flip(-1), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(resize_map(torch.ones(1, *space), size), torch.ones(1, *size))
