"""Panels of pairs: outlines only around masks, and colors by the sign of the difference."""

import numpy as np

from foveal.explain import diverging, pair_panel
from foveal.explain.pair_panel import GAP, PREDICTION, TRUTH


def test_a_panel_has_five_tiles_and_outlines_only_around_masks():
    image = np.full((20, 16, 3), 0.5)
    truth = np.zeros((20, 16), bool)
    truth[5:8, 5:8] = True
    prediction = np.zeros((20, 16), bool)
    prediction[10:14, 3:5] = True
    panel = pair_panel(image, truth, prediction)
    assert panel.shape == (20, 5 * 16 + 4 * GAP, 3)
    assert panel.dtype == np.uint8
    tiles = [panel[:, i * (16 + GAP) : i * (16 + GAP) + 16] for i in range(5)]
    assert (panel[:, 16 : 16 + GAP] == 255).all()
    np.testing.assert_array_equal(tiles[0], 128)
    np.testing.assert_array_equal(tiles[2], 247)
    for tile, mask, color in ((tiles[3], truth, TRUTH), (tiles[4], prediction, PREDICTION)):
        drawn = (tile == color).all(axis=2)
        assert not (drawn & mask).any()
        height, width = (int(np.ptp(np.nonzero(mask)[a])) + 1 for a in (0, 1))
        assert drawn.sum() == 2 * (height + width)
        np.testing.assert_array_equal(tile[~drawn], 128)
    np.testing.assert_array_equal(pair_panel(image)[:, -16:], tiles[0])


def test_darker_is_blue_and_brighter_is_red():
    dark, none, bright = diverging(np.array([[-1.0, 0.0, 1.0]]))[0].astype(int)
    assert dark[2] > dark[0]
    assert bright[0] > bright[2]
    assert np.ptp(none) == 0
    np.testing.assert_array_equal(diverging(np.array([[5.0]]), 2)[0, 0], bright)
