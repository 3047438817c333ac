"""Backbones: images to spatial features, pretrained, by name, without a network connection."""

import hashlib
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from foveal.core.errors import SpecError, near_miss
from foveal.core.spec import ModelSpec
from foveal.models.fold import folded

EMBEDDED = "mobilenet_v2"
EMBEDDED_WEIGHTS = "mobilenet_v2_imagenet_fp16.npz"
TRUNK_STAGES = 18  # up to the last bottleneck: 320 channels, a quarter of the next layer's 1280
STRIDED_STAGES = {8: (7, 14), 16: (14,), 32: ()}  # stages whose stride 2 becomes 1


class Backbone(nn.Module):
    """Images (n, 1 or 3, H, W) in [0, 1] to features (n, K, h, w) with h = H / output stride."""

    mean: Tensor
    std: Tensor

    def __init__(self, trunk: nn.Module, channels: int, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.norms_learn = False
        self.trunk = trunk.to(memory_format=torch.channels_last)
        self.channels = channels
        self.register_buffer("mean", mean.view(1, 3, 1, 1))
        self.register_buffer("std", std.view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Spatial features; grey images are repeated over the three channels."""
        color = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
        # Channels last: a third to a half faster on CPUs and on GPUs with tensor cores.
        ready = ((color - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        out = self.trunk(ready)
        features: Tensor = out[-1] if isinstance(out, list) else out
        # Some transformers put channels last.
        return features if features.shape[1] == self.channels else features.permute(0, 3, 1, 2)

    def train(self, mode: bool = True) -> "Backbone":
        """Batch norm keeps its pretrained statistics: a few dozen images cannot replace them, and
        the embedded weights have none to update. From scratch there is nothing to keep."""
        super().train(mode)
        for module in () if self.norms_learn else self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def fingerprint(self) -> str:
        """Hash of the weights and of the layout that reads them."""
        h = hashlib.sha256(repr(self.trunk).encode())
        for name, value in self.state_dict().items():
            h.update(name.encode())
            h.update(value.detach().float().cpu().numpy().tobytes())
        return h.hexdigest()[:16]


def build_backbone(spec: ModelSpec) -> Backbone:
    """The backbone a spec names.

    Raises:
        SpecError: for an unknown name, weights that are missing or do not fit, or an output
            stride that the network does not offer.
    """
    backbone = _mobilenet(spec) if spec.backbone == EMBEDDED else _from_timm(spec)
    backbone.norms_learn = from_scratch(spec)
    if not backbone.norms_learn:
        backbone.trunk = folded(backbone.trunk)
    return backbone


def from_scratch(spec: ModelSpec) -> bool:
    """Whether a backbone is trained that has learned nothing yet."""
    return spec.mode == "full" and spec.weights == "none"


def _mobilenet(spec: ModelSpec) -> Backbone:
    trunk = torchvision.models.mobilenet_v2().features[:TRUNK_STAGES]
    if spec.weights != "none":
        arrays = _embedded() if spec.weights == "default" else _arrays(spec.weights)
        _load(trunk, _unfolded(trunk, arrays), spec)
    for stage in STRIDED_STAGES[spec.output_stride]:
        trunk[stage].conv[1][0].stride = (1, 1)
    return Backbone(trunk, channels=320, mean=torch.full((3,), 0.5), std=torch.full((3,), 0.5))


def _unfolded(trunk: nn.Module, arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights whose batch norms are folded into the convolutions keep only the norms' bias;
    give the norms the statistics that do nothing else."""
    state = {k.removeprefix("features."): v for k, v in arrays.items() if k.startswith("features.")}
    for name, module in trunk.named_modules():
        if isinstance(module, nn.BatchNorm2d) and f"{name}.running_var" not in state:
            n = module.num_features
            state[f"{name}.weight"] = torch.ones(n)
            state[f"{name}.running_mean"] = torch.zeros(n)
            state[f"{name}.running_var"] = torch.full((n,), 1 - module.eps)
            state[f"{name}.num_batches_tracked"] = torch.tensor(0)
    return {k: state[k] for k in trunk.state_dict() if k in state}


def _from_timm(spec: ModelSpec) -> Backbone:
    import timm  # it takes seconds to import, and the embedded network does without

    if not timm.is_model(spec.backbone):
        known = [EMBEDDED, *timm.list_models()]
        hint = near_miss(spec.backbone, known).split(" Known:")[0]
        raise SpecError(
            f"`model.backbone` must be {EMBEDDED!r} or a timm model, not {spec.backbone!r}.{hint}"
        )
    trunk = _timm_trunk(spec)
    if spec.weights not in ("default", "none"):
        _load(trunk, _renamed(trunk, _arrays(spec.weights)), spec)
    channels = int(trunk.feature_info.channels()[-1])
    config = timm.get_pretrained_cfg(spec.backbone)
    mean = torch.tensor(config.mean if config else (0.485, 0.456, 0.406))
    std = torch.tensor(config.std if config else (0.229, 0.224, 0.225))
    return Backbone(trunk, channels, mean, std)


def _timm_trunk(spec: ModelSpec) -> Any:
    options: dict[str, Any] = {"features_only": True, "out_indices": (-1,)}
    if spec.output_stride != 32:
        options["output_stride"] = spec.output_stride
    import timm

    try:
        return timm.create_model(spec.backbone, pretrained=spec.weights == "default", **options)
    except (NotImplementedError, TypeError, AssertionError) as error:
        remedy = "choose another network" if spec.output_stride == 32 else "use 32"
        raise SpecError(
            f"timm cannot give spatial features of {spec.backbone!r} with "
            f"`output_stride: {spec.output_stride}`; {remedy}"
        ) from error
    except (OSError, RuntimeError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise SpecError(
            f"timm could not give {spec.backbone!r} with `weights: {spec.weights}` ({reason}). "
            "Without a connection set `model.weights` to a local .safetensors file, or to none"
        ) from error


def _renamed(trunk: nn.Module, arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """A file has the classification model's names ("layer1.0"); what timm wraps around it for
    features flattens some ("layer1_0") and puts "model." before others. Compare without either."""
    flat = {_flat(name): value for name, value in arrays.items()}
    return {name: flat[_flat(name)] for name in trunk.state_dict() if _flat(name) in flat}


def _flat(name: str) -> str:
    return name.removeprefix("model.").replace(".", "_")


def _load(trunk: nn.Module, state: dict[str, Tensor], spec: ModelSpec) -> None:
    wanted = trunk.state_dict()
    wrong = [k for k, v in wanted.items() if k not in state or state[k].shape != v.shape]
    if wrong:
        raise SpecError(
            f"the weights in {Path(spec.weights).name!r} must fit {spec.backbone!r}, but "
            f"{len(wrong)} of {len(wanted)} arrays are missing or differ in shape, the first "
            f"{wrong[0]!r}; name the file of this very network"
        )
    trunk.load_state_dict(state)


def _arrays(weights: str) -> dict[str, Tensor]:
    path = Path(weights)
    if not path.is_file():
        raise SpecError(f"`model.weights` must be a file, but {weights!r} does not exist")
    if path.suffix not in (".safetensors", ".npz"):
        raise SpecError(
            f"`model.weights` must be .safetensors or .npz, not {path.suffix!r}: other formats can "
            "run code when they are opened. Convert the file with safetensors.torch.save_file"
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return _from_npz(path.read_bytes())
    except (OSError, EOFError, ValueError, BadZipFile, SafetensorError) as error:
        raise SpecError(
            f"`model.weights` must be a whole {path.suffix} file, but {path.name!r} cannot be read "
            f"({type(error).__name__}); copy it again"
        ) from error


def _embedded() -> dict[str, Tensor]:
    data = resources.files("foveal.models").joinpath("weights", EMBEDDED_WEIGHTS).read_bytes()
    return _from_npz(data)


def _from_npz(data: bytes) -> dict[str, Tensor]:
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        return {k: torch.from_numpy(arrays[k].astype(np.float32)) for k in arrays.files}
