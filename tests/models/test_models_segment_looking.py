"""Seg-Grad-CAM of a trained segmenter points at what it outlines, and leaves no trace."""

import numpy as np
import pytest
import torch
from segment_toys import discs, pictures, segmenter, trained

from foveal.core.errors import UnknownName
from foveal.models import Pass
from foveal.models.segment import segment_maps


@pytest.mark.parametrize("dimensions", [2, 3])
def test_maps_reach_into_the_region_and_near_the_top_fill_it(dimensions):
    """The bottleneck may see a disc by what is around it; what decides at the top is the disc."""
    found, _ = trained(dimensions)
    side = 24 if dimensions == 2 else 16
    inputs, strokes = discs(6, side, dimensions, seed=7, empty=0)
    rows, size, inside = np.arange(6), (side,) * dimensions, strokes.masks > 0
    deep = segment_maps(found, inputs, rows, size)
    top = segment_maps(found, inputs, rows, size, layer="decoder 0")
    for maps in (deep, top):
        assert maps.shape == inside.shape
        assert maps.min() >= 0
        assert maps.max() <= 1
        assert all(cam[mask].max() > 0 for cam, mask in zip(maps, inside, strict=True))
    for cam, mask in zip(top, inside, strict=True):
        assert cam[mask].mean() > 2 * cam[~mask].mean()


@pytest.mark.parametrize("layer", ["bottleneck", "decoder 1", "decoder 0"])
def test_batches_do_not_matter_and_nothing_is_left_behind(layer):
    one, inputs = segmenter(dropout=0.3), pictures(5)
    before = {name: p.clone() for name, p in one.network.named_parameters()}
    with torch.inference_mode():  # as within a loop that only predicts
        maps, parts = (
            segment_maps(one, inputs, np.arange(5), (20, 20), Pass(b), layer=layer) for b in (5, 2)
        )
    np.testing.assert_allclose(maps, parts, atol=1e-3)
    assert maps.shape == (5, 20, 20)
    for name, parameter in one.network.named_parameters():
        assert parameter.grad is None
        assert torch.equal(parameter, before[name])
    assert not any(m._forward_hooks for m in one.network.modules())


def test_an_unknown_layer_is_named():
    with pytest.raises(UnknownName, match="bottleneck"):
        segment_maps(segmenter(), pictures(1), np.arange(1), (16, 16), layer="bottelneck")


def test_no_rows_no_maps():
    assert segment_maps(segmenter(), pictures(1), np.arange(0), (9, 9)).shape == (0, 9, 9)
