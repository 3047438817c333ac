"""What is saved is what comes back, and nothing else is taken for it."""

import numpy as np
import pytest
import torch
from segment_toys import SMALL, pictures, segmenter

from foveal.core.errors import SchemaError
from foveal.core.segment_spec import SegmentSpec
from foveal.core.spec import ModelSpec
from foveal.models.segment import predict_pixels, segmenter_from_bytes

MODEL = ModelSpec(dropout=0.25)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize(("channels", "dimensions"), [(1, 2), (3, 2), (1, 3)])
def test_round_trip(members, channels, dimensions):
    one = segmenter(members, channels=channels, dimensions=dimensions, dropout=0.25)
    data = one.to_bytes(MODEL, SMALL)
    back = segmenter_from_bytes(data, MODEL, SMALL)
    assert back.fingerprint() == one.fingerprint()
    assert back.to_bytes(MODEL, SMALL) == data
    assert (back.channels, back.dimensions) == (channels, dimensions)
    assert len(back.members) == members
    assert back.network.dropout == 0.25
    inputs = pictures(2, channels, 8, dimensions)
    for (_, ours), (_, theirs) in zip(
        predict_pixels(one, inputs, np.arange(2)),
        predict_pixels(back, inputs, np.arange(2)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("spoil", [lambda d: d[:-9], lambda d: b"", lambda d: b"\0" * 99])
def test_damaged_bytes_are_refused(spoil):
    with pytest.raises(SchemaError, match="damaged"):
        segmenter_from_bytes(spoil(segmenter().to_bytes(MODEL, SMALL)), MODEL, SMALL)


@pytest.mark.parametrize("widths", [(4, 6), (4, 6, 9), (4, 6, 8, 8)])
def test_other_widths_are_refused(widths):
    with pytest.raises(SchemaError, match="segment"):
        segmenter_from_bytes(segmenter().to_bytes(MODEL, SMALL), MODEL, SegmentSpec(widths=widths))


def test_every_weight_is_in_the_fingerprint():
    one = segmenter(2)
    before = one.fingerprint()
    with torch.no_grad():
        one.members[1].final.bias += 1
    assert one.fingerprint() != before
