"""Neighbor: what a reader drew last beside a case, so that it can be copied; pure but for blobs."""

import json
from collections.abc import Iterator
from typing import Any

from foveal.annotate.images import ImageSource
from foveal.core.annotation import Annotation
from foveal.core.pool import SampleId
from foveal.store.blobs import Blobs
from foveal.store.live import LiveState


def neighbor_of(
    live: LiveState, images: ImageSource, blobs: Blobs, sample: SampleId, reader: str
) -> dict[str, Any] | None:
    """Shapes of the nearest slice of the same volume on which the reader drew, and which it is.

    Of a picture that is no slice, `slice` is None and the shapes are the last ones of the same size
    and patient. Nothing is ever offered across volumes or patients.
    """
    stack = images.beside(sample)
    size = images.size(sample)
    for told in (
        _slices(live, stack, sample, reader) if stack else _pictures(live, images, sample, reader)
    ):
        shapes = json.loads(blobs.get(told.shapes))
        if shapes["shapes"] and (shapes["width"], shapes["height"]) == size:
            return {"slice": stack.get(told.sample), "shapes": shapes}
    return None


def _slices(
    live: LiveState, stack: dict[SampleId, int], sample: SampleId, reader: str
) -> Iterator[Annotation]:
    """Answers about other slices, nearest first; of two as near, the slice before."""
    own = stack[sample]
    for other in sorted(stack, key=lambda i: (abs(stack[i] - own), stack[i])):
        told = live.answers(other).get(reader)
        if other != sample and told is not None and told.shapes:
            yield told


def _pictures(
    live: LiveState, images: ImageSource, sample: SampleId, reader: str
) -> Iterator[Annotation]:
    """Answers about other pictures of the patient, newest first."""
    patient = images.sample(sample).group
    for told in reversed(live.history):
        other = told.annotator == reader and told.shapes and told.sample != sample
        # An image may have been lost since.
        if other and told.sample in images and images.sample(told.sample).group == patient:
            yield told
