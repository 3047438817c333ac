"""Regions: any mask comes back as it was, and damage never comes back as a mask."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from foveal.core.errors import SchemaError
from foveal.core.region import MAGIC, MAX_VOXELS, box_of, decode_region, encode_region

masks = arrays(bool, array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=7))
drawn = arrays(bool, array_shapes(min_dims=1, max_dims=3, max_side=7))
HEADER = len(MAGIC) + 1


@given(masks)
def test_a_mask_of_any_rank_comes_back(mask):
    back = decode_region(encode_region(mask))
    assert back.dtype == bool
    assert back.shape == mask.shape
    np.testing.assert_array_equal(back, mask)


@given(drawn)
def test_equal_masks_have_equal_bytes_however_they_lie_in_memory(mask):
    assert encode_region(np.asfortranarray(mask)) == encode_region(mask.copy())


@given(masks, st.data())
def test_a_region_cut_short_is_damaged(mask, data):
    whole = encode_region(mask)
    with pytest.raises(SchemaError, match="damaged"):
        decode_region(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(drawn, st.data())
def test_a_changed_byte_of_content_is_damage(mask, data):
    whole = bytearray(encode_region(mask))
    # After zlib's two bytes of header. Padding bits mean nothing, so some flips change nothing.
    where = data.draw(st.integers(HEADER + 4 * mask.ndim + 2, len(whole) - 1))
    whole[where] ^= data.draw(st.integers(1, 255))
    try:
        back = decode_region(bytes(whole))
    except SchemaError:
        return
    np.testing.assert_array_equal(back, mask)


@given(drawn, st.binary(min_size=1, max_size=4))
def test_bytes_after_the_end_are_damage(mask, more):
    with pytest.raises(SchemaError, match="damaged"):
        decode_region(encode_region(mask) + more)


@given(st.binary(max_size=60))
def test_noise_is_no_region(noise):
    for data in (noise, MAGIC + noise):
        with pytest.raises(SchemaError, match="damaged"):
            decode_region(data)


@pytest.mark.parametrize(
    "shape",
    [
        (2**16, 2**16, 2**16, 2**16),  # the product is 0 in 64 bits
        (0, 2**31, 2**31, 2**31),  # nothing, in a shape that no array has
        (MAX_VOXELS + 1,),
        (1,) * 200,
    ],
)
def test_a_header_that_asks_for_the_impossible_is_damage(shape):
    header = MAGIC + struct.pack(f"<B{len(shape)}I", len(shape), *shape)
    with pytest.raises(SchemaError, match="damaged"):
        decode_region(header + zlib.compress(b""))


def test_a_small_file_cannot_claim_much_memory():
    bomb = MAGIC + struct.pack("<BI", 1, 8) + zlib.compress(b"\0" * 10_000_000)
    with pytest.raises(SchemaError, match="damaged"):
        decode_region(bomb)


@given(drawn)
def test_a_box_is_the_smallest_that_holds_the_mask(mask):
    box = box_of(mask)
    assert (box | ~mask).all()
    assert box.any() == mask.any()
    np.testing.assert_array_equal(box_of(box), box)
    for axis in range(mask.ndim):  # every face of the box touches the mask
        others = tuple(a for a in range(mask.ndim) if a != axis)
        ends = np.flatnonzero(box.any(others))
        if ends.size:
            assert mask.any(others)[[ends[0], ends[-1]]].all()
    filled = np.ix_(
        *(box.any(tuple(a for a in range(mask.ndim) if a != d)) for d in range(mask.ndim))
    )
    assert box[filled].all()


def test_asking_for_a_box_does_not_change_the_mask():
    mask = np.eye(4, dtype=bool)
    box_of(mask)
    np.testing.assert_array_equal(mask, np.eye(4, dtype=bool))
