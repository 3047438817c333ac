"""A region as bytes: the expert's mask in a form that is small, exact and the same everywhere."""

import math
import struct
import zlib
from collections.abc import Sequence

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.errors import SchemaError

MAGIC = b"FVR1"
MAX_RANK = 32  # numpy's before version 2
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
        size = math.prod(shape)
        if rank > MAX_RANK or math.prod(max(n, 1) for n in shape) > MAX_VOXELS:
            raise ValueError(f"its shape is {shape}")
        need = -(-size // 8)
        stream = zlib.decompressobj()
        packed = stream.decompress(data[5 + 4 * rank :], need + 1)
        if len(packed) != need or not stream.eof or stream.unused_data:
            raise ValueError(f"not exactly {need} bytes of content")
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


def majority(regions: Sequence[BoolArray]) -> BoolArray:
    """Pixels that lie in more than half of one or more regions of the same shape."""
    votes = np.zeros(regions[0].shape, np.int64)
    for region in regions:
        votes += region
    return np.asarray(2 * votes > len(regions))
