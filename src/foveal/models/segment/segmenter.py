"""Segmenter: trained U-Nets, saved as safetensors, never as pickle."""

import hashlib
import json
from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from foveal.core.errors import SchemaError
from foveal.core.segment_spec import SegmentSpec
from foveal.core.spec import ModelSpec
from foveal.models.segment.network import UNet

FORMAT = "foveal-segmenter-1"


@dataclass(frozen=True, slots=True)
class Segmenter:
    """One U-Net, or the members of an ensemble; the first one embeds and explains."""

    members: tuple[UNet, ...]

    @property
    def network(self) -> UNet:
        """The first member."""
        return self.members[0]

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.network.final.weight.device

    @property
    def channels(self) -> int:
        """Channels of the images it reads."""
        return int(next(self.network.down[0].parameters()).shape[1])

    @property
    def dimensions(self) -> int:
        """2 for pictures, 3 for volumes."""
        return self.network.final.weight.ndim - 2

    def to_bytes(self, model: ModelSpec, segment: SegmentSpec) -> bytes:
        """Weights and a JSON description in one safetensors file."""
        about = {"format": FORMAT, "model": model.model_dump(), "segment": segment.model_dump()}
        return save(_tensors(self), metadata={"foveal": json.dumps(about, sort_keys=True)})

    def fingerprint(self) -> str:
        """Hash of all weights."""
        h = hashlib.sha256()
        for name, tensor in sorted(_tensors(self).items()):
            h.update(name.encode())
            h.update(tensor.numpy().tobytes())
        return h.hexdigest()[:16]


def segmenter_from_bytes(data: bytes, model: ModelSpec, segment: SegmentSpec) -> Segmenter:
    """The segmenter that `to_bytes` saved, on the CPU.

    Raises:
        SchemaError: if the bytes are damaged or belong to another model.
    """
    try:
        tensors = load(data)
        channels = tensors["member0.down.0.conv_0.conv.weight"].shape[1]
        dimensions = tensors["member0.final.weight"].ndim - 2
        members = []
        for i in range(len({name.partition(".")[0] for name in tensors})):
            network = UNet(channels, dimensions, segment.widths, model.dropout)
            prefix = f"member{i}."
            state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            network.load_state_dict(state)
            members.append(network.eval())
        return Segmenter(tuple(members))
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise SchemaError(
            f"the stored model must fit this spec, but does not ({type(error).__name__}); it is "
            "damaged or was trained with other `segment` settings. Use another --out folder"
        ) from error


def _tensors(segmenter: Segmenter) -> dict[str, Tensor]:
    return {
        f"member{i}.{name}": tensor.detach().cpu().contiguous()
        for i, network in enumerate(segmenter.members)
        for name, tensor in network.state_dict().items()
    }
