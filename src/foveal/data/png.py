"""PNG bytes of an array, for pages and reports that carry their pictures inside."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode_png(array: NDArray[np.uint8], palette: bool = False) -> bytes:
    """PNG file of a (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA uint8 array, without metadata.

    Args:
        palette: bring RGB to the 256 colors that fit it best, a third of the bytes; for pictures
            that people look at, not for data.
    Raises:
        ValueError: on any other shape or type.
    """
    shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not shaped or array.dtype != np.uint8:
        raise ValueError(
            f"an image must be uint8 grey, RGB or RGBA, not {array.dtype} {array.shape}"
        )
    data = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(array))
    if palette and array.ndim == 3 and array.shape[2] == 3:
        image = image.quantize(256, dither=Image.Dither.NONE)
    image.save(data, "PNG", compress_level=6)
    return data.getvalue()
