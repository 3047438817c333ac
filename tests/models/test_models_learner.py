"""A learner comes back from bytes as it was, and from nothing else."""

import json
import struct

import pytest
import torch
from model_toys import CHANNELS, CLASSES, SIDE, learner, same, tiny_backbone, weights
from safetensors.torch import load, save

from foveal.core.errors import SchemaError
from foveal.core.spec import ModelSpec
from foveal.models import Learner, build_backbone, learner_from_bytes
from foveal.models.loss_head import LossHead
from foveal.models.network import Network
from foveal.models.regions import RegionHead

X = torch.randn(3, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([0, 1, 1])


def spec(head="linear"):
    return ModelSpec(head=head, adapter=8)


def complete(head="linear"):
    """A learner with everything that a learner can have."""
    torch.manual_seed(1)
    base = learner(head)
    atlas = torch.rand(len(CLASSES), SIDE, SIDE)
    return Learner(base.network, CLASSES, RegionHead(CHANNELS).eval(), atlas)


def again(one, head="linear"):
    return learner_from_bytes(one.to_bytes(spec(head)), spec(head), CLASSES, None)


@pytest.mark.parametrize("head", ["linear", "prototype"])
def test_it_comes_back_as_it_was(head):
    one = complete(head)
    two = again(one, head)
    assert two.fingerprint() == one.fingerprint()
    assert two.classes == one.classes
    assert same(weights(two.network), weights(one.network))
    assert torch.equal(two.atlas, one.atlas)
    with torch.no_grad():
        ours, theirs = one.network(X, Y), two.network(X, Y)
        assert torch.equal(ours.logits, theirs.logits)
        assert torch.equal(ours.evidence, theirs.evidence)
        assert torch.equal(one.region_head(X), two.region_head(X))
    assert not two.network.training
    assert not two.region_head.training


def test_a_network_that_outlines_comes_back_as_one():
    torch.manual_seed(1)
    one = Learner(Network(spec("linear"), CHANNELS, len(CLASSES), outlines=True).eval(), CLASSES)
    two = again(one)
    with torch.no_grad():
        assert torch.equal(one.network(X).outline, two.network(X).outline)
    assert two.fingerprint() == one.fingerprint()


def test_what_it_does_not_have_it_does_not_get():
    two = again(learner())
    assert two.region_head is None
    assert two.atlas is None
    assert two.device.type == "cpu"


def test_saving_twice_gives_the_same_bytes():
    assert complete().to_bytes(spec()) == complete().to_bytes(spec())


@pytest.mark.parametrize("embedded", [False, True])
def test_a_backbone_travels_along(embedded):
    full = ModelSpec(mode="full", adapter=8)
    one, two = (build_backbone(full) if embedded else tiny_backbone(s) for s in (1, 2))
    torch.manual_seed(0)
    sent = Learner(Network(full, one.channels, 2, one).eval(), CLASSES)
    with torch.no_grad():
        next(one.parameters()).mul_(1.1)  # no longer as it is built
    back = learner_from_bytes(sent.to_bytes(full), full, CLASSES, two)
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    assert back.fingerprint() == sent.fingerprint()
    with torch.no_grad():
        assert torch.equal(sent.network(images).logits, back.network(images).logits)


@pytest.mark.parametrize("part", ["network", "region_head", "atlas"])
def test_the_fingerprint_sees_every_weight(part):
    one, other = complete(), complete()
    assert one.fingerprint() == other.fingerprint()
    with torch.no_grad():
        changed = other.atlas if part == "atlas" else next(getattr(other, part).parameters())
        changed.view(-1)[0] += 1e-3
    assert one.fingerprint() != other.fingerprint()


def test_the_description_can_be_read_without_running_anything():
    data = complete().to_bytes(spec())
    (length,) = struct.unpack("<Q", data[:8])
    about = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["foveal"])
    assert about["classes"] == list(CLASSES)
    assert ModelSpec(**about["model"]) == spec()
    assert b"pickle" not in data


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"\x80\x04" + data[2:],
        lambda data: data[:20] + b"\xff" * 8 + data[28:],
    ],
    ids=["empty", "torn early", "torn late", "too long", "a pickle", "a broken header"],
)
def test_damaged_bytes_are_an_error(damage):
    data = damage(complete().to_bytes(spec()))
    with pytest.raises(SchemaError, match="damaged or was trained with other"):
        learner_from_bytes(data, spec(), CLASSES, None)


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        (spec("prototype"), CLASSES),
        (spec(), ("a", "b", "c")),
        (ModelSpec(adapter=9), CLASSES),
    ],
    ids=["another head", "another class", "another adapter"],
)
def test_a_model_of_another_spec_is_an_error(model, classes):
    with pytest.raises(SchemaError):
        learner_from_bytes(complete().to_bytes(spec()), model, classes, None)


