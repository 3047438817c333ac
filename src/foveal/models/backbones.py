"""Backbones: images to spatial features, pretrained, by name, without a network connection."""

import hashlib
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from foveal.core.errors import SpecError, near_miss
from foveal.core.spec import ModelSpec

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
        return out[-1] if isinstance(out, list) else out  # type: ignore[no-any-return]

    def train(self, mode: bool = True) -> "Backbone":
        """Batch norm always keeps its pretrained statistics: a few dozen images cannot replace
        them, and the embedded weights have none to update."""
        super().train(mode)
        for module in self.modules():
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
    if spec.backbone == EMBEDDED:
        return _mobilenet(spec)
    return _from_timm(spec)


def _mobilenet(spec: ModelSpec) -> Backbone:
    trunk = torchvision.models.mobilenet_v2().features[:TRUNK_STAGES]
    if spec.weights != "none":
        arrays = _arrays(spec.weights, EMBEDDED_WEIGHTS)
        _load(trunk, _unfolded(trunk, arrays), spec)
    for stage in STRIDED_STAGES[spec.output_stride]:
        trunk[stage].conv[1][0].stride = (1, 1)
    half = torch.full((3,), 0.5)
    return Backbone(trunk, channels=320, mean=half, std=half)


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
    return {k: v for k, v in state.items() if int(k.split(".")[0]) < TRUNK_STAGES}


def _from_timm(spec: ModelSpec) -> Backbone:
    options: dict[str, Any] = {"features_only": True, "out_indices": (-1,)}
    if spec.output_stride != 32:
        options["output_stride"] = spec.output_stride
    if not timm.is_model(spec.backbone):
        known = [EMBEDDED, *timm.list_models()]
        hint = near_miss(spec.backbone, known).split(" Known:")[0]
        raise SpecError(
            f"`model.backbone` must be {EMBEDDED!r} or a timm model, not {spec.backbone!r}.{hint}"
        )
    local = spec.weights not in ("default", "none")
    try:
        trunk: Any = timm.create_model(
            spec.backbone, pretrained=spec.weights == "default", **options
        )
    except NotImplementedError as error:
        raise SpecError(
            f"{spec.backbone!r} cannot be built with `output_stride: {spec.output_stride}`; use 32"
        ) from error
    except (OSError, RuntimeError) as error:
        raise SpecError(
            f"timm could not load its weights for {spec.backbone!r}: {type(error).__name__}. "
            "Without a connection set `model.weights` to a local .safetensors file, or to none"
        ) from error
    if local:
        _load_timm(trunk, spec)
    channels = int(trunk.feature_info.channels()[-1])
    config = timm.get_pretrained_cfg(spec.backbone)
    mean = torch.tensor(config.mean if config else (0.485, 0.456, 0.406))
    std = torch.tensor(config.std if config else (0.229, 0.224, 0.225))
    return Backbone(trunk, channels, mean, std)


def _load_timm(trunk: nn.Module, spec: ModelSpec) -> None:
    # features_only wraps stages under flattened names ("layer1_0" for "layer1.0"); the wrapper of
    # the classification model has the names of the file, so load by comparing without separators.
    arrays = _arrays(spec.weights, "")
    flat = {key.replace(".", "_"): value for key, value in arrays.items()}
    state = {key: flat[key.replace(".", "_")] for key in trunk.state_dict() if _known(key, flat)}
    _load(trunk, state, spec)


def _known(key: str, flat: dict[str, Tensor]) -> bool:
    return key.replace(".", "_") in flat


def _load(trunk: nn.Module, state: dict[str, Tensor], spec: ModelSpec) -> None:
    try:
        trunk.load_state_dict(state)
    except RuntimeError as error:
        missing = sorted(set(trunk.state_dict()) - set(state))
        raise SpecError(
            f"the weights in {Path(spec.weights).name!r} must fit {spec.backbone!r}, but "
            f"{len(missing)} arrays are missing or differ in shape"
            + (f", the first {missing[0]!r}" if missing else "")
        ) from error


def _arrays(weights: str, embedded: str) -> dict[str, Tensor]:
    if weights == "default":
        data = resources.files("foveal.models").joinpath("weights", embedded).read_bytes()
        return _from_npz(BytesIO(data))
    path = Path(weights)
    if not path.is_file():
        raise SpecError(f"`model.weights` must be a file, but {weights!r} does not exist")
    if path.suffix == ".safetensors":
        return load_file(path)
    if path.suffix == ".npz":
        return _from_npz(path)
    raise SpecError(
        f"`model.weights` must be .safetensors or .npz, not {path.suffix!r}: other formats can run "
        "code when they are opened. Convert the file with safetensors.torch.save_file"
    )


def _from_npz(file: Any) -> dict[str, Tensor]:
    with np.load(file, allow_pickle=False) as arrays:
        return {k: torch.from_numpy(arrays[k].astype(np.float32)) for k in arrays.files}
