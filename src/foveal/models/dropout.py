"""Dropout at prediction: draws from a network's weights, and the network given back as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from foveal.core.errors import EvidenceError
from foveal.models.compute import seeded
from foveal.models.network import Network


@contextmanager
def dropping(network: nn.Module) -> Iterator[None]:
    """A block in which dropout drops and everything else predicts.

    Batch norms keep their statistics: only dropout is in training mode. Afterwards every module
    has the mode it had before, also where the block raises.

    Raises:
        EvidenceError: without a dropout that can drop anything, for all draws would be equal.
    """
    before = [(module, module.training) for module in network.modules()]
    if not any(_drops(module) for module, _ in before):
        raise EvidenceError(
            "dropout draws need a network with dropout, but this one has none; set "
            "`model.dropout` above 0 (0.5 is usual), or `train.members` above 1 for an ensemble"
        )
    try:
        for module, _ in before:
            module.training = _drops(module)
        yield
    finally:
        for module, training in before:
            module.training = training


def keep_masks(network: Network, draws: int, seed: int) -> Tensor:
    """(T, D) factors of the pooled features: 0 where a draw drops one, else 1 / (1 - dropout).

    A draw is one mask for all samples: one sample of the network's weights, as joint measures
    (BatchBALD) require. It depends on the seed alone, not on batches or on the pool's order.

    Source:
        Gal and Ghahramani 2016, arXiv:1506.02142; one mask for all samples: Kirsch et al. 2019,
        arXiv:1906.08158.
    """
    with seeded(seed), dropping(network.dropout):
        # Drawn on the CPU: generators of accelerators give other numbers.
        masks: Tensor = network.dropout(torch.ones(draws, network.width))
    return masks.to(network.adapter.weight.device)


def drawn_probs(network: Network, pooled: Tensor, masks: Tensor) -> Tensor:
    """(T, n, C) probabilities of the same (n, D) pooled features under each mask.

    What comes before pooling ran once; a draw repeats only the head.
    """
    pooled = pooled.float()
    return torch.stack([network.head.logits(pooled * m).float().softmax(1) for m in masks])


def _drops(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0
