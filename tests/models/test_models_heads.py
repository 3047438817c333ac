"""Heads: what they say, and the gradient by which they say it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.spec import ModelSpec
from foveal.models.heads import EMBEDDING, LinearHead, PrototypeHead, build_head

D, C, T = 5, 3, 0.2
LABELS = torch.tensor([0, 1, 0, 1, 2, 2, 0])
KINDS = ["linear", "euclidean", "squared"]


def pooled(n=7, seed=1):
    return torch.randn(n, D, generator=torch.Generator().manual_seed(seed))


def prototype(squared=False, classes=C):
    torch.manual_seed(0)
    return PrototypeHead(D, classes, T, squared)


def head_of(kind):
    if kind == "linear":
        torch.manual_seed(0)
        return LinearHead(D, C)
    head = prototype(kind == "squared")
    head.settle(pooled(), LABELS)
    return head


def brute_force(head, x, labels):
    """Leave-one-out logits, one sample and one class at a time."""
    e = head.embed(x)
    rows = []
    for i in range(len(x)):
        row = []
        for c in range(len(head.counts)):
            others = [j for j in range(len(x)) if j != i and labels[j] == c]
            if others:
                gap = (e[i] - e[others].mean(0)).square().sum()
                row.append(-(gap if head.squared else gap.sqrt()) / T)
            else:
                row.append(torch.tensor(0.0 if labels[i] == c else -math.inf))
        rows.append(torch.stack(row))
    return torch.stack(rows)


@pytest.mark.parametrize("squared", [False, True])
@given(labels=st.lists(st.integers(0, C - 1), min_size=1, max_size=8))
def test_in_training_each_sample_is_judged_by_the_others(squared, labels):
    head, labels = prototype(squared), torch.tensor(labels)
    x = pooled(len(labels))
    ours = head.training_logits(x, labels).softmax(1)
    torch.testing.assert_close(ours, brute_force(head, x, labels).softmax(1), rtol=1e-4, atol=1e-5)


def test_its_own_place_does_not_help_a_sample_in_training():
    head, x = prototype(), pooled()
    with_itself = head.training_logits(x, LABELS)
    moved = x.clone()
    moved[0] = pooled(1, seed=9)[0]
    # Others of its class see sample 0 as support; its own prototype does not hold it.
    torch.testing.assert_close(
        head.training_logits(moved, LABELS)[0],
        brute_force(head, moved, LABELS)[0],
        rtol=1e-4,
        atol=1e-4,
    )
    assert not torch.allclose(head.training_logits(moved, LABELS)[2], with_itself[2])


def test_alone_in_its_class_a_sample_has_a_small_loss_that_pushes_the_others_away():
    head, labels = prototype(), torch.tensor([0, 0, 1])
    x = pooled(3).requires_grad_()
    loss = torch.nn.functional.cross_entropy(head.training_logits(x, labels)[2:], labels[2:])
    (grad,) = torch.autograd.grad(loss, x)
    assert 0 < float(loss.detach()) < math.log(2)
    assert grad[2].abs().sum() > 0
    with torch.no_grad():
        e, away = head.embed(x), head.embed(x - 0.01 * grad)
        gap = [(v[2] - v[:2].mean(0)).norm() for v in (e, away)]
    assert gap[1] > gap[0]


@pytest.mark.parametrize("squared", [False, True])
def test_prototypes_settle_as_means_of_all_samples(squared):
    head, x = prototype(squared), pooled()
    head.settle(x, LABELS)
    e = head.embed(x)
    means = torch.stack([e[c == LABELS].mean(0) for c in range(C)])
    torch.testing.assert_close(head.prototypes, means.detach())
    assert head.counts.tolist() == [3, 2, 2]
    gaps = (e[:, None] - means).norm(dim=2)
    want = -(gaps.square() if squared else gaps) / T
    torch.testing.assert_close(head.logits(x), want, rtol=1e-4, atol=1e-4)


def test_settling_does_not_depend_on_order_or_on_what_was_before():
    head, order = prototype(), [4, 2, 6, 0, 1, 3, 5]
    head.settle(pooled(), LABELS)
    first = head.prototypes.clone()
    head.settle(pooled(seed=5), LABELS)
    head.settle(pooled()[order], LABELS[order])
    torch.testing.assert_close(head.prototypes, first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_class_without_samples_has_probability_zero(dtype):
    head = prototype(classes=4)
    head.settle(pooled(), LABELS)
    probs = head.logits(pooled(4, seed=2)).to(dtype).float().softmax(1)
    assert (probs[:, 3] == 0).all()
    in_training = head.training_logits(pooled(), LABELS).to(dtype).float().softmax(1)
    assert (in_training[:, 3] == 0).all()


def test_embeddings_are_unit_vectors():
    e = prototype().embed(pooled())
    assert e.shape == (7, EMBEDDING)
    torch.testing.assert_close(e.norm(dim=1), torch.ones(7))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["elsewhere", "at the prototype", "beside the prototype"])
def test_map_weights_are_the_gradient_of_the_target_logit(kind, where):
    head = head_of(kind)
    x = pooled(4, seed=3)
    targets = torch.tensor([2, 0, 1, 1])
    if where != "elsewhere":
        nudge = 0 if where == "at the prototype" else 1e-6 * pooled(4, seed=8)
        head.settle(x[[1, 2, 0]], torch.tensor([0, 1, 2]))
        x = x + nudge
    x.requires_grad_()
    (grad,) = torch.autograd.grad(head.logits(x).gather(1, targets[:, None]).sum(), x)
    ours = head.cam_weights(x, targets).expand_as(grad)
    torch.testing.assert_close(ours, grad, rtol=1e-3, atol=1e-3 * float(grad.abs().max()) + 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_map_weights_of_a_linear_head_can_be_trained_through(kind):
    weights = head_of(kind).cam_weights(pooled().requires_grad_(), LABELS)
    assert weights.requires_grad is (kind == "linear")


@pytest.mark.parametrize(
    ("head", "distance", "kind", "squared"),
    [
        ("linear", "euclidean", LinearHead, None),
        ("prototype", "euclidean", PrototypeHead, False),
        ("prototype", "squared", PrototypeHead, True),
    ],
)
def test_the_spec_names_the_head(head, distance, kind, squared):
    built = build_head(ModelSpec(head=head, distance=distance, temperature=0.5), D, C)
    assert isinstance(built, kind)
    if squared is not None:
        assert (built.squared, built.temperature) == (squared, 0.5)
    assert built.logits(pooled()).shape == (7, C)
