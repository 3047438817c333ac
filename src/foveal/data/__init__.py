"""Data: from a manifest, folder, npz or volumes to a checked pool, its pixels and its receipt."""

from foveal.data.cache import cache_root
from foveal.data.collection import Collection
from foveal.data.index import index_source
from foveal.data.load import load_pool
from foveal.data.manifest import write_manifest
from foveal.data.phantom import write_phantom
from foveal.data.pixels import PixelStore
from foveal.data.png import encode_png
from foveal.data.problems import WARNING_KINDS, Problem
from foveal.data.project import load_project
from foveal.data.receipt import Receipt
from foveal.data.row import Row
from foveal.data.volumes.cutting import Cutting
from foveal.data.volumes.folders import dicom_source

__all__ = [
    "WARNING_KINDS",
    "Collection",
    "Cutting",
    "PixelStore",
    "Problem",
    "Receipt",
    "Row",
    "cache_root",
    "dicom_source",
    "encode_png",
    "index_source",
    "load_pool",
    "load_project",
    "write_manifest",
    "write_phantom",
]
