"""U-Nets for pictures and volumes: the bottleneck in plain sight, and dropout that can be drawn."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from monai.networks.nets.basic_unet import Down, TwoConv, UpCat
from torch import Tensor, nn

from foveal.core.errors import DataError, EvidenceError, unknown_name
from foveal.models.compute import seeded

# Instance norms see one sample at a time: no output depends on who else is in the batch.
NORM = ("instance", {"affine": True})
ACTIVATION = ("LeakyReLU", {"negative_slope": 0.1, "inplace": True})
BOTTLENECK = "bottleneck"

Keep = Sequence[Tensor]  # one draw: (K,) factors of the channels at each place of dropout


class Outlined(NamedTuple):
    """What a U-Net puts out.

    logits (n, *S) of "foreground"; levels, the encoder's (n, K, *S / 2^level) from the top to the
    bottleneck, as they are before any dropout.
    """

    logits: Tensor
    levels: tuple[Tensor, ...]

    @property
    def embedding(self) -> Tensor:
        """(n, K) mean of the bottleneck."""
        return self.levels[-1].flatten(2).mean(-1)


class UNet(nn.Module):
    """A 2-D or 3-D U-Net of any depth, made of the blocks of MONAI's `BasicUNet`.

    Images (n, channels, *S) in [0, 1]. Of each channel of each image its median is taken first, so
    that convolutions pad the picture with its own middle value: black around most slices, no
    difference around a difference. The first norm takes care of the scale.

    Dropout drops whole channels (one of a filter's weights, not pixels) of the bottleneck and of
    each decoder level but the top one. The encoder has none, so a draw repeats the decoder only.

    Source:
        Ronneberger et al. 2015, arXiv:1505.04597; Falk et al. 2019, doi:10.1038/s41592-018-0261-2;
        dropout around the bottleneck: Kendall et al. 2015, arXiv:1511.02680.
    """

    def __init__(
        self, channels: int, dimensions: int, widths: Sequence[int], dropout: float = 0.0
    ) -> None:
        super().__init__()
        usual: dict[str, Any] = {"act": ACTIVATION, "norm": NORM, "bias": True}
        pairs = list(pairwise(widths))
        top = TwoConv(dimensions, channels, widths[0], **usual)
        below = [Down(dimensions, *pair, **usual) for pair in pairs]
        self.down = nn.ModuleList([top, *below])
        self.up = nn.ModuleList(
            UpCat(dimensions, deep, high, high, **usual, halves=level > 0)
            for level, (high, deep) in reversed(list(enumerate(pairs)))
        )
        dropped = nn.Dropout2d if dimensions == 2 else nn.Dropout3d
        self.drops = nn.ModuleList(dropped(dropout) for _ in pairs)
        convolution = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.final = convolution(widths[0], 1, 1)
        self.widths = tuple(widths)
        self.dropout = dropout  # share of channels that a draw drops

    @property
    def layers(self) -> Mapping[str, nn.Module]:
        """Layers that can be explained: the bottleneck, and decoder levels; level 0 is the top."""
        decoders = {f"decoder {len(self.up) - 1 - i}": up for i, up in enumerate(self.up)}
        return {BOTTLENECK: self.down[-1], **decoders}

    def layer(self, name: str) -> nn.Module:
        """One of `layers`; `UnknownName` with the nearest miss."""
        if name not in self.layers:
            raise unknown_name("layer of the U-Net", name, self.layers)
        return self.layers[name]

    def forward(self, images: Tensor) -> Outlined:
        levels = self.encode(images)
        return Outlined(self.decode(levels), levels)

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """The encoder's levels, from the top to the bottleneck.

        Raises:
            DataError: if nothing of the image would be left at the bottleneck.
        """
        self._check_size(images)
        middle = images.flatten(2).median(-1).values
        x = images - middle.view(*middle.shape, *[1] * (images.ndim - 2))
        levels = []
        for block in self.down:
            x = block(x)
            levels.append(x)
        return tuple(levels)

    def decode(self, levels: tuple[Tensor, ...], keep: Keep | None = None) -> Tensor:
        """(n, *S) logits; with `keep` as one draw of dropout sees them, the same for all samples.

        Without `keep` the dropout layers do as their mode says: nothing, once training is over.
        """
        x = levels[-1]
        for i, (block, skip) in enumerate(zip(self.up, reversed(levels[:-1]), strict=True)):
            if keep is None:
                x = self.drops[i](x)
            else:
                x = x * keep[i].to(x.dtype).view(1, -1, *[1] * (x.ndim - 2))
            x = block(x, skip)
        logits: Tensor = self.final(x)[:, 0]
        return logits

    def _check_size(self, images: Tensor) -> None:
        sides = tuple(images.shape[2:])
        left = [side >> (len(self.down) - 1) for side in sides]
        if min(left) < 1 or max(left) < 2:
            raise DataError(
                f"a U-Net of {len(self.down)} levels needs images of {2 ** len(self.down)} pixels "
                f"along one side at least, but these have {sides}; give fewer `segment.widths`, or "
                "larger images"
            )


def keep_draws(network: UNet, draws: int, seed: int) -> list[list[Tensor]]:
    """`draws` draws of dropout: 0 where a channel is dropped, else 1 / (1 - dropout).

    A draw is one sample of the network's weights: the same channels for every image, position and
    batch. It depends on the seed alone.

    Raises:
        EvidenceError: without dropout, for all draws would be equal.
    """
    if network.dropout == 0:
        raise EvidenceError(
            "dropout draws need a network with dropout, but this one has none; set "
            "`model.dropout` above 0 (0.2 is usual), or `train.members` above 1 for an ensemble"
        )
    device = network.final.weight.device
    places = network.widths[:0:-1]  # the bottleneck, and every decoder level but the top one
    with seeded(seed):
        # Drawn on the CPU: generators of accelerators give other numbers.
        masks = [
            [nn.functional.dropout(torch.ones(width), network.dropout) for width in places]
            for _ in range(draws)
        ]
    return [[mask.to(device) for mask in draw] for draw in masks]
