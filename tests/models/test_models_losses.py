"""The explanation loss teaches; class weights balance."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_toys import network, tiny_backbone

from foveal.core.spec import ModelSpec
from foveal.explain import normalize_map, pooled_cam
from foveal.explain.alignment import soft_dice
from foveal.models.losses import (
    balanced_weights,
    classification_loss,
    explanation_gradient,
    explanation_loss,
    region_loss,
)
from foveal.models.network import Network

LABELS = torch.tensor([0, 1, 0, 1, 1, 0])
HEADS = [("linear", "euclidean"), ("prototype", "euclidean"), ("prototype", "squared")]


def disc(n=6, side=4):
    region = torch.zeros(n, side, side)
    region[:, 1:3, 1:3] = 1
    return region


def everyone(n=6):
    return torch.ones(n, dtype=torch.bool)


def features(n=6, channels=6, side=4, seed=1):
    return torch.randn(n, channels, side, side, generator=torch.Generator().manual_seed(seed))


def gradients(net, loss):
    net.zero_grad()
    loss.backward()
    return {name: p.grad for name, p in net.named_parameters()}


@pytest.mark.parametrize(("head", "distance"), HEADS)
def test_the_gradient_reaches_the_adapter_and_a_linear_head(head, distance):
    net = network(head, distance).train()
    out = net(features(), LABELS, training_head=True)
    grads = gradients(net, explanation_loss(out.evidence, disc(), everyone()))
    reached = ["adapter.weight", "adapter.bias"] + ["head.linear.weight"] * (head == "linear")
    for name in reached:
        assert torch.isfinite(grads[name]).all()
        assert grads[name].abs().sum() > 1e-6


@pytest.mark.parametrize(("head", "distance"), HEADS)
def test_the_gradient_reaches_the_backbone(head, distance):
    torch.manual_seed(0)
    spec = ModelSpec(mode="full", head=head, distance=distance, adapter=8)
    net = Network(spec, 4, 2, tiny_backbone()).train()
    images = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    out = net(images, LABELS, training_head=True)
    grads = gradients(net, explanation_loss(out.evidence, disc(), everyone()))
    first = grads["backbone.trunk.0.weight"]
    assert torch.isfinite(first).all()
    assert first.abs().sum() > 1e-6


def test_a_detached_map_teaches_nothing():
    net = network().train()
    evidence = net(features(), LABELS, training_head=True).evidence.detach()
    loss = explanation_loss(evidence, disc(), everyone())
    assert not loss.requires_grad


@pytest.mark.parametrize("empty", ["skip", "suppress"])
def test_evidence_that_is_negative_everywhere_still_has_a_gradient(empty):
    evidence = (-features()[:, 0].abs() - 1).requires_grad_()
    assert (pooled_cam(evidence[:, None], torch.ones(6, 1)) == 0).all()
    (grad,) = torch.autograd.grad(explanation_loss(evidence, disc(), everyone(), empty), evidence)
    assert torch.isfinite(grad).all()
    assert (grad.flatten(1).abs().sum(1) > 1e-6).all()


@pytest.mark.parametrize("empty", ["skip", "suppress"])
@pytest.mark.parametrize("value", [0.0, 1.0, -2.0])
def test_a_constant_map_does_no_harm(value, empty):
    evidence = torch.full((6, 4, 4), value, requires_grad=True)
    (grad,) = torch.autograd.grad(explanation_loss(evidence, disc(), everyone(), empty), evidence)
    assert torch.isfinite(grad).all()


def test_it_is_one_less_soft_dice_of_the_normalized_map():
    cam = features()[:, 0]
    want = 1 - soft_dice(normalize_map(cam), disc()).mean()
    assert float(explanation_loss(cam, disc(), everyone())) == pytest.approx(float(want), abs=1e-5)


def test_it_vanishes_where_map_and_region_are_the_same():
    assert float(explanation_loss(3 * disc() - 1, disc(), everyone())) == pytest.approx(0, abs=1e-5)


def test_it_falls_as_evidence_moves_into_the_region():
    outside = torch.zeros(6, 4, 4)
    outside[:, 0] = 1
    losses = [
        float(explanation_loss((1 - t) * outside + t * disc(), disc(), everyone()))
        for t in np.linspace(0, 1, 6)
    ]
    assert all(np.diff(losses) < 0)


def test_a_step_along_the_gradient_moves_evidence_into_the_region():
    evidence = features()[:, 0].requires_grad_()
    (grad,) = torch.autograd.grad(explanation_loss(evidence, disc(), everyone()), evidence)
    after = evidence.detach() - 0.1 * grad / grad.norm()
    assert explanation_loss(after, disc(), everyone()) < explanation_loss(
        evidence.detach(), disc(), everyone()
    )


@given(st.lists(st.booleans(), min_size=6, max_size=6), st.sampled_from(["skip", "suppress"]))
def test_only_bought_samples_count(bought, empty):
    bought = torch.tensor(bought)
    evidence = features()[:, 0].requires_grad_()
    region = disc()
    region[0] = 0
    loss = explanation_loss(evidence, region, bought, empty)
    (grad,) = torch.autograd.grad(loss, evidence)
    counts = bought if empty == "suppress" else bought & (region.sum((1, 2)) > 0)
    assert ((grad.abs().sum((1, 2)) > 0) == counts).all()
    if counts.any():
        alone = explanation_loss(
            evidence.detach()[counts], region[counts], everyone()[counts], empty
        )
        assert float(loss.detach()) == pytest.approx(float(alone), abs=1e-6)
    assert 0 <= float(loss.detach()) <= 1


@pytest.mark.parametrize("empty", ["skip", "suppress"])
def test_where_nothing_was_bought_it_is_exactly_zero_and_has_a_graph(empty):
    evidence = features()[:, 0].requires_grad_()
    loss = explanation_loss(evidence, disc(), ~everyone(), empty)
    (grad,) = torch.autograd.grad(loss, evidence)
    assert float(loss.detach()) == 0
    assert (grad == 0).all()


def test_suppression_asks_for_less_evidence_and_not_for_another_shape():
    nothing = torch.zeros(1, 4, 4)
    cams = [scale * disc(1) for scale in (0.0, 0.1, 1.0, 10.0)]
    losses = [float(explanation_loss(c, nothing, everyone(1), "suppress")) for c in cams]
    assert losses[0] == 0
    assert all(np.diff(losses) > 0)
    assert float(explanation_loss(cams[-1], nothing, everyone(1), "skip")) == 0


def test_half_precision_evidence_is_measured_in_full():
    evidence = features()[:, 0]
    full = explanation_loss(evidence, disc(), everyone())
    half = explanation_loss(evidence.bfloat16(), disc(), everyone())
    assert half.dtype == torch.float32
    assert float(half) == pytest.approx(float(full), abs=0.02)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_balanced_weights_give_every_present_class_the_same_say(labels):
    labels = torch.tensor(labels)
    weights = balanced_weights(labels, 5)
    counts = torch.bincount(labels, minlength=5)
    say = weights * counts
    present = counts > 0
    torch.testing.assert_close(say[present], say[present][:1].expand(int(present.sum())))
    assert (weights[~present] == 0).all()
    assert float(weights[labels].mean()) == pytest.approx(1, abs=1e-5)


def test_classification_loss_is_the_mean_negative_log_probability():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    labels = torch.tensor([0, 0, 1])
    each = -logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
    assert float(classification_loss(logits, labels, None)) == pytest.approx(float(each.mean()))
    weighted = classification_loss(logits, labels, torch.tensor([1.0, 3.0]))
    assert float(weighted) == pytest.approx(float((each[:2].sum() + 3 * each[2]) / 5))
    assert classification_loss(logits.bfloat16(), labels, None).dtype == torch.float32


def test_the_region_loss_is_least_for_the_region_itself_and_counts_bought_samples_only():
    regions = torch.zeros(3, 4, 4)
    regions[:2, :2, :2] = 1
    bought = torch.tensor([True, True, False])
    sure = (2 * regions - 1) * 20
    wrong_where_it_does_not_count = torch.cat([sure[:2], -sure[2:]])
    assert region_loss(sure, regions, bought) < 1e-3
    assert region_loss(wrong_where_it_does_not_count, regions, bought) < 1e-3
    assert region_loss(-sure, regions, bought) > 10
    # By hand: of logits 0 every cell costs log 2, and Dice is (2 * 4 + 1) / (16 + 8 + 1).
    flat = region_loss(torch.zeros(3, 4, 4), regions, bought)
    assert flat.item() == pytest.approx(np.log(2) + 1 - 9 / 25)


def test_a_region_loss_of_nothing_bought_is_zero_with_a_graph():
    logits = torch.randn(2, 4, 4, requires_grad=True)
    loss = region_loss(logits, torch.ones(2, 4, 4), torch.zeros(2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_the_explanation_gradient_is_that_of_the_loss_in_the_weights_of_the_class():
    net = network(adapter=5)
    x, region = torch.randn(4, 6, 4, 4), disc(4)
    region[2] = 0
    region[3] = torch.nan
    out = net(x, torch.tensor([0, 1, 0, 1]))
    found = explanation_gradient(out, out.evidence, region)
    for i, target in enumerate((0, 1)):
        loss = explanation_loss(out.evidence[i : i + 1], region[i : i + 1], everyone(1))
        (slope,) = torch.autograd.grad(loss, net.head.linear.weight, retain_graph=True)
        torch.testing.assert_close(found[i], slope[target])
        assert not slope[1 - target].any()
    assert found[:2].abs().sum() > 0
    assert not found[2:].any()


def test_the_explanation_gradient_can_be_had_in_inference_mode():
    net = network(adapter=5)
    with torch.inference_mode():
        out = net(torch.randn(3, 6, 4, 4), torch.tensor([0, 1, 0]))
        assert explanation_gradient(out, out.evidence, disc(3)).abs().sum() > 0
