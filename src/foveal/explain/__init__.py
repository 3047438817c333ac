"""Where a model looks: class activation maps, their agreement with a region, and overlays."""

from foveal.explain.alignment import MEASURES, agreement
from foveal.explain.cam import evidence_map, grad_cam, normalize_map, pooled_cam, resize_map
from foveal.explain.overlay import overlay, strip
from foveal.explain.pair_panel import diverging, pair_panel
from foveal.explain.record import explain_layer, record
from foveal.explain.seg_cam import region_target, seg_grad_cam

__all__ = [
    "MEASURES",
    "agreement",
    "diverging",
    "evidence_map",
    "explain_layer",
    "grad_cam",
    "normalize_map",
    "overlay",
    "pair_panel",
    "pooled_cam",
    "record",
    "region_target",
    "resize_map",
    "seg_grad_cam",
    "strip",
]
