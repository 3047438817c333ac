"""Exchange: what was drawn or seen, in files that other programs read."""

from foveal.data.exchange.codes import code_of
from foveal.data.exchange.grid import SourceGrid, box_mask, source_grid
from foveal.data.exchange.measures import longest_diameter_mm, volume_ml
from foveal.data.exchange.nifti import write_nifti_labels
from foveal.data.exchange.report import write_report
from foveal.data.exchange.saliency import write_saliency
from foveal.data.exchange.seg import Written, write_segmentation

__all__ = [
    "SourceGrid",
    "Written",
    "box_mask",
    "code_of",
    "longest_diameter_mm",
    "source_grid",
    "volume_ml",
    "write_nifti_labels",
    "write_report",
    "write_saliency",
    "write_segmentation",
]
