"""Views: the same images flipped or with a little noise, which should not change the answer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.chance import generator
from foveal.core.spec import ViewSpec
from foveal.models.inputs import Inputs

FLIPS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("horizontal", (3,)),
    ("vertical", (2,)),
    ("both", (2, 3)),
)


@dataclass(frozen=True, slots=True)
class View:
    """One way to show images; `key` tells it from all others, as a part of a cache key does."""

    key: str
    show: Callable[[FloatArray, IntArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Viewed:
    """Image inputs as one view shows them; itself inputs, so features of it can be cached."""

    inputs: Inputs
    view: View

    def __len__(self) -> int:
        return len(self.inputs)

    def read(self, rows: IntArray) -> FloatArray:
        """(b, channels, H, W) in [0, 1]."""
        return np.ascontiguousarray(self.view.show(self.inputs.read(rows), rows))


def other_views(spec: ViewSpec) -> tuple[View, ...]:
    """All views of a spec but the first, which is the image itself."""
    others = spec.views - 1
    if spec.kind == "noise":
        return tuple(_noisy(number, spec.noise) for number in range(1, others + 1))
    return tuple(_flipped(name, axes) for name, axes in FLIPS[:others])


def _flipped(name: str, axes: tuple[int, ...]) -> View:
    return View(f"flip-{name}", lambda images, _rows: np.flip(images, axes))


def _noisy(number: int, deviation: float) -> View:
    """Noise depends on the view and the image's row: the same image always looks the same."""

    def show(images: FloatArray, rows: IntArray) -> FloatArray:
        shape = images.shape[1:]
        noise = [
            generator(int(row), "view noise", number).standard_normal(shape, np.float32)
            for row in rows
        ]
        noisy = images + np.float32(deviation) * np.stack(noise) if noise else images
        return np.clip(noisy, 0, 1)

    return View(f"noise-{deviation:g}-{number}", show)
