"""Any layer of any model can be explained, and the model never notices."""

import gc
import weakref

import pytest
import timm
import torch
import torchvision
from torch import nn

from foveal.core.errors import EvidenceError
from foveal.explain import explain_layer, grad_cam, record

X = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([1, 0])


def seeded(make):
    torch.manual_seed(0)
    return make().eval()


@pytest.fixture(scope="module")
def resnet():
    return seeded(lambda: torchvision.models.resnet18(num_classes=3))


@pytest.fixture
def small():
    return seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), Pooled(4, 3)))


class Pooled(nn.Module):
    """Mean over positions, then linear."""

    def __init__(self, channels, classes):
        super().__init__()
        self.linear = nn.Linear(channels, classes)

    def forward(self, acts):
        return self.linear(acts.mean((2, 3)))


def hooks(model):
    return sum(len(m._forward_hooks) + len(m._backward_hooks) for m in model.modules())


def live_tensors():
    gc.collect()
    return sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects())


@pytest.mark.parametrize(
    "path", ["conv1", "bn1", "maxpool", "layer1", "layer2.0.conv2", "layer3.1.bn1", "layer4"]
)
@pytest.mark.parametrize("frozen", [False, True])
def test_any_layer_of_a_torchvision_net(resnet, path, frozen):
    layer = resnet.get_submodule(path).requires_grad_(not frozen)
    resnet.requires_grad_(not frozen)
    maps = explain_layer(resnet, layer, X, Y)
    with record(layer) as tape, torch.no_grad():
        resnet(X)
    assert maps.shape == (2, *tape.acts.shape[2:])
    assert torch.isfinite(maps).all()
    assert (maps >= 0).all()
    assert not maps.requires_grad


@pytest.mark.parametrize(
    ("name", "path"),
    [("resnet18", "layer3"), ("densenet121", "features.denseblock4.denselayer16.conv2")],
)
def test_any_layer_of_a_timm_net(name, path):
    net = seeded(lambda: timm.create_model(name, num_classes=3))
    maps = explain_layer(net, net.get_submodule(path), X.repeat(1, 1, 2, 2), Y)
    assert len(maps) == 2
    assert maps.amax() > 0


def test_a_volume_is_explained_like_an_image():
    class Net(nn.Sequential):
        def forward(self, x):
            return super().forward(x).mean((2, 3, 4))

    net = seeded(lambda: Net(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 2, 1)))
    volume = torch.rand(2, 1, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    assert explain_layer(net, net[1], volume, Y).shape == (2, 4, 5, 6)


def test_what_follows_in_place_does_not_alter_the_record(resnet):
    # The ReLU after bn1 writes into bn1's output.
    with torch.enable_grad():
        acts = resnet.bn1(resnet.conv1(X)).detach().requires_grad_()
        deep = resnet.maxpool(acts.relu())
        for stage in (resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4):
            deep = stage(deep)
        scores = resnet.fc(resnet.avgpool(deep).flatten(1))
        (grads,) = torch.autograd.grad(scores.gather(1, Y[:, None]).sum(), acts)
    want = grad_cam(acts.detach(), grads)
    assert (acts < 0).any()
    torch.testing.assert_close(explain_layer(resnet, resnet.bn1, X, Y), want)


def test_each_image_is_explained_for_its_own_target(small):
    one_by_one = [explain_layer(small, small[1], X[i : i + 1], Y[i : i + 1]) for i in (0, 1)]
    torch.testing.assert_close(explain_layer(small, small[1], X, Y), torch.cat(one_by_one))
    assert not torch.equal(
        explain_layer(small, small[1], X, Y), explain_layer(small, small[1], X, 1 - Y)
    )


def test_the_score_may_be_found_in_whatever_the_model_returns(small):
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small

        def forward(self, x):
            return {"logits": self.inner(x)}

    wrapped = explain_layer(Wrapped(), small[1], X, Y, score=lambda out: out["logits"])
    torch.testing.assert_close(wrapped, explain_layer(small, small[1], X, Y))


def test_it_works_inside_no_grad(small):
    with torch.no_grad():
        inside = explain_layer(small, small[1], X, Y)
    torch.testing.assert_close(inside, explain_layer(small, small[1], X, Y))


@pytest.mark.parametrize("training", [True, False])
def test_modes_and_gradients_are_not_touched(small, training):
    small.train(training)
    small(X).sum().backward()
    before = [p.grad.clone() for p in small.parameters()]
    explain_layer(small, small[1], X, Y)
    assert small.training is training
    assert hooks(small) == 0
    for p, grad in zip(small.parameters(), before, strict=True):
        assert torch.equal(p.grad, grad)
        assert p.requires_grad


def test_the_output_is_the_same_with_and_without_a_record(small):
    with record(small[1]) as tape:
        recorded = small(X)
    assert torch.equal(recorded, small(X))
    assert tape.acts.grad_fn is not None


def test_hooks_go_even_when_the_body_raises(small):
    seen = []

    def body():
        with record(small[1]):
            seen.append(hooks(small))
            raise RuntimeError("from the body")

    with pytest.raises(RuntimeError, match="from the body"):
        body()
    assert seen == [1]
    assert hooks(small) == 0


def test_hooks_go_when_the_model_or_the_score_fails(small):
    def fail(_):
        raise RuntimeError("from the score")

    with pytest.raises(RuntimeError, match="from the score"):
        explain_layer(small, small[1], X, Y, score=fail)
    with pytest.raises(RuntimeError, match="channels"):
        explain_layer(small, small[0], torch.rand(1, 5, 8, 8), Y[:1])
    assert hooks(small) == 0


def test_nothing_piles_up_from_call_to_call(small):
    explain_layer(small, small[1], X, Y)
    before = live_tensors()
    for _ in range(5):
        explain_layer(small, small[1], X, Y)
    assert live_tensors() <= before
    assert hooks(small) == 0


def test_nothing_keeps_the_model_alive(small):
    layer = weakref.ref(small[1])
    net = small
    explain_layer(net, net[1], X, Y)
    with record(net[1]) as tape:
        net(X)
    net[1] = nn.Identity()
    del tape
    gc.collect()
    assert layer() is None


def test_a_layer_that_does_not_run_is_an_error(small):
    with pytest.raises(EvidenceError, match=r"Dropout.*must run"):
        explain_layer(small, nn.Dropout(), X, Y)
    assert hooks(small) == 0


@pytest.mark.parametrize("frozen", [False, True])
def test_a_score_that_does_not_see_the_layer_is_an_error(small, frozen):
    class Beside(nn.Module):
        """Runs the layer, and does not use what it gives."""

        def __init__(self):
            super().__init__()
            self.inner, self.layer = small, nn.Conv2d(3, 2, 1)

        def forward(self, x):
            self.layer(x)
            return self.inner(x)

    net = Beside().requires_grad_(not frozen)
    with pytest.raises(EvidenceError, match="must depend on the layer"):
        explain_layer(net, net.layer, X, Y)
    with pytest.raises(EvidenceError, match="must depend on the layer"):
        explain_layer(net, small[1], X, Y, score=lambda out: torch.zeros_like(out))
