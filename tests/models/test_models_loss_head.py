"""Predicted losses rank images the network has not learned from by how wrong it will be."""

import numpy as np
import pytest
import torch
from model_toys import CHANNELS, CLASSES, Memory, learner, planted
from scipy.stats import spearmanr
from torch.nn import functional

from foveal.core.errors import EvidenceError
from foveal.core.spec import ModelSpec, TrainSpec
from foveal.models import Lessons, learn, predict
from foveal.models.loss_head import LossHead, fit_loss_head, held_out_losses, ranking_hinge

SPEC = TrainSpec(epochs=20, learning_rate=0.01, accelerator="cpu")


def fading(n, seed):
    """Features whose sign of a class fades, from image to image, down to nothing."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    features = 0.3 * rng.standard_normal((n, CHANNELS, 4, 4)).astype(np.float32)
    features[np.arange(n), labels] += rng.random(n)[:, None, None]
    nothing = np.zeros((n, 4, 4), np.float32)
    return Memory(features), Lessons(np.arange(n), labels, nothing, np.zeros(n, bool))


def taught(toy, seed=0, needs=("predicted_loss",)):
    model = ModelSpec(adapter=16)
    return learn(*toy, CLASSES, model, SPEC, "none", seed, 0, CHANNELS, needs=needs)[0]


@pytest.mark.parametrize("seed", range(3))
def test_images_never_seen_are_ranked_by_the_loss_they_will_have(seed):
    one, (inputs, lessons) = taught(fading(120, seed), seed), fading(300, seed + 50)
    ids = tuple(map(str, range(300)))
    found = predict(one, inputs, np.arange(300), ids, ("probs", "predicted_loss")).arrays
    losses = -np.log(found["probs"][np.arange(300), lessons.labels])
    assert found["predicted_loss"].shape == (300,)
    assert spearmanr(found["predicted_loss"], losses).statistic > 0.7


def test_a_loss_head_is_trained_only_for_those_who_ask_and_changes_nothing_else():
    toy = fading(30, 0)
    one, plain = taught(toy), taught(toy, needs=())
    assert plain.loss_head is None
    assert one.fingerprint() != plain.fingerprint()
    assert taught(toy).fingerprint() == one.fingerprint()
    assert torch.equal(one.network.adapter.weight, plain.network.adapter.weight)
    assert not one.loss_head.training
    assert not one.loss_head.mean.requires_grad


def test_without_a_loss_head_no_loss_is_predicted():
    with pytest.raises(EvidenceError, match="learn"):
        predict(learner(), planted(3)[0], np.arange(3), ("a", "b", "c"), ("predicted_loss",))


@pytest.mark.parametrize(
    ("predicted", "losses", "hinge"),
    [
        ([2.0, 0.0], [0.9, 0.1], 0.0),  # in the right order, and by more than the margin
        ([0.0, 2.0], [0.9, 0.1], 3.0),  # in the wrong one
        ([0.5, 0.0], [0.9, 0.1], 0.5),  # in the right one, but too close
        ([5.0, 0.0], [0.3, 0.3], 0.0),  # equals teach nothing
        ([1.0], [0.3], 0.0),
    ],
)
def test_the_ranking_hinge_in_closed_form(predicted, losses, hinge):
    predicted = torch.tensor(predicted, requires_grad=True)
    value = ranking_hinge(predicted, torch.tensor(losses))
    assert value.item() == pytest.approx(hinge)
    value.backward()


def test_a_head_learns_an_order_and_not_its_scale():
    torch.manual_seed(0)
    embedding = torch.randn(80, 6)
    losses = (embedding[:, 0] - embedding[:, 3]).exp()
    heads = [fit_loss_head(embedding, scaled, seed=1) for scaled in (losses, 7 * losses + 1)]
    with torch.no_grad():
        one, other = (head(embedding) for head in heads)
    assert torch.equal(one, other)
    assert spearmanr(one, losses).statistic > 0.95


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_lessons_or_equal_ones_give_a_head_all_the_same(n):
    embedding = torch.ones(n, 4)
    labels = torch.zeros(n, dtype=torch.int64)
    losses = held_out_losses(embedding, labels, 2, seed=0)
    head = fit_loss_head(embedding, losses, seed=0)
    assert losses.shape == (n,)
    assert torch.isfinite(head(embedding)).all()


def test_held_out_losses_are_those_of_heads_that_never_saw_the_sample():
    """The label of one sample decides its own loss, and none of the heads that judge it."""
    torch.manual_seed(0)
    features, labels = torch.randn(40, 5), torch.arange(40) % 2
    features[:, 0] += 3.0 * labels
    losses = held_out_losses(features, labels, 2, seed=3)
    turned = labels.clone()
    turned[7] = 1 - turned[7]
    wrong = held_out_losses(features, turned, 2, seed=3)[7]
    assert losses[7] < 0.5 < wrong
    torch.testing.assert_close((-losses[7]).exp() + (-wrong).exp(), torch.tensor(1.0))
    far = functional.softplus(torch.tensor(0.0))
    assert losses.mean() < far


def test_a_loss_head_is_small():
    assert sum(p.numel() for p in LossHead(128).parameters()) < 10_000
