"""Dropout draws are samples of the weights, and whoever draws leaves no trace."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_toys import CHANNELS, CLASSES, Memory, learner, network, planted, tiny_backbone
from torch import nn

from foveal.core.errors import EvidenceError
from foveal.core.spec import ModelSpec
from foveal.models import Learner, Pass, predict
from foveal.models.dropout import drawn_probs, dropping, keep_masks
from foveal.models.network import Network

N = 11
ROWS, IDS = np.arange(N), tuple(f"s{i}" for i in range(N))


def stack():
    return nn.Sequential(
        nn.Linear(4, 4),
        nn.BatchNorm1d(4),
        nn.Sequential(nn.Dropout(0.5), nn.AlphaDropout(0.1)),
        nn.Dropout(0.0),
    )


def modes(net):
    return [module.training for module in net.modules()]


@given(before=st.lists(st.booleans(), min_size=7, max_size=7), breaks=st.booleans())
def test_modes_are_borrowed_and_given_back(before, breaks):
    net = stack()
    for module, training in zip(net.modules(), before, strict=True):
        module.training = training
    try:
        with dropping(net):
            inside = [type(m).__name__ for m in net.modules() if m.training]
            assert inside == ["Dropout", "AlphaDropout"]
            if breaks:
                raise ZeroDivisionError
    except ZeroDivisionError:
        assert breaks
    assert modes(net) == before


def test_batch_norms_learn_nothing_of_what_is_predicted():
    net = stack().train()
    mean = net[1].running_mean.clone()
    with dropping(net):
        one, two = net(torch.ones(3, 4)), net(torch.ones(3, 4))
    assert torch.equal(net[1].running_mean, mean)
    assert not torch.equal(one, two)


@pytest.mark.parametrize("net", [nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.0))])
def test_without_dropout_there_is_nothing_to_draw(net):
    with pytest.raises(EvidenceError, match=r"`model\.dropout`"), dropping(net):
        pass


def test_masks_keep_the_mean_and_depend_on_their_seed_alone():
    net = network(dropout=0.25)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    masks = keep_masks(net, 4000, seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    assert masks.shape == (4000, 8)
    assert masks.unique().tolist() == pytest.approx([0, 1 / 0.75])
    torch.testing.assert_close(masks.mean(0), torch.ones(8), rtol=0, atol=0.05)
    assert torch.equal(keep_masks(net, 4000, seed=5), masks)
    assert not torch.equal(keep_masks(net, 4000, seed=6), masks)
    assert not net.training


@pytest.mark.parametrize("head", ["linear", "prototype"])
def test_draws_are_probabilities_of_the_head_under_each_mask(head):
    one = learner(head, dropout=0.5)
    pooled = torch.rand(5, 8)
    masks = keep_masks(one.network, 3, seed=1)
    with torch.no_grad():
        draws = drawn_probs(one.network, pooled, masks)
        want = one.network.head.logits(pooled * masks[2]).softmax(1)
    torch.testing.assert_close(draws[2], want)
    torch.testing.assert_close(draws.sum(2), torch.ones(3, 5))


@pytest.fixture(scope="module")
def inputs():
    return planted(N, seed=3)[0]


def mc_probs(one, inputs, rows=ROWS, draws=6, batch_size=128):
    ids = tuple(IDS[i] for i in rows)
    asked = predict(one, inputs, rows, ids, ("mc_probs",), how=Pass(batch_size), draws=draws)
    return asked.arrays["mc_probs"]


@pytest.mark.parametrize("head", ["linear", "prototype"])
def test_draws_do_not_depend_on_batches_order_or_what_was_drawn_before(inputs, head):
    one = learner(head, dropout=0.5)
    whole = mc_probs(one, inputs)
    torch.rand(3)
    order = np.random.default_rng(0).permutation(N)
    assert whole.shape == (6, N, 2)
    np.testing.assert_array_equal(mc_probs(one, inputs), whole)
    np.testing.assert_allclose(mc_probs(one, inputs, batch_size=4), whole, atol=1e-6)
    np.testing.assert_allclose(
        mc_probs(one, inputs, order, batch_size=3), whole[:, order], atol=1e-6
    )
    assert len(np.unique(whole[:, 0, 0])) > 1


def test_other_weights_draw_otherwise(inputs):
    one, other = learner(dropout=0.5), learner(dropout=0.5)
    with torch.no_grad():
        other.network.std.mul_(1 + 1e-7)
        other.network.mean[0] += 1e-6
    gap = np.abs(mc_probs(one, inputs) - mc_probs(other, inputs)).max()
    assert gap > 1e-3


def test_a_little_dropout_changes_little(inputs):
    one = learner(dropout=1e-6)
    probs = predict(one, inputs, ROWS, IDS, ("probs",)).arrays["probs"]
    np.testing.assert_allclose(mc_probs(one, inputs), np.stack([probs] * 6), atol=1e-4)


def test_nothing_but_draws_is_touched_by_dropout(inputs):
    one, without = learner(dropout=0.5), learner()
    one.network.train()
    needs = ("probs", "embedding")
    found = predict(one, inputs, ROWS, IDS, (*needs, "mc_probs")).arrays
    want = predict(without, inputs, ROWS, IDS, needs).arrays
    for name in needs:
        np.testing.assert_array_equal(found[name], want[name])
    assert not one.network.training


def test_the_backbone_runs_once_whatever_the_number_of_draws():
    torch.manual_seed(0)
    spec = ModelSpec(mode="full", adapter=8, dropout=0.5)
    full = Learner(Network(spec, 4, 2, tiny_backbone()), CLASSES)
    seen = []
    full.network.backbone.trunk[0].register_forward_hook(lambda *a: seen.append(len(a[-1])))
    images = Memory(np.random.default_rng(0).random((N, 1, 64, 64)))
    assert mc_probs(full, images, draws=9, batch_size=8).shape == (9, N, 2)
    assert seen == [8, 3]


def test_dropout_is_active_in_training_only():
    net, x = network(dropout=0.5), torch.randn(3, CHANNELS, 4, 4)
    still, again = net(x), net(x)
    net.train()
    drops, others = net(x), net(x)
    assert torch.equal(still.logits, again.logits)
    assert not torch.equal(drops.logits, others.logits)
    assert torch.equal(drops.embedding, still.embedding)
    assert torch.equal(net(x, torch.tensor([0, 1, 1])).evidence, still_map(net, x))


def still_map(net, x):
    net.eval()
    return net(x, torch.tensor([0, 1, 1])).evidence
