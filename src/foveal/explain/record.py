"""Grad-CAM of any layer of any model: record inside a with-block, compute outside it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from foveal.core.errors import EvidenceError
from foveal.explain.cam import grad_cam


@dataclass(slots=True)
class Tape:
    """What a layer put out in the last forward pass."""

    acts: Tensor | None = None


@contextmanager
def record(layer: nn.Module) -> Iterator[Tape]:
    """Keep a layer's output, with its place in the autograd graph, while the block runs."""
    tape = Tape()

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        if not output.requires_grad and torch.is_grad_enabled():
            output.requires_grad_(True)
        tape.acts = output
        return output.clone()  # the next layer may work in place, and must not alter the record

    hook = layer.register_forward_hook(keep)
    try:
        yield tape
    finally:
        hook.remove()


def explain_layer(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    targets: Tensor,
    score: Callable[[Tensor], Tensor] = lambda output: output,
) -> Tensor:
    """Grad-CAM of each image for its own target class, through autograd.

    The model's modes, gradients and hooks are as they were afterwards; its memory does not grow
    from call to call.

    Args:
        model: any module.
        layer: the module inside `model` whose output (n, K, *S) is explained.
        images: (n, channels, *S) inputs.
        targets: (n,) class indices.
        score: turns the model's output into (n, C) scores, where it is not that already.
    Returns:
        (n, *S) maps on the layer's grid, zero or more, not normalized, detached.
    Raises:
        EvidenceError: if the layer did not run, or the score does not depend on it.
    """
    with torch.enable_grad(), record(layer) as tape:
        scores = score(model(images))
        if tape.acts is None:
            raise EvidenceError(
                f"the layer to explain ({type(layer).__name__}) must run in the model's forward "
                "pass, but did not; name a layer that does"
            )
        chosen = scores.gather(1, targets[:, None]).sum()
        grads = None
        if chosen.requires_grad:
            (grads,) = torch.autograd.grad(chosen, tape.acts, allow_unused=True)
        acts = tape.acts.detach()
    if grads is None:
        raise EvidenceError(
            f"the score must depend on the layer to explain ({type(layer).__name__}), but does "
            "not; name a layer between the image and the score"
        )
    return grad_cam(acts, grads.detach())
