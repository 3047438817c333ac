"""Learner: a trained network with what belongs to it; saved as safetensors, never as pickle."""

import copy
import hashlib
import json
from dataclasses import dataclass
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from foveal.core.errors import SchemaError
from foveal.core.spec import ModelSpec
from foveal.models.backbones import Backbone
from foveal.models.loss_head import LossHead
from foveal.models.network import Network
from foveal.models.regions import RegionHead

FORMAT = "foveal-learner-1"
Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Learner:
    """A network, what else was learned from the same annotations, and the classes.

    Of an ensemble `network` is the first member, the one that explains and embeds; `others` have
    their say in probabilities only. The loss head belongs to the first member too.
    """

    network: Network
    classes: tuple[str, ...]
    region_head: RegionHead | None = None
    atlas: Tensor | None = None
    others: tuple[Network, ...] = ()
    loss_head: LossHead | None = None

    @property
    def members(self) -> tuple[Network, ...]:
        """All networks, the first one first."""
        return (self.network, *self.others)

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
        backbone: an untrained one to fill where the mode is `full`; None in mode `features`. All
            members of an ensemble but the first get copies of it.
    Raises:
        SchemaError: if the bytes are damaged or belong to another model.
    """
    try:
        tensors = load(data)
        channels = tensors["network.adapter.weight"].shape[1]
        states = [_under("network.", tensors), *_others(tensors)]
        copies = [backbone, *(copy.deepcopy(backbone) for _ in states[1:])]
        first, *others = (
            _filled(Network(spec, channels, len(classes), trunk, "outline.weight" in state), state)
            for trunk, state in zip(copies, states, strict=True)
        )
        regions, losses = _under("regions.", tensors), _under("losses.", tensors)
        return Learner(
            first,
            classes,
            _filled(RegionHead(channels), regions) if regions else None,
            tensors.get("atlas"),
            tuple(others),
            _filled(LossHead(first.width), losses) if losses else None,
        )
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise SchemaError(
            f"the stored model must fit this spec, but does not ({type(error).__name__}); it is "
            "damaged or was trained with other `model` settings. Use another --out folder"
        ) from error


def _tensors(learner: Learner) -> dict[str, Tensor]:
    tensors = {f"network.{k}": v for k, v in learner.network.state_dict().items()}
    if learner.region_head is not None:
        tensors |= {f"regions.{k}": v for k, v in learner.region_head.state_dict().items()}
    if learner.atlas is not None:
        tensors["atlas"] = learner.atlas
    for i, network in enumerate(learner.others, start=1):
        tensors |= {f"member{i}.{k}": v for k, v in network.state_dict().items()}
    if learner.loss_head is not None:
        tensors |= {f"losses.{k}": v for k, v in learner.loss_head.state_dict().items()}
    return {k: v.detach().cpu().contiguous() for k, v in tensors.items()}


def _others(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """States of the members after the first."""
    found = {name.partition(".")[0] for name in tensors if name.startswith("member")}
    return [_under(f"member{i}.", tensors) for i in range(1, len(found) + 1)]


def _filled(module: Module, state: dict[str, Tensor]) -> Module:
    module.load_state_dict(state)
    return module.eval()


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
