"""Attention: the head also sees the region that the network outlines, and maps stay exact."""

import numpy as np
import pytest
import torch
from model_toys import CHANNELS, CLASSES, planted

from foveal.core.spec import ModelSpec, TrainSpec
from foveal.models import Lessons, expected_regions, learn, learner_from_bytes, predict
from foveal.models.losses import explanation_gradient, explanation_loss
from foveal.models.network import Network

TARGETS = torch.tensor([0, 1, 1, 0, 1])


def attending(head="linear", outlines=True, **spec):
    torch.manual_seed(0)
    model = ModelSpec(head=head, adapter=8, pooling="attention", **spec)
    return Network(model, CHANNELS, 2, outlines=outlines).eval()


def features(n=5, side=6, seed=1):
    return torch.randn(n, CHANNELS, side, side, generator=torch.Generator().manual_seed(seed))


def settled(head):
    net = attending(head)
    net.head.settle(net(features(12, seed=2)).embedding, torch.arange(12) % 2)
    return net


def test_evidence_is_what_a_linear_head_adds_up():
    net = attending()
    out = net(features(), TARGETS)
    gained = out.logits.gather(1, TARGETS[:, None])[:, 0] - net.head.linear.bias[TARGETS]
    torch.testing.assert_close(out.evidence.sum((1, 2)), gained, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("head", ["linear", "prototype"])
def test_maps_are_gradient_times_activation(head):
    net = settled(head)
    out = net(features(), TARGETS)
    acts = out.acts.detach().requires_grad_()
    pooled = torch.cat([acts.mean((2, 3)), (acts * out.where[:, None]).sum((2, 3))], 1)
    net.head.logits(pooled).gather(1, TARGETS[:, None]).sum().backward()
    torch.testing.assert_close(
        out.evidence, (acts.grad * acts).sum(1).detach(), rtol=1e-4, atol=1e-6
    )


def test_weights_are_a_mean_over_the_outline_and_fade_where_there_is_none():
    net = attending()
    with torch.no_grad():
        net.outline.weight.zero_()
        net.outline.bias.fill_(20)
        everywhere = net(features())
        net.outline.bias.fill_(-20)
        nowhere = net(features())
    torch.testing.assert_close(everywhere.where, torch.full((5, 6, 6), 1 / 36))
    mean, attended = everywhere.embedding.chunk(2, 1)
    torch.testing.assert_close(mean, attended)
    assert nowhere.where.max() < 1e-6


def test_before_it_outlines_it_attends_to_everything():
    mean, attended = attending(outlines=False)(features()).embedding.chunk(2, 1)
    torch.testing.assert_close(mean, attended)


def test_classes_do_not_train_the_outline():
    net = attending()
    net(features()).logits.square().sum().backward()
    assert net.outline.weight.grad is None
    assert net.adapter.weight.grad.any()


def test_the_explanation_gradient_is_that_of_the_loss_in_all_weights_of_the_class():
    net, region = attending(), torch.zeros(5, 6, 6)
    region[:, 1:3, 1:4] = 1
    out = net(features(), TARGETS)
    found = explanation_gradient(out, out.evidence, region)
    for i, target in enumerate(TARGETS):
        one = slice(i, i + 1)
        loss = explanation_loss(out.evidence[one], region[one], torch.ones(1, dtype=torch.bool))
        (slope,) = torch.autograd.grad(loss, net.head.linear.weight, retain_graph=True)
        torch.testing.assert_close(found[i], slope[target])


def small_lesions(n, seed=0):
    """The class is a channel's value in a small disc; elsewhere the channel is noise as strong."""
    inputs, lessons = planted(n, seed)
    rng = np.random.default_rng(seed + 100)
    noise = 1.2 * rng.standard_normal((n, 2, *lessons.regions.shape[1:]))
    inputs.array[:, :2] += (noise * (1 - lessons.regions[:, None])).astype(np.float32)
    inputs.array[:, 2] += 3 * lessons.regions  # something to find the disc by
    return inputs, lessons


def taught(pooling, toy):
    spec = TrainSpec(epochs=30, learning_rate=0.01, accelerator="cpu", region_weight=1.0)
    model = ModelSpec(adapter=8, pooling=pooling)
    made, _ = learn(*toy, CLASSES, model, spec, "predicted", 0, channels=CHANNELS)
    return made


def test_where_the_class_is_told_in_the_region_alone_attention_learns_it_sooner():
    inputs, lessons = small_lesions(60)
    unseen, truth = small_lesions(300, seed=7)

    def right(pooling):
        made = taught(pooling, (inputs, lessons))
        ids = [str(i) for i in truth.rows]
        probs = predict(made, unseen, truth.rows, ids, ("probs",)).arrays["probs"]
        return (probs.argmax(1) == truth.labels).mean()

    assert right("attention") > right("mean") + 0.05


def test_a_learner_that_attends_comes_back_with_all_that_reads_its_embedding():
    inputs, lessons = planted(24)
    model = ModelSpec(adapter=8, pooling="attention", dropout=0.5)
    spec = TrainSpec(epochs=2, accelerator="cpu", region_weight=1.0)
    needs = ("predicted_loss", "mc_probs", "embedding", "misalignment", "explanation_gradient")
    one, _ = learn(
        inputs, lessons, CLASSES, model, spec, "predicted", 0, channels=CHANNELS, needs=needs
    )
    two = learner_from_bytes(one.to_bytes(model), model, CLASSES, None)
    assert two.fingerprint() == one.fingerprint()

    def seen(learner):
        expected = expected_regions(learner)
        ids = [str(i) for i in lessons.rows]
        return predict(learner, inputs, lessons.rows, ids, needs, expected).arrays

    first, second = seen(one), seen(two)
    assert first["embedding"].shape == first["explanation_gradient"].shape == (24, 16)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_without_regions_bought_it_learns_all_the_same():
    inputs, lessons = planted(40)
    none = Lessons(lessons.rows, lessons.labels, lessons.regions, np.zeros(40, bool))
    made = taught("attention", (inputs, none))
    ids = [str(i) for i in lessons.rows]
    probs = predict(made, inputs, lessons.rows, ids, ("probs",)).arrays["probs"]
    assert (probs.argmax(1) == lessons.labels).mean() > 0.9
