"""Folding changes how a network computes, never what."""

import pytest
import timm
import torch
import torchvision
from model_toys import same, weights
from torch import nn

from foveal.models.fold import folded

X = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


class Mixed(nn.Module):
    """Norms after a convolution, before one, and after one that something else needs too."""

    def __init__(self):
        super().__init__()
        self.conv, self.after = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)
        self.before, self.shared, self.late = (
            nn.BatchNorm2d(4),
            nn.Conv2d(4, 4, 1),
            nn.BatchNorm2d(4),
        )

    def forward(self, x):
        raw = self.shared(self.before(self.after(self.conv(x)).relu()))
        return raw + self.late(raw)


class Choosing(nn.Sequential):
    """Takes its path by its input."""

    def forward(self, x):
        return super().forward(x) if x.mean() > 0 else x


NETS = {
    "mixed": Mixed,
    "mobilenet": lambda: torchvision.models.mobilenet_v2().features[:6],
    "resnet": lambda: timm.create_model("test_resnet", features_only=True, out_indices=(-1,)),
    "densenet": lambda: timm.create_model("densenet121", features_only=True, out_indices=(-1,)),
}


def trained(make):
    """Norms as training leaves them: none does nothing."""
    torch.manual_seed(0)
    net = make()
    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.running_mean.normal_(0, 0.1)
                m.running_var.uniform_(0.5, 2)
                m.weight.uniform_(0.5, 2)
                m.bias.normal_(0, 0.1)
    return net.eval()


def run(net, x=X):
    with torch.no_grad():
        out = net(x)
    return out[-1] if isinstance(out, list) else out


@pytest.mark.parametrize("name", NETS)
def test_the_function_is_the_same(name):
    net = trained(NETS[name])
    want, before = run(net), weights(net)
    fast = folded(net)
    torch.testing.assert_close(run(fast), want, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(
        run(fast, X[:1, :, :32]), run(net, X[:1, :, :32]), rtol=1e-3, atol=1e-4
    )
    assert same(weights(net), before)


def norms(net):
    return sum(isinstance(m, nn.BatchNorm2d) for m in net.modules())


def test_norms_after_a_convolution_go_and_others_stay():
    assert norms(folded(trained(NETS["mobilenet"]))) == 0
    assert norms(folded(trained(Mixed))) == 2


@pytest.mark.parametrize("name", NETS)
def test_in_training_the_statistics_stay_and_the_weights_learn(name):
    net = trained(NETS[name])
    want = run(net)
    fast = folded(net)
    for m in fast.train().modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eval()
    out = fast(X)
    out = out[-1] if isinstance(out, list) else out
    torch.testing.assert_close(out.detach(), want, rtol=1e-3, atol=1e-4)
    out.square().sum().backward()
    grads = [p.grad for p in fast.parameters()]
    assert grads
    assert all(g is not None and torch.isfinite(g).all() for g in grads)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Choosing(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)),
        lambda: timm.create_model("test_vit", features_only=True, out_indices=(-1,)),
    ],
)
def test_what_cannot_be_traced_stays_as_it_is(make):
    net = make()
    assert folded(net) is net
    assert not net.training
