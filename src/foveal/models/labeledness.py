"""Labeledness: how much a sample looks like the labeled ones, learned by playing two sides apart.

Both adversaries see embeddings of the finished network, where the papers train on images together
with the task (VAAL), or shape the task's features with the critic (WAAL). So they cannot change
what they judge: every strategy is compared on one and the same network. Embeddings are
standardized over both sides; each step sees as many samples of either side.
"""

from collections.abc import Callable
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional

from foveal.core.errors import EvidenceError
from foveal.models.compute import seeded

HIDDEN = 64
LATENT = 16
DISCRIMINATOR_STEPS = 200
CRITIC_STEPS = 400
BATCH = 64  # of either side
LEARNING_RATE = 1e-3
KL_WEIGHT = 0.1  # of a latent's divergence, beside the mean squared error of an embedding
FOOLING_WEIGHT = 0.1  # of the autoencoder's wish to make both sides look labeled
PENALTY = 10.0  # of slopes of the critic other than 1

Batches = Callable[[], tuple[Tensor, Tensor]]


def discriminator(labeled: Tensor, pool: Tensor, seed: int) -> Tensor:
    """Probability that a sample is labeled, judged by what an autoencoder keeps of its embedding.

    A variational autoencoder learns to describe both sides so that the discriminator takes all
    for labeled; the discriminator learns to tell them apart nevertheless.

    Args:
        labeled: (m, D) embeddings; pool: (n, D).
    Returns:
        (n,) in [0, 1]; lower for what is unlike the labeled samples.
    Raises:
        EvidenceError: if a side is empty.
    Source:
        VAAL, Sinha et al. 2019, arXiv:1904.00370; departures at the head of this file.
    """
    with seeded(seed), torch.inference_mode(False), torch.enable_grad():
        known, new, batches = _sides(labeled, pool)
        encoder, decoder = _layers(known.shape[1], 2 * LATENT), _layers(LATENT, known.shape[1])
        judge = _layers(LATENT, 1)
        coding = torch.optim.Adam(chain(encoder.parameters(), decoder.parameters()), LEARNING_RATE)
        judging = torch.optim.Adam(judge.parameters(), LEARNING_RATE)
        truth = torch.cat([torch.ones(BATCH), torch.zeros(BATCH)])
        for _ in range(DISCRIMINATOR_STEPS):
            both = torch.cat(batches())
            mean, spread = encoder(both).chunk(2, dim=1)
            fooled = functional.binary_cross_entropy_with_logits(
                judge(mean)[:, 0], torch.ones_like(truth)
            )
            _step(coding, _elbo(both, mean, spread, decoder) + FOOLING_WEIGHT * fooled)
            verdict = judge(encoder(both)[:, :LATENT].detach())[:, 0]
            _step(judging, functional.binary_cross_entropy_with_logits(verdict, truth))
        probability: Tensor = judge(encoder(new)[:, :LATENT])[:, 0].sigmoid().detach()
        return probability


def critic(labeled: Tensor, pool: Tensor, seed: int) -> Tensor:
    """How far a sample lies on the labeled side, by the critic of the Wasserstein distance.

    The critic is trained to be high on labeled samples and low on the pool, its slope held near 1
    by a gradient penalty; the difference of its means is about the distance between both. Divided
    by the square root of D it is measured in typical distances of samples from their mean, so its
    size does not depend on the width of the network. (The paper's is high on the pool.)

    Args:
        labeled: (m, D) embeddings; pool: (n, D).
    Returns:
        (n,) of any sign, 0 being the mean of the labeled samples; lower for what is unlike them.
    Raises:
        EvidenceError: if a side is empty.
    Source:
        WAAL, Shui et al. 2020, arXiv:1911.09162; the penalty: Gulrajani et al. 2017,
        arXiv:1704.00028. Departures at the head of this file.
    """
    with seeded(seed), torch.inference_mode(False), torch.enable_grad():
        known, new, batches = _sides(labeled, pool)
        judge = _layers(known.shape[1], 1)
        optimizer = torch.optim.Adam(judge.parameters(), LEARNING_RATE, betas=(0.5, 0.9))
        for _ in range(CRITIC_STEPS):
            old, fresh = batches()
            distance = judge(old).mean() - judge(fresh).mean()
            _step(optimizer, PENALTY * _slope_penalty(judge, old, fresh) - distance)
        scale = known.shape[1] ** 0.5
        value: Tensor = ((judge(new)[:, 0] - judge(known).mean()) / scale).detach()
        return value


def _sides(labeled: Tensor, pool: Tensor) -> tuple[Tensor, Tensor, Batches]:
    """Both sides on the CPU, standardized, and random batches of them."""
    if len(labeled) == 0 or len(pool) == 0:
        raise EvidenceError(
            "`discriminator` and `critic` compare labeled samples with the pool, but there are "
            f"{len(labeled)} labeled samples and {len(pool)} candidates; label some first"
        )
    known, new = labeled.detach().float().cpu().clone(), pool.detach().float().cpu().clone()
    every = torch.cat([known, new])
    mean, std = every.mean(0), every.std(0, correction=0).clamp_min(1e-6)
    known, new = (known - mean) / std, (new - mean) / std

    def batches() -> tuple[Tensor, Tensor]:
        some = [side[torch.randint(len(side), (BATCH,))] for side in (known, new)]
        return some[0], some[1]

    return known, new, batches


def _layers(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))


def _elbo(both: Tensor, mean: Tensor, spread: Tensor, decoder: nn.Module) -> Tensor:
    """Negative evidence bound; `spread` is the logarithm of each latent's variance."""
    latent = mean + (spread / 2).exp() * torch.randn_like(mean)
    divergence = (mean.square() + spread.exp() - 1 - spread).sum(1).mean() / 2
    return functional.mse_loss(decoder(latent), both) + KL_WEIGHT * divergence


def _slope_penalty(judge: nn.Module, old: Tensor, fresh: Tensor) -> Tensor:
    """Mean squared departure of the slope from 1, at random points between both sides."""
    share = torch.rand(len(old), 1)
    between = (share * old + (1 - share) * fresh).requires_grad_()
    (slope,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
    penalty: Tensor = (slope.norm(dim=1) - 1).square().mean()
    return penalty


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
