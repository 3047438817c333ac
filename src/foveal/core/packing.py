"""Packing: small arrays as .npy bytes for the blobs."""

from io import BytesIO
from typing import Any

import numpy as np

Bytes8 = np.ndarray[Any, np.dtype[np.uint8]]


def array_bytes(values: Bytes8) -> bytes:
    """An 8-bit array as .npy bytes."""
    buffer = BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def array_of(data: bytes) -> Bytes8:
    """What `array_bytes` was given."""
    return np.load(BytesIO(data), allow_pickle=False)  # type: ignore[no-any-return]


def pack(values: np.ndarray[Any, np.dtype[np.floating[Any]]]) -> bytes:
    """An array in [0, 1] as 8-bit .npy bytes."""
    return array_bytes((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))


def unpack(data: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What `pack` was given, within 1/510."""
    return array_of(data).astype(np.float32) / np.float32(255)
