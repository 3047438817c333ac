"""The network's own maps are the Grad-CAM of its adapter's output."""

import pytest
import torch
from captum.attr import LayerGradCam
from model_toys import CHANNELS, network, tiny_backbone
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from foveal.core.spec import ModelSpec
from foveal.explain import explain_layer, normalize_map
from foveal.models.network import Network

HEADS = [("linear", "euclidean"), ("prototype", "euclidean"), ("prototype", "squared")]
TARGETS = torch.tensor([0, 2, 1, 1, 2])
SIDE = 7


def features(n=5, seed=1):
    return torch.randn(n, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


class Opened(nn.Module):
    """The same network with its adapter's ReLU as a layer of its own, to hang hooks on."""

    def __init__(self, net):
        super().__init__()
        self.net, self.relu = net, nn.ReLU()

    def forward(self, inputs):
        acts = self.relu(self.net.adapter(self.net.features(inputs)))
        return self.net.head.logits(acts.mean((2, 3)))


def settled(head="linear", distance="euclidean"):
    net = network(head, distance, classes=3)
    with torch.no_grad():
        net.standardize(features(20, seed=2))
        net.head.settle(net(features(20, seed=2)).embedding, torch.arange(20) % 3)
    return net


@pytest.mark.parametrize(("head", "distance"), HEADS)
def test_the_closed_form_is_grad_cam_through_autograd(head, distance):
    net = settled(head, distance)
    out = net(features(), TARGETS)
    opened = Opened(net)
    maps = explain_layer(opened, opened.relu, features(), TARGETS)
    ours = net.cam(out, TARGETS).detach()
    assert maps.amax() > 0
    torch.testing.assert_close(ours, maps, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours, out.evidence.relu().detach())
    torch.testing.assert_close(out.logits, opened(features()))


@pytest.mark.parametrize(("head", "distance"), HEADS)
def test_second_opinions(head, distance):
    opened = Opened(settled(head, distance))
    out = opened.net(features(), TARGETS)
    ours = normalize_map(out.evidence.relu().detach())
    theirs = LayerGradCam(opened, opened.relu).attribute(
        features(), target=TARGETS, relu_attributions=True
    )
    torch.testing.assert_close(ours, normalize_map(theirs[:, 0].detach()), rtol=0, atol=1e-5)
    with GradCAM(opened, [opened.relu]) as third:
        maps = third(features(), [ClassifierOutputTarget(int(c)) for c in TARGETS])
    # It adds 1e-7 where it divides by the highest value.
    highest = out.evidence.detach().relu().amax((1, 2)).min()
    tolerance = max(1e-5, 2e-7 / float(highest))
    torch.testing.assert_close(ours, torch.from_numpy(maps), rtol=0, atol=tolerance)


def test_evidence_is_what_a_linear_head_adds_up():
    net = settled()
    out = net(features(), TARGETS)
    gained = out.logits.gather(1, TARGETS[:, None])[:, 0] - net.head.linear.bias[TARGETS]
    torch.testing.assert_close(out.evidence.sum((1, 2)), gained, rtol=1e-4, atol=1e-5)


def test_standardized_features_have_mean_zero_and_deviation_one():
    net, raw = network(), 5 + 3 * features(12)
    net.standardize(raw)
    ready = net.features(raw)
    torch.testing.assert_close(ready.mean((0, 2, 3)), torch.zeros(CHANNELS), rtol=0, atol=1e-5)
    torch.testing.assert_close(ready.std((0, 2, 3)), torch.ones(CHANNELS), rtol=0, atol=2e-3)


@pytest.mark.parametrize("shape", [(1, CHANNELS, 1, 1), (4, CHANNELS, 3, 3)])
def test_constant_channels_are_only_centered(shape):
    net = network()
    net.standardize(torch.full(shape, 3.0))
    assert (net.features(torch.full(shape, 3.0)) == 0).all()


def test_only_targets_ask_for_evidence_and_only_training_for_the_losss_logits():
    net = settled("prototype")
    plain, told = net(features()), net(features(), TARGETS)
    trained = net(features(), TARGETS, training_head=True)
    assert plain.evidence is None
    torch.testing.assert_close(plain.logits, told.logits)
    assert not torch.allclose(trained.logits, told.logits)


def test_with_a_backbone_it_reads_images_and_shows_the_same_as_on_its_features():
    backbone = tiny_backbone()
    spec = ModelSpec(mode="full", adapter=8)
    torch.manual_seed(0)
    net = Network(spec, 4, 3, backbone).eval()
    alone = Network(spec, 4, 3).eval()
    alone.load_state_dict({k: v for k, v in net.state_dict().items() if "backbone" not in k})
    images = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(4))
    out, same = net(images, TARGETS[:2]), alone(backbone(images), TARGETS[:2])
    torch.testing.assert_close(out.logits, same.logits)
    torch.testing.assert_close(out.evidence, same.evidence)
    assert out.features.shape == (2, 4, 4, 4)
