"""Segmentation: U-Nets trained on what experts outlined, and their evidence pixel by pixel."""

from foveal.models.segment.learn import learn_segmenter
from foveal.models.segment.looking import segment_maps
from foveal.models.segment.pasting import pasting
from foveal.models.segment.predict import segment_evidence
from foveal.models.segment.segmenter import Segmenter, segmenter_from_bytes
from foveal.models.segment.stream import (
    PIXEL_PASS,
    VOLUME_PASS,
    pixel_probs_on_grid,
    predict_pixels,
)
from foveal.models.segment.strokes import Paste, Strokes
from foveal.models.segment.views import PixelView, pixel_views
from foveal.models.segment.window import volume_probs

__all__ = [
    "PIXEL_PASS",
    "VOLUME_PASS",
    "Paste",
    "PixelView",
    "Segmenter",
    "Strokes",
    "learn_segmenter",
    "pasting",
    "pixel_probs_on_grid",
    "pixel_views",
    "predict_pixels",
    "segment_evidence",
    "segment_maps",
    "segmenter_from_bytes",
    "volume_probs",
]
