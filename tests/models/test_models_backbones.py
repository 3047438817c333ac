"""Backbones: the right weights in the right places, or an error; never a half-loaded network."""

from importlib import resources
from io import BytesIO

import numpy as np
import pytest
import timm
import torch
import torchvision
from model_toys import same, tiny_backbone, weights
from safetensors.torch import save_file
from torch import nn

from foveal.core.errors import SpecError
from foveal.core.spec import ModelSpec
from foveal.models import build_backbone
from foveal.models.backbones import TRUNK_STAGES

SMALL = "test_resnet"  # timm's own toy: four stages, a tenth of a million weights


def build(seed=0, **spec):
    torch.manual_seed(seed)
    return build_backbone(ModelSpec(**spec)).eval()


def pictures(n=2, channels=3, size=64):
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(1))


def features(backbone, images):
    with torch.no_grad():
        return backbone(images)


@pytest.fixture(scope="module")
def embedded():
    return build()


def batch_norms(module):
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]


class Shift(nn.Module):
    """What is left of a batch norm whose scale and statistics are part of the convolution."""

    def __init__(self, bias):
        super().__init__()
        self.bias = torch.from_numpy(bias.astype(np.float32)).view(1, -1, 1, 1)

    def forward(self, x):
        return x + self.bias


def test_embedded_weights_are_read_as_convolutions_and_biases(embedded):
    file = resources.files("foveal.models") / "weights" / "mobilenet_v2_imagenet_fp16.npz"
    trunk = torchvision.models.mobilenet_v2().features[:TRUNK_STAGES].eval()
    with np.load(BytesIO(file.read_bytes())) as arrays:
        for name, module in list(trunk.named_modules()):
            if isinstance(module, nn.Conv2d):
                module.weight.data = torch.from_numpy(
                    arrays[f"features.{name}.weight"].astype(np.float32)
                )
            if isinstance(module, nn.BatchNorm2d):
                trunk.set_submodule(name, Shift(arrays[f"features.{name}.bias"]))
    trunk[14].conv[1][0].stride = (1, 1)
    with torch.no_grad():
        want = trunk((pictures() - 0.5) / 0.5)
    torch.testing.assert_close(features(embedded, pictures()), want, rtol=1e-3, atol=1e-3)


def test_embedded_weights_are_pretrained(embedded):
    untrained = build(weights="none")
    assert not same(weights(embedded), weights(untrained))
    assert not torch.allclose(
        features(embedded, pictures()), features(untrained, pictures()), atol=0.1
    )
    # They know a smooth picture from noise, where an untrained trunk hardly does.
    assert features(embedded, pictures()).std() > 0.1


