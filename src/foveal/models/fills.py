"""Fills: one column of evidence each, from what a learner sees in a batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from foveal.core.chance import integer_seed
from foveal.core.errors import EvidenceError
from foveal.models.dropout import drawn_probs, keep_masks
from foveal.models.inputs import Inputs
from foveal.models.learner import Learner
from foveal.models.perturbation import bim_distance, deepfool_distance
from foveal.models.stream import Pass, Seen, member_probs, see


@dataclass(frozen=True, slots=True)
class Source:
    """What evidence is made from, beside the batch; the arguments of `predict`."""

    learner: Learner
    how: Pass
    draws: int
    views: Sequence[Inputs]
    seed: int


Fill = Callable[[Seen], Tensor]


def _probs(_source: Source) -> Fill:
    return lambda seen: seen.out.logits.float().softmax(1)


def _embedding(_source: Source) -> Fill:
    return lambda seen: seen.out.embedding


def _backbone_embedding(_source: Source) -> Fill:
    return lambda seen: seen.out.features.mean(dim=(2, 3))


def _mc_probs(source: Source) -> Fill:
    """(T, n, C): members, or draws of each member in turn where the networks have dropout."""
    members = source.learner.members
    if len(members) > 1 and members[0].dropout.p == 0:
        return lambda seen: member_probs(seen.members)
    seeds = [integer_seed(source.seed, "dropout draws", i) for i in range(len(members))]
    masks = [keep_masks(m, source.draws, s) for m, s in zip(members, seeds, strict=True)]

    def fill(seen: Seen) -> Tensor:
        parts = zip(members, seen.members, masks, strict=True)
        return torch.cat([drawn_probs(network, out.embedding, m) for network, out, m in parts])

    return fill


def _view_probs(source: Source) -> Fill:
    """(V, n, C): the inputs as they are, then each view."""
    if not source.views:
        raise EvidenceError(
            "`view_probs` needs other views of the inputs, but there are none; hand `predict` "
            "views=[Viewed(images, v) for v in other_views(spec)], or features of these"
        )

    def fill(seen: Seen) -> Tensor:
        others = (see(source.learner, v, seen.rows, source.how)[1] for v in source.views)
        return torch.stack([member_probs(outs).mean(0) for outs in (seen.members, *others)])

    return fill


def _predicted_loss(source: Source) -> Fill:
    head = source.learner.loss_head
    if head is None:
        raise EvidenceError(
            "`predicted_loss` needs a loss head, but this learner has none; train it with "
            "learn(..., needs=('predicted_loss',))"
        )
    head.to(source.learner.device)
    return lambda seen: head(seen.out.embedding)


def _deepfool(source: Source) -> Fill:
    return lambda seen: deepfool_distance(source.learner.network, seen.inputs)


def _bim(source: Source) -> Fill:
    return lambda seen: bim_distance(source.learner.network, seen.inputs)


FILLS: Mapping[str, Callable[[Source], Fill]] = {
    "probs": _probs,
    "embedding": _embedding,
    "backbone_embedding": _backbone_embedding,
    "mc_probs": _mc_probs,
    "view_probs": _view_probs,
    "predicted_loss": _predicted_loss,
    "deepfool_distance": _deepfool,
    "bim_distance": _bim,
}
