"""Readers: bytes on disk to one picture."""

from foveal.data.readers.dispatch import IMAGE_SUFFIXES, read_picture
from foveal.data.readers.masks import read_mask
from foveal.data.readers.picture import Picture, Pixels, Place, Unreadable

__all__ = [
    "IMAGE_SUFFIXES",
    "Picture",
    "Pixels",
    "Place",
    "Unreadable",
    "read_mask",
    "read_picture",
]
