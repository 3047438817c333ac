"""Panels: one case as a picture; what a pick looked like, what was drawn, what the model made."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.core.annotation import Annotation
from foveal.core.arrays import BoolArray, FloatArray
from foveal.core.packing import unpack
from foveal.core.pool import Sample, SampleId
from foveal.core.region import decode_region
from foveal.data.grid import fullest_plane, region_to_grid, to_grid
from foveal.explain import pair_panel, strip
from foveal.loop.bench import Bench
from foveal.store import Blobs

TILE = 224  # pixels of a tile's side
PAIR = "pair"  # the column that `foveal pairs` writes


def kind_of(sample: Sample, outlines: bool) -> str:
    """`pair`, `outline` or `map`: what its panel shows."""
    if PAIR in sample.extra:
        return "pair"
    return "outline" if outlines else "map"


def panel_of(
    case: dict[str, Any], annotation: Annotation | None, bench: Bench, blobs: Blobs, outlines: bool
) -> NDArray[np.uint8]:
    """Tiles side by side: the image, what the expert drew, and the model's map.

    A pair of time points shows both, their difference, and on the follow-up truth and prediction.
    Of a 3-D tile the plane is shown that holds most of what was drawn.

    Args:
        case: as `ask` recorded it: "id", "cam" and perhaps "expected".
        outlines: whether the map is a probability of foreground, and its outline is shown.
    """
    sample: SampleId = case["id"]
    drawn, cam = drawn_in(annotation, blobs), unpack(blobs.get(case["cam"]))
    expected = unpack(blobs.get(case["expected"])) if "expected" in case else None
    if bench.pixels.solid:
        plane = fullest_plane(drawn) if drawn is not None else len(cam) // 2
        cam, drawn = cam[plane], None if drawn is None else drawn[plane]
        picture = _picture(bench, sample, plane)
    else:
        picture = _picture(bench, sample, None)
    marked = None if drawn is None else _on_tile(drawn, bench)
    if kind_of(bench.pool[sample], outlines) == "pair":
        return pair_panel(picture, marked, _enlarged(cam) >= 0.5)
    return strip(picture, cam, marked, cam if outlines else expected)


def _picture(bench: Bench, sample: SampleId, plane: int | None) -> FloatArray:
    original = bench.collection.original(sample, plane)
    stored = to_grid(original, TILE, bench.collection.spec.fit, 3)
    return stored.transpose(1, 2, 0) / 255


def drawn_in(annotation: Annotation | None, blobs: Blobs) -> BoolArray | None:
    """The region of an annotation on the image's own grid; None where there is none."""
    if annotation is None or not annotation.region:
        return None
    return decode_region(blobs.get(annotation.region))


def _on_tile(mask: BoolArray, bench: Bench) -> BoolArray:
    return np.asarray(region_to_grid(mask, TILE, bench.collection.spec.fit) >= 0.5)


def _enlarged(values: FloatArray) -> FloatArray:
    """(TILE, TILE) of a square map, by the nearest cell."""
    at = np.minimum(np.arange(TILE) * len(values) // TILE, len(values) - 1)
    large: FloatArray = values[np.ix_(at, at)]
    return large
