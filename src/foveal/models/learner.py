"""Learner: a trained network with what belongs to it; saved as safetensors, never as pickle."""

import hashlib
import json
from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from foveal.core.errors import SchemaError
from foveal.core.spec import ModelSpec
from foveal.models.backbones import Backbone
from foveal.models.network import Network
from foveal.models.regions import RegionHead

FORMAT = "foveal-learner-1"


@dataclass(frozen=True, slots=True)
class Learner:
    """A network, the region head and atlas learned from the same annotations, and the classes."""

    network: Network
    classes: tuple[str, ...]
    region_head: RegionHead | None = None
    atlas: Tensor | None = None

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.network.adapter.weight.device

    def to_bytes(self, spec: ModelSpec) -> bytes:
        """Weights and a JSON description in one safetensors file."""
        about = {"format": FORMAT, "classes": self.classes, "model": spec.model_dump()}
        return save(_tensors(self), metadata={"foveal": json.dumps(about, sort_keys=True)})

    def fingerprint(self) -> str:
        """Hash of all weights."""
        h = hashlib.sha256()
        for name, tensor in sorted(_tensors(self).items()):
            h.update(name.encode())
            h.update(tensor.numpy().tobytes())
        return h.hexdigest()[:16]


def learner_from_bytes(
    data: bytes, spec: ModelSpec, classes: tuple[str, ...], backbone: Backbone | None
) -> Learner:
    """The learner that `to_bytes` saved.

    Args:
        backbone: an untrained copy to fill where the mode is `full`; None in mode `features`.
    Raises:
        SchemaError: if the bytes are damaged or belong to another model.
    """
    try:
        tensors = load(data)
        channels = tensors["network.adapter.weight"].shape[1]
        network = Network(spec, channels, len(classes), backbone)
        network.load_state_dict(_under("network.", tensors))
        head = None
        if regions := _under("regions.", tensors):
            head = RegionHead(channels)
            head.load_state_dict(regions)
            head.eval()
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise SchemaError(
            f"the stored model must fit this spec, but does not ({type(error).__name__}); it is "
            "damaged or was trained with other `model` settings. Use another --out folder"
        ) from error
    return Learner(network.eval(), classes, head, tensors.get("atlas"))


def _tensors(learner: Learner) -> dict[str, Tensor]:
    tensors = {f"network.{k}": v for k, v in learner.network.state_dict().items()}
    if learner.region_head is not None:
        tensors |= {f"regions.{k}": v for k, v in learner.region_head.state_dict().items()}
    if learner.atlas is not None:
        tensors["atlas"] = learner.atlas
    return {k: v.detach().cpu().contiguous() for k, v in tensors.items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
