"""A sliding window sees what a single look would, wherever one window is enough."""

import numpy as np
import pytest
import torch
from segment_toys import discs, pictures, segmenter, trained

from foveal.core.errors import DataError
from foveal.core.segment_spec import SegmentSpec
from foveal.models import Pass
from foveal.models.segment import predict_pixels, volume_probs

SPEC, PLAIN = SegmentSpec(), Pass(2, "32")


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_window_is_a_plain_prediction(members, channels):
    one = segmenter(members, channels=channels, dimensions=3)
    inputs = pictures(1, channels, 8, 3)
    ((_, want),) = predict_pixels(one, inputs, np.arange(1), PLAIN)
    for tile in (8, (8, 8, 8)):
        got = volume_probs(one, inputs.array[0], SPEC, tile, PLAIN)
        np.testing.assert_allclose(got, want[0], atol=1e-6)


def test_windows_that_agree_leave_no_seams():
    one = segmenter(dimensions=3)
    with torch.no_grad():
        one.network.final.weight.zero_()
        one.network.final.bias.fill_(0.4)
    probs = volume_probs(one, np.random.default_rng(0).random((1, 19, 9, 30)), SPEC, 8, PLAIN)
    assert probs.shape == (19, 9, 30)
    np.testing.assert_allclose(probs, 1 / (1 + np.exp(-0.4)), atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_how_many_windows_are_seen_at_once_does_not_matter(batch_size):
    one, volume = segmenter(dimensions=3), np.random.default_rng(1).random((1, 12, 12, 8))
    want = volume_probs(one, volume, SPEC, 8, PLAIN)
    got = volume_probs(one, volume, SPEC, 8, Pass(batch_size, "32"))
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_a_volume_smaller_than_a_tile_keeps_its_shape():
    probs = volume_probs(segmenter(dimensions=3), np.zeros((1, 5, 6, 7)), SPEC, 8, PLAIN)
    assert probs.shape == (5, 6, 7)


def test_balls_are_found_in_a_volume_of_several_tiles():
    found, _ = trained(3)
    inputs, strokes = discs(2, 16, 3, seed=6, empty=0)
    volume = np.concatenate(list(inputs.array), axis=1)  # (1, 32, 16, 16)
    mask = np.concatenate(list(strokes.masks)) > 0
    hot = volume_probs(found, volume, SegmentSpec(overlap=0.5), 16, PLAIN) >= 0.5
    assert 2 * (hot & mask).sum() / (hot.sum() + mask.sum()) > 0.6


@pytest.mark.parametrize("shape", [(8, 8, 8), (2, 8, 8, 8), (1, 1, 8, 8, 8)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(DataError, match="volume must have"):
        volume_probs(segmenter(dimensions=3), np.zeros(shape), SPEC, 8)


def test_a_segmenter_of_pictures_reads_no_volumes():
    with pytest.raises(DataError, match="volume must have"):
        volume_probs(segmenter(), np.zeros((1, 8, 8, 8)), SPEC, 8)
