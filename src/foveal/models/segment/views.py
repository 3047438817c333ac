"""Views of images, and how what is seen in them is turned back to be compared."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.spec import ViewSpec
from foveal.models.views import FLIPS, other_views


@dataclass(frozen=True, slots=True)
class PixelView:
    """One way to show images (b, channels, *S); `undo` turns what is seen (b, *S) back."""

    key: str
    show: Callable[[FloatArray, IntArray], FloatArray]
    undo: Callable[[Tensor], Tensor]


def pixel_views(spec: ViewSpec) -> tuple[PixelView, ...]:
    """All views of a spec but the first, which is the image itself.

    Flips are those of `other_views`, along the first two spatial axes: in pictures horizontal,
    vertical and both, in volumes (b, channels, D, H, W) along H, along D, and both.

    Source:
        arXiv:2306.16918 (PCDAL), for pictures and volumes.
    """
    others = other_views(spec)
    if spec.kind == "noise":
        return tuple(PixelView(view.key, view.show, _as_it_is) for view in others)
    turned = [tuple(axis - 1 for axis in axes) for _name, axes in FLIPS]
    return tuple(
        PixelView(view.key, view.show, partial(torch.flip, dims=axes))
        for view, axes in zip(others, turned, strict=False)
    )


def _as_it_is(values: Tensor) -> Tensor:
    return values
