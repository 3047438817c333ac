"""Distances to a change of mind: exact where the network is linear, and without a trace."""

import math

import numpy as np
import pytest
import torch
from model_toys import CHANNELS, CLASSES, Memory, learner, network, planted, tiny_backbone

from foveal.core.spec import ModelSpec
from foveal.models import Learner, Pass, predict
from foveal.models.network import Network
from foveal.models.perturbation import (
    BIM_STEP,
    bim_distance,
    deepfool_distance,
    fixed,
    furthest,
)

SIDE = 3
BOTH = pytest.mark.parametrize("distance", [deepfool_distance, bim_distance])


def linear(classes=3, seed=0, std=1.0):
    """A network without a bend: its adapter passes everything on, far above zero."""
    net = network(classes=classes, channels=8, seed=seed)
    with torch.no_grad():
        net.adapter.weight.copy_(torch.eye(8)[:, :, None, None])
        net.adapter.bias.fill_(100.0)
        net.head.linear.bias.copy_(
            -100 * net.head.linear.weight.sum(1) + 0.1 * torch.randn(classes)
        )
        net.std.fill_(std)
    return net


def inputs(n=20, channels=8, seed=1):
    return torch.randn(n, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def gaps(net, x):
    """(n, C) logit gaps to the predicted class, and (n, C, D) what they gain for a unit of each
    channel's mean."""
    logits = net(x).logits
    own = logits.argmax(1)
    weight = net.head.linear.weight
    return logits.gather(1, own[:, None]) - logits, weight[None] - weight[own][:, None]


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("std", [1.0, 4.0])
def test_of_a_linear_network_deepfool_is_the_distance_to_the_nearest_hyperplane(classes, std):
    net, x = linear(classes, std=std), inputs()
    with torch.no_grad():
        gap, slope = gaps(net, std * x)
        # A mean over positions: moving all of them by 1 / positions each is the shortest way.
        ways = gap / (slope.norm(dim=2) / SIDE)
    # The predicted class is no rival: its way is 0 / 0.
    want = ways.nan_to_num(nan=torch.inf).amin(1)
    found = deepfool_distance(net, std * x)
    torch.testing.assert_close(found, want, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("std", [1.0, 4.0])
def test_of_a_linear_network_bim_goes_as_far_as_the_gap_needs(std):
    net, x = linear(2, std=std), inputs()
    with torch.no_grad():
        gap, slope = gaps(net, std * x)
        rival = gap.argmax(1)
        own_gap = gap.gather(1, rival[:, None])[:, 0]
        gained = BIM_STEP * slope[torch.arange(len(x)), rival].abs().sum(1)
    want = own_gap / gained * BIM_STEP * math.sqrt(x[0].numel())
    found = bim_distance(net, std * x)
    near = want <= furthest(x)
    assert near.sum() > 5
    torch.testing.assert_close(found[near], want[near], rtol=1e-3, atol=1e-4)
    assert (found[~near] == furthest(x)).all()


@BOTH
@pytest.mark.parametrize("head", ["linear", "prototype"])
def test_a_prediction_nearer_to_its_boundary_has_a_shorter_way(distance, head):
    one, some = learner(head), inputs(60, CHANNELS, seed=3)
    if head == "linear":
        with torch.no_grad():  # half of them in each class
            one.network.head.linear.bias -= one.network(some).logits.median(0).values
    a = some[:1]
    first, others = one.network(a).logits.argmax(1), one.network(some).logits.argmax(1)
    b = some[(others != first).nonzero()[0]]
    line = torch.cat([a + t * (b - a) for t in torch.linspace(0, 1, 200)])
    stands = (one.network(line).logits.argmax(1) == first).cumprod(0).bool()
    last = int(stands.sum()) - 1
    lengths = distance(one.network, line[[0, last]])
    assert lengths[1] < 0.5 * lengths[0]


def test_steps_of_equal_size_in_all_values_are_never_the_shortest_way():
    net, x = linear(2), inputs()
    assert (bim_distance(net, x) >= deepfool_distance(net, x).clamp_max(furthest(x)) - 1e-3).all()


@BOTH
def test_who_never_changes_its_mind_is_furthest_away(distance):
    net, x = linear(2), inputs(3)
    with torch.no_grad():
        net.head.linear.weight.zero_()
        net.head.linear.bias.copy_(torch.tensor([0.0, 1.0]))
    assert (distance(net, x) == furthest(x)).all()
    assert furthest(x) == pytest.approx(2 * math.sqrt(8 * SIDE * SIDE))


@BOTH
def test_at_a_tie_the_way_is_as_good_as_nothing(distance):
    net = linear(2)
    with torch.no_grad():
        net.head.linear.bias.copy_(-100 * net.head.linear.weight.sum(1))
        x = torch.zeros(3, 8, SIDE, SIDE)
        assert (net(x).logits.diff(dim=1).abs() < 1e-4).all()
    assert (distance(net, x) < 0.01).all()


@BOTH
def test_how_many_are_asked_at_once_does_not_matter(distance):
    one, x = learner(), inputs(40, CHANNELS)
    alone = torch.cat([distance(one.network, row[None]) for row in x[[0, 17, 39]]])
    torch.testing.assert_close(distance(one.network, x)[[0, 17, 39]], alone, rtol=1e-3, atol=1e-4)
    assert distance(one.network, x[:0]).shape == (0,)


@BOTH
def test_the_network_is_given_back_as_it_was(distance):
    net, x = network(dropout=0.5).train(), inputs(4, CHANNELS)
    net.adapter.bias.requires_grad_(False)
    net.dropout.eval()
    modes = [m.training for m in net.modules()]
    wants = [p.requires_grad for p in net.parameters()]
    before, kept = x.clone(), {k: v.clone() for k, v in net.state_dict().items()}
    lengths = distance(net, x)
    assert [m.training for m in net.modules()] == modes
    assert [p.requires_grad for p in net.parameters()] == wants
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(kept[k], v) for k, v in net.state_dict().items())
    assert torch.equal(x, before)
    assert not lengths.requires_grad


def test_the_network_is_given_back_also_where_the_block_raises():
    net = network().train()
    inside = []

    def look_and_fail():
        inside.append((net.training, any(p.requires_grad for p in net.parameters())))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), fixed(net):
        look_and_fail()
    assert inside == [(False, False)]
    assert net.training
    assert all(p.requires_grad for p in net.parameters())


NEEDS = ("deepfool_distance", "bim_distance")


def test_predict_measures_features():
    one, (features, _) = learner(), planted(9)
    ids = tuple(map(str, range(9)))
    found = predict(one, features, np.arange(9), ids, NEEDS, how=Pass(4)).arrays
    x = torch.from_numpy(features.array)
    for name, distance in zip(NEEDS, (deepfool_distance, bim_distance), strict=True):
        np.testing.assert_allclose(found[name], distance(one.network, x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_predict_measures_images(channels):
    torch.manual_seed(0)
    full = Learner(Network(ModelSpec(mode="full", adapter=8), 4, 2, tiny_backbone()), CLASSES)
    images = Memory(np.random.default_rng(0).random((5, channels, 32, 32)))
    found = predict(full, images, np.arange(5), tuple("abcde"), NEEDS).arrays
    for name in NEEDS:
        assert ((found[name] > 0) & (found[name] <= furthest(torch.from_numpy(images.array)))).all()
