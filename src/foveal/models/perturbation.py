"""Perturbation: how little an input must change before the network changes its mind."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from foveal.models.network import Network

DEEPFOOL_STEPS = 10
OVERSHOOT = 0.02  # beyond the linearized boundary, which a step would else only touch
RIVALS = 10  # classes tried at each DeepFool step, the likeliest ones
LEAST_MOVE = 1e-4  # leaves a tie
BIM_STEP = 0.05
BIM_STEPS = 40
AT_ONCE = 32  # inputs with their gradients, as many as a usual training step holds

Move = Callable[[Tensor, Tensor, Tensor], Tensor]  # logits, point, predicted class to a step


def deepfool_distance(network: Network, inputs: Tensor) -> Tensor:
    """Length of the smallest perturbation that changes the predicted class, by linearization.

    Each step goes to the nearest boundary of the network's tangent at the point reached; the last
    one is cut at the boundary it crosses. Lengths are L2 over all values of an input, in units of
    its usual `spread`; values may leave the range of intensities. For a linear network the length
    is the distance to the nearest hyperplane. A prediction that stands after the last step, or is
    farther away, gets `furthest`.

    Args:
        network: in any mode; it predicts in eval mode and is given back as it was.
        inputs: (n, channels, H, W) images or features, as the network reads them.
    Returns:
        (n,) in [0, `furthest(inputs)`].
    Source:
        Moosavi-Dezfooli et al. 2016, arXiv:1511.04599; for active learning Ducoffe and Precioso
        2018, arXiv:1802.09841.
    """
    return _lengths(network, inputs, _to_boundary, DEEPFOOL_STEPS)


def bim_distance(network: Network, inputs: Tensor) -> Tensor:
    """Length of the perturbation at which steps of the gradient's sign change the prediction.

    A step changes every value by 0.05 of its usual `spread`, so that the best rival's logit gains
    on the predicted one's; that difference has a slope even where the paper's cross-entropy of a
    certain prediction has none. The last step is cut at the boundary it crosses: whole steps are
    so coarse that most inputs would have equal lengths. Values may leave the range of intensities.

    Args:
        network, inputs: as for `deepfool_distance`.
    Returns:
        (n,) L2 in units of the usual spread, in [0, `furthest(inputs)`].
    Source:
        Kurakin et al. 2017, arXiv:1607.02533.
    """
    return _lengths(network, inputs, _along_signs, BIM_STEPS)


def furthest(inputs: Tensor) -> float:
    """The length where every value has moved by as much as all steps of BIM together."""
    return BIM_STEPS * BIM_STEP * math.sqrt(math.prod(inputs.shape[1:]))


def spread(network: Network) -> Tensor:
    """Standard deviation of what a network reads, as it knows it: of each channel of features, or
    one for images; broadcasts to inputs."""
    return network.std if network.backbone is None else network.backbone.std.mean()


def _lengths(network: Network, inputs: Tensor, move: Move, steps: int) -> Tensor:
    # Tensors of inference mode cannot carry gradients; copies made outside of it can.
    with torch.inference_mode(False), torch.enable_grad(), fixed(network):
        parts = inputs.clone().float().split(AT_ONCE)
        return torch.cat([_walk(network, part, move, steps) for part in parts])


def _walk(network: Network, inputs: Tensor, move: Move, steps: int) -> Tensor:
    """Lengths of the ways of some inputs, each of which walks until its prediction changes."""
    length = inputs.new_full((len(inputs),), furthest(inputs))
    logits = network(inputs).logits.float().detach()
    predicted, lead = logits.argmax(1), torch.zeros_like(logits)
    before, shift = torch.zeros_like(inputs), torch.zeros_like(inputs)
    walking = torch.arange(len(inputs), device=inputs.device)
    for step in range(steps + 1):
        point = shift[walking].requires_grad_()
        logits = network(inputs[walking] + spread(network) * point).logits.float()
        own, stands = predicted[walking], logits.argmax(1) == predicted[walking]
        ahead = (logits.gather(1, own[:, None]) - logits).detach()
        there = walking[~stands]
        crossed = _like(_crossing(lead[there], ahead[~stands]), shift)
        way = torch.lerp(before[there], shift[there], crossed)
        length[there] = way.flatten(1).norm(dim=1).clamp_max(furthest(inputs))
        if step == steps or not stands.any():
            break
        lead[walking], before[walking] = ahead, shift[walking]
        shift[walking] += move(logits, point, own)
        walking = walking[stands]
    return length


def _crossing(lead: Tensor, ahead: Tensor) -> Tensor:
    """(a,) share of the last step at which the first rival draws level, logits being straight.

    Args:
        lead: (a, C) lead of the predicted class over each before that step; ahead: after it.
    """
    shares = torch.where(ahead <= 0, lead / (lead - ahead), torch.inf)  # its own is 0 / 0
    return shares.nan_to_num(nan=torch.inf).amin(1).clamp_max(1)


def _to_boundary(logits: Tensor, point: Tensor, predicted: Tensor) -> Tensor:
    """(a, ...) the shortest step past where a rival draws level, were the network linear."""
    best, nearest = torch.zeros_like(point), logits.new_full((len(point),), torch.inf)
    for rival in _rivals(logits, predicted, RIVALS).T:
        gap = _gap(logits, rival, predicted)
        (slope,) = torch.autograd.grad(gap.sum(), point, retain_graph=True)
        steepness = slope.flatten(1).norm(dim=1)
        way = torch.where(steepness > 0, -gap.detach() / steepness, torch.inf)
        unit = slope / _like(steepness.clamp_min(torch.finfo(slope.dtype).tiny), slope)
        step = (1 + OVERSHOOT) * unit * _like(way.clamp_min(LEAST_MOVE), slope)
        best = torch.where(_like(way < nearest, slope), step, best)
        nearest = torch.minimum(nearest, way)
    return best


def _along_signs(logits: Tensor, point: Tensor, predicted: Tensor) -> Tensor:
    """(a, ...) a step of fixed size in every value."""
    gap = _gap(logits, _rivals(logits, predicted, 1)[:, 0], predicted)
    (slope,) = torch.autograd.grad(gap.sum(), point)
    return BIM_STEP * slope.sign()


def _rivals(logits: Tensor, predicted: Tensor, most: int) -> Tensor:
    """(a, r) the likeliest classes but the predicted one."""
    others = logits.detach().scatter(1, predicted[:, None], -torch.inf)
    return others.topk(min(most, logits.shape[1] - 1), dim=1).indices


def _gap(logits: Tensor, rival: Tensor, predicted: Tensor) -> Tensor:
    """(a,) by how much a rival's logit exceeds the predicted one's; at most 0 while that stands."""
    pair = logits.gather(1, torch.stack([rival, predicted], 1))
    return pair[:, 0] - pair[:, 1]


def _like(values: Tensor, inputs: Tensor) -> Tensor:
    return values.view(-1, *(1,) * (inputs.ndim - 1))


@contextmanager
def fixed(network: nn.Module) -> Iterator[None]:
    """A block in which a network predicts and its weights want no gradient; then all is as before,
    also where the block raises."""
    modes = [(module, module.training) for module in network.modules()]
    wanted = [(weight, weight.requires_grad) for weight in network.parameters()]
    try:
        network.eval().requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for weight, wants in wanted:
            weight.requires_grad_(wants)
