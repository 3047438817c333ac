"""Labels: classes and regions of pictures in the formats of other annotation tools."""

from foveal.data.exchange.labels.coco import from_coco, to_coco
from foveal.data.exchange.labels.cvat import from_cvat, to_cvat
from foveal.data.exchange.labels.label_studio import from_label_studio, to_label_studio
from foveal.data.exchange.labels.masks import to_masks
from foveal.data.exchange.labels.record import LabeledImage, matched
from foveal.data.exchange.labels.table import from_csv, to_csv

__all__ = [
    "LabeledImage",
    "from_coco",
    "from_csv",
    "from_cvat",
    "from_label_studio",
    "matched",
    "to_coco",
    "to_csv",
    "to_cvat",
    "to_label_studio",
    "to_masks",
]
