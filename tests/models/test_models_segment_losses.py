"""Losses agree with MONAI's on masks, and stay finite and sensible where those are odd."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.losses import DiceLoss, FocalLoss

from foveal.core.segment_spec import SegmentSpec
from foveal.models.segment.losses import cross_entropy, focal_loss, segment_loss, soft_dice_loss

SEEDS = st.integers(0, 2**31)
LOSSES = pytest.mark.parametrize("name", ["dice_ce", "focal", "dice_focal"])


def drawn(seed, shape=(3, 5, 4), soft=False):
    torch.manual_seed(seed)
    masks = torch.rand(shape)
    return 3 * torch.randn(shape), masks if soft else (masks > 0.6).float()


@given(SEEDS, st.booleans(), st.sampled_from([(2, 4, 4), (2, 3, 4, 3)]))
def test_second_opinion_dice(seed, soft, shape):
    logits, masks = drawn(seed, shape, soft)
    theirs = DiceLoss(sigmoid=True, batch=True, smooth_nr=1, smooth_dr=1)
    torch.testing.assert_close(
        soft_dice_loss(logits, masks), theirs(logits[:, None], masks[:, None])
    )


@given(SEEDS, st.floats(0, 5))
def test_second_opinion_focal(seed, gamma):
    logits, masks = drawn(seed)
    theirs = FocalLoss(gamma=gamma)(logits[:, None], masks[:, None])
    torch.testing.assert_close(focal_loss(logits, masks, gamma), theirs)


@given(SEEDS)
def test_focal_without_focus_is_cross_entropy(seed):
    logits, masks = drawn(seed, soft=True)
    torch.testing.assert_close(focal_loss(logits, masks, 0.0), cross_entropy(logits, masks))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_a_soft_mask_is_best_met_by_itself(share, gamma):
    probs = torch.linspace(0.02, 0.98, 97)
    losses = torch.stack(
        [focal_loss(p.logit().view(1, 1), torch.full((1, 1), share), gamma) for p in probs]
    )
    assert float(probs[losses.argmin()]) == pytest.approx(share, abs=0.011)


@LOSSES
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("size", [0.0, 1e4])
@pytest.mark.parametrize("fill", [0.0, 0.5, 1.0, None])
def test_loss_and_gradient_are_finite(name, gamma, size, fill):
    logits = torch.tensor([[[-1.0, 1.0], [1.0, -1.0]]]).mul(size).requires_grad_()
    masks = (
        torch.tensor([[[0.0, 0.0], [1.0, 1.0]]]) if fill is None else torch.full((1, 2, 2), fill)
    )
    loss = segment_loss(SegmentSpec(loss=name, gamma=gamma))(logits, masks)
    (slope,) = torch.autograd.grad(loss, logits)
    assert torch.isfinite(loss)
    assert torch.isfinite(slope).all()


@LOSSES
def test_an_empty_mask_teaches_emptiness(name):
    loss = segment_loss(SegmentSpec(loss=name))
    empty = torch.zeros(2, 8, 8)
    values = [float(loss(torch.full((2, 8, 8), z), empty)) for z in (4.0, 0.0, -4.0, -20.0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(0, abs=1e-5)


@LOSSES
def test_a_perfect_outline_costs_nothing_and_the_opposite_most(name):
    _, masks = drawn(0)
    loss = segment_loss(SegmentSpec(loss=name))
    right, wrong = (float(loss(side * 40 * (masks - 0.5), masks)) for side in (1, -1))
    assert right == pytest.approx(0, abs=1e-4)
    assert wrong > 1


def test_sums_are_what_their_parts_are():
    logits, masks = drawn(3)
    parts = soft_dice_loss(logits, masks), cross_entropy(logits, masks), focal_loss(logits, masks)
    for name, want in (("dice_ce", parts[0] + parts[1]), ("dice_focal", parts[0] + parts[2])):
        torch.testing.assert_close(segment_loss(SegmentSpec(loss=name))(logits, masks), want)