def test_a_missing_array_is_an_error():
    tensors = load(complete().to_bytes(spec()))
    for name in ("network.adapter.weight", "network.head.linear.bias"):
        torn = save({k: v for k, v in tensors.items() if k != name})
        with pytest.raises(SchemaError):
            learner_from_bytes(torn, spec(), CLASSES, None)


def ensemble():
    """Three members and a loss head, beside all that `complete` has."""
    base = complete()
    others = tuple(learner(seed=s).network for s in (5, 6))
    return Learner(base.network, CLASSES, base.region_head, base.atlas, others, LossHead(8).eval())


def test_an_ensemble_and_a_loss_head_come_back_as_they_were():
    one = ensemble()
    two = again(one)
    assert two.fingerprint() == one.fingerprint()
    assert len(two.members) == 3
    for ours, theirs in zip(one.members, two.members, strict=True):
        assert same(weights(ours), weights(theirs))
        assert not theirs.training
    assert same(weights(one.loss_head), weights(two.loss_head))
    assert not two.loss_head.training
    assert again(learner()).loss_head is None


@pytest.mark.parametrize("part", [0, 1, "loss_head"])
def test_the_fingerprint_sees_every_member_and_the_loss_head(part):
    one, other = ensemble(), ensemble()
    with torch.no_grad():
        for a, b in zip(one.loss_head.parameters(), other.loss_head.parameters(), strict=True):
            b.copy_(a)
        assert one.fingerprint() == other.fingerprint()
        changed = other.loss_head if part == "loss_head" else other.others[part]
        next(changed.parameters()).view(-1)[0] += 1e-3
    assert one.fingerprint() != other.fingerprint()


def test_ten_members_keep_their_order():
    others = tuple(learner(seed=s).network for s in range(1, 11))
    back = again(Learner(learner().network, CLASSES, others=others))
    for ours, theirs in zip(others, back.others, strict=True):
        assert same(weights(ours), weights(theirs))


@pytest.mark.parametrize("embedded", [False, True])
def test_every_member_has_a_backbone_of_its_own(embedded):
    full = ModelSpec(mode="full", adapter=8)
    trunks = [build_backbone(full) if embedded else tiny_backbone(s) for s in (1, 2)]
    with torch.no_grad():
        next(trunks[1].parameters()).mul_(1.1)
    first, second = (Network(full, t.channels, 2, t).eval() for t in trunks)
    sent = Learner(first, CLASSES, others=(second,))
    empty = build_backbone(full) if embedded else tiny_backbone(9)
    back = learner_from_bytes(sent.to_bytes(full), full, CLASSES, empty)
    assert back.fingerprint() == sent.fingerprint()
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for ours, theirs in zip(sent.members, back.members, strict=True):
            assert torch.equal(ours(images).logits, theirs(images).logits)


def test_a_torn_member_is_an_error():
    tensors = load(ensemble().to_bytes(spec()))
    torn = save({k: v for k, v in tensors.items() if k != "member2.head.linear.bias"})
    with pytest.raises(SchemaError):
        learner_from_bytes(torn, spec(), CLASSES, None)
