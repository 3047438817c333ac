"""A region as bytes: the expert's mask in a form that is small, exact and the same everywhere."""

import struct
import zlib

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.errors import SchemaError

MAGIC = b"FVR1"
MAX_VOXELS = 2**31


def encode_region(mask: BoolArray) -> bytes:
    """Bytes of a mask of any rank: magic, rank, shape, then packed bits, compressed."""
    header = MAGIC + struct.pack(f"<B{mask.ndim}I", mask.ndim, *mask.shape)
    return header + zlib.compress(np.packbits(np.ascontiguousarray(mask, bool)).tobytes(), 6)


def decode_region(data: bytes) -> BoolArray:
    """The mask that `encode_region` was given.

    Raises:
        SchemaError: if the bytes are not a whole region.
    """
    try:
        if data[:4] != MAGIC:
            raise ValueError("wrong magic bytes")
        (rank,) = struct.unpack_from("<B", data, 4)
        shape = struct.unpack_from(f"<{rank}I", data, 5)
        size = int(np.prod(shape, dtype=np.int64))
        if size > MAX_VOXELS:
            raise ValueError(f"{size} voxels")
        need = -(-size // 8)
        packed = zlib.decompressobj().decompress(data[5 + 4 * rank :], need + 1)
        if len(packed) != need:
            raise ValueError(f"{len(packed)} bytes instead of {need}")
    except (ValueError, struct.error, zlib.error) as error:
        raise SchemaError(f"a stored region must be whole, but is damaged: {error}") from error
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=size)
    return bits.astype(bool).reshape(shape)


def box_of(mask: BoolArray) -> BoolArray:
    """The smallest axis-parallel box around a mask, filled; empty stays empty."""
    if not mask.any():
        return np.zeros_like(mask)
    box = np.zeros_like(mask)
    spans = tuple(slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(mask))
    box[spans] = True
    return box
