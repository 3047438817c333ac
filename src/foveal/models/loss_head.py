"""Learning loss: a small head that ranks images by the loss the network will have on them."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from foveal.models.compute import seeded

HIDDEN = 64
STEPS = 300
PAIRED = 128  # lessons of a step, each against another one
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-2
MARGIN = 1.0
FOLDS = 5
PROBE_PENALTY = 1e-2  # of a held-out linear head's squared weights
PROBE_STEPS = 50


class LossHead(nn.Module):
    """Embeddings (n, D) to predicted losses (n,): their order means something, their size not."""

    mean: Tensor
    std: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))

    def forward(self, embedding: Tensor) -> Tensor:
        """(n,) predicted losses; higher is harder."""
        return self.layers((embedding.float() - self.mean) / self.std)[:, 0]  # type: ignore[no-any-return]


def fit_loss_head(embedding: Tensor, losses: Tensor, seed: int) -> LossHead:
    """Train a loss head to rank samples as their losses do, by the pair ranking hinge.

    The paper trains its head together with the network, through which the head's gradient flows
    at first. Here the network is finished and stays as it is: all strategies are compared on one
    and the same network, and its maps are those that the explanation loss has shaped. That is
    sound because the head only reads an order off the embedding. What joint training has and this
    has not is the losses on the way. Those at the end are near zero, for hard lessons learned by
    heart as for easy ones, so `losses` should be of held-out predictions (`held_out_losses`).

    Args:
        embedding: (n, D) pooled features of the lessons, without dropout or augmentation.
        losses: (n,) of the same samples; equal ones teach nothing.
    Source:
        Yoo and Kweon 2019, arXiv:1905.03677.
    """
    with seeded(seed):
        head = LossHead(embedding.shape[1]).to(embedding.device).train()
        head.mean.copy_(embedding.mean(0))
        head.std.copy_(embedding.std(0, correction=0).clamp_min(1e-3))
        optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        for _ in range(STEPS):
            some = torch.randperm(len(losses))[:PAIRED].to(losses.device)
            loss = ranking_hinge(head(embedding[some]), losses[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return head.eval()


def ranking_hinge(predicted: Tensor, losses: Tensor) -> Tensor:
    """Mean over neighboring pairs of max(0, margin - sign(l_i - l_j) (p_i - p_j)).

    Sample i is paired with i + 1 and the last with the first, so the order of a random batch makes
    random pairs. Pairs of equal losses do not count; 0, with a graph, where none counts.

    Args:
        predicted, losses: (n,)
    """
    order = (losses - losses.roll(-1)).sign()
    terms = (MARGIN - order * (predicted - predicted.roll(-1))).relu() * order.abs()
    return terms.sum() / order.abs().sum().clamp_min(1)


def held_out_losses(features: Tensor, labels: Tensor, classes: int, seed: int) -> Tensor:
    """(n,) cross-entropies of lessons by linear heads that did not see them, fold by fold.

    Args:
        features: (n, D) of the lessons; labels: (n,) class indices. Of a single lesson: 0.
    """
    n = len(labels)
    losses = features.new_zeros(n, dtype=torch.float32)
    order = np.random.default_rng([seed, n]).permutation(n)
    for fold in np.array_split(order, min(FOLDS, n)) if n > 1 else ():
        held = torch.zeros(n, dtype=torch.bool, device=features.device)
        held[torch.from_numpy(fold).to(features.device)] = True
        logits = _probe(features[~held], labels[~held], features[held], classes)
        losses[held] = functional.cross_entropy(logits, labels[held], reduction="none")
    return losses


@torch.enable_grad()
def _probe(features: Tensor, labels: Tensor, held: Tensor, classes: int) -> Tensor:
    """Logits of held-out samples by a penalized linear head fitted to the others."""
    mean, std = features.mean(0), features.std(0, correction=0).clamp_min(1e-3)
    x = (features.float() - mean) / std
    w = x.new_zeros(x.shape[1], classes, requires_grad=True)
    b = x.new_zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([w, b], max_iter=PROBE_STEPS, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(x @ w + b, labels) + PROBE_PENALTY * w.square().sum()
        loss.backward()
        return loss

    optimizer.step(step)
    return ((held.float() - mean) / std @ w + b).detach()