@pytest.mark.parametrize("stride", [8, 16, 32])
@pytest.mark.parametrize("size", [64, 96])
def test_the_output_stride_is_that_of_the_spec(stride, size):
    backbone = build(output_stride=stride, weights="none")
    shape = features(backbone, pictures(1, size=size)).shape
    assert shape == (1, backbone.channels, size // stride, size // stride)
    assert backbone.channels == 320


def test_grey_is_three_times_the_same(embedded):
    grey = pictures(channels=1)
    assert torch.equal(features(embedded, grey), features(embedded, grey.repeat(1, 3, 1, 1)))


def test_each_image_has_its_own_features(embedded):
    images = pictures(3)
    together = features(embedded, images)
    alone = torch.cat([features(embedded, images[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)


def test_batch_norm_keeps_its_statistics_in_training():
    backbone = tiny_backbone().train()
    before = weights(backbone)
    backbone(pictures(8)).sum().backward()
    assert backbone.training
    assert not any(m.training for m in batch_norms(backbone))
    assert same(before, weights(backbone))
    assert not any(m.training for m in batch_norms(nn.Sequential(backbone).train()))


def test_the_fingerprint_sees_weights_and_layout(embedded):
    assert build().fingerprint() == embedded.fingerprint()
    assert tiny_backbone(0).fingerprint() != tiny_backbone(1).fingerprint()
    assert build(output_stride=32).fingerprint() != embedded.fingerprint()


def as_file(path, state):
    """The same arrays in whichever of the two formats the name asks for."""
    if path.suffix == ".npz":
        np.savez(path, **{k: v.numpy() for k, v in state.items()})
    else:
        save_file({k: v.contiguous() for k, v in state.items()}, path)
    return str(path)


def told_apart(net):
    """Untrained batch norms are all alike."""
    with torch.no_grad():
        for norm in batch_norms(net):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 2)
    return net.eval()


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_local_weights_of_the_embedded_network(tmp_path, suffix):
    torch.manual_seed(5)
    source = told_apart(torchvision.models.mobilenet_v2())
    backbone = build(weights=as_file(tmp_path / f"w{suffix}", weights(source)), output_stride=32)
    with torch.no_grad():
        want = source.features[:TRUNK_STAGES]((pictures() - 0.5) / 0.5)
    torch.testing.assert_close(features(backbone, pictures()), want, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "densenet121"])
def test_timm_weights_from_a_file_of_the_classification_model(tmp_path, name):
    torch.manual_seed(5)
    source = told_apart(timm.create_model(name, pretrained=False))
    path = as_file(tmp_path / "w.safetensors", weights(source))
    backbone = build(backbone=name, weights=path, output_stride=32)
    images = pictures()
    with torch.no_grad():
        want = source.forward_features((images - backbone.mean) / backbone.std)
    assert features(backbone, images).shape == (2, backbone.channels, 2, 2)
    torch.testing.assert_close(features(backbone, images), want, rtol=1e-3, atol=1e-3)


def test_timm_weights_of_a_transformer(tmp_path):
    name = "test_vit"  # timm wraps it under other names than the file has
    torch.manual_seed(5)
    source = timm.create_model(name, pretrained=False).eval()
    path = as_file(tmp_path / "w.npz", weights(source))
    backbone = build(backbone=name, weights=path, output_stride=32)
    images = pictures(size=160)
    with torch.no_grad():
        ready = (images - backbone.mean) / backbone.std
        (want,) = source.forward_intermediates(ready, indices=1, intermediates_only=True)
    torch.testing.assert_close(features(backbone, images), want, rtol=1e-3, atol=1e-3)


def test_channels_that_come_last_are_put_second():
    backbone = build(backbone="swin_tiny_patch4_window7_224", weights="none", output_stride=32)
    assert backbone.channels == 768
    assert features(backbone, pictures(1, size=224)).shape == (1, 768, 7, 7)


@pytest.mark.parametrize(("name", "stride"), [("resnet18", 8), ("resnet50", 16)])
def test_timm_networks_offer_other_strides(name, stride):
    backbone = build(backbone=name, weights="none", output_stride=stride)
    assert features(backbone, pictures(1)).shape[2:] == (64 // stride, 64 // stride)


def test_timm_networks_bring_their_own_normalization():
    backbone = build(backbone="resnet18", weights="none")
    assert backbone.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert backbone.std.flatten().tolist() == pytest.approx([0.229, 0.224, 0.225])


def refused(match, **spec):
    with pytest.raises(SpecError, match=match):
        build_backbone(ModelSpec(**spec))


def test_densenet_without_its_stride_is_an_error_that_names_the_remedy():
    refused(r"densenet121.*`output_stride: 16`; use 32", backbone="densenet121", weights="none")


def test_a_network_without_spatial_features_is_an_error(monkeypatch):
    def without(*_, **__):
        raise NotImplementedError("features_only")

    monkeypatch.setattr(timm, "create_model", without)
    refused("resnet18.*choose another", backbone="resnet18", weights="none", output_stride=32)


def test_an_unknown_name_is_an_error_with_the_nearest_miss():
    refused("Did you mean 'resnet18'", backbone="resnet-18")
    refused("Did you mean 'mobilenet_v2'", backbone="mobilenet_v22")


@pytest.mark.parametrize(
    "error",
    [OSError("no route\nto host"), RuntimeError("No pretrained weights exist for this model")],
)
def test_without_a_connection_default_timm_weights_are_an_error(monkeypatch, error):
    def offline(name, pretrained, **_):
        assert pretrained
        raise error

    monkeypatch.setattr(timm, "create_model", offline)
    refused(r"resnet18.*`weights: default`.*local .safetensors", backbone="resnet18")


def test_a_missing_file_is_an_error(tmp_path):
    refused("does not exist", weights=str(tmp_path / "nowhere.npz"))


def test_a_file_that_could_run_code_is_not_opened(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"\x80\x04.")
    refused("not '.pth': other formats can run code", weights=str(path))
    refused("not '.pth'", weights=str(path), backbone="resnet18")


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x80\x04\x95 a pickle", b"{}" * 9])
def test_a_damaged_file_is_an_error(tmp_path, suffix, content):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    refused(f"whole {suffix} file.*w{suffix}.*copy it again", weights=str(path))


def test_an_array_of_objects_is_not_unpickled(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, **{"features.0.0.weight": np.array([{}], object)})
    refused("cannot be read", weights=str(path))


@pytest.mark.parametrize("backbone", ["mobilenet_v2", SMALL])
def test_weights_of_another_network_are_an_error(tmp_path, backbone):
    path = as_file(tmp_path / "w.safetensors", {"features.x.weight": torch.zeros(2)})
    refused("'w.safetensors' must fit.*arrays are missing", weights=path, backbone=backbone)


def test_one_array_of_another_shape_is_an_error_that_names_it(tmp_path):
    state = weights(timm.create_model(SMALL, pretrained=False))
    state["conv1.0.weight"] = state["conv1.0.weight"][:, :1]
    path = as_file(tmp_path / "w.safetensors", state)
    refused(r"but 1 of \d+ arrays.*'conv1.0.weight'", weights=path, backbone=SMALL)
