import io

import numpy as np
import pytest
from PIL import Image

from foveal.data import encode_png


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_png_decodes_to_the_array(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(array)))), array)
    assert encode_png(array) == encode_png(array[::1].copy())


@pytest.mark.parametrize("bad", [np.zeros((5, 7)), np.zeros((5, 7, 2), np.uint8)])
def test_other_arrays_are_refused(bad):
    with pytest.raises(ValueError, match="must be uint8"):
        encode_png(bad)
