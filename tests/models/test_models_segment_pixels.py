"""Scores of pixels by hand and against other implementations."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy

from foveal.models.segment import pixels

UNIT = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1, allow_subnormal=False)
GRIDS = arrays(np.float64, (3, 4, 5), elements=UNIT).map(torch.from_numpy)


@given(GRIDS)
def test_entropy_is_scipys_and_symmetric(probs):
    ours = pixels.binary_entropy(probs)
    theirs = entropy(np.stack([probs, 1 - probs]), axis=0)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    torch.testing.assert_close(ours, pixels.binary_entropy(1 - probs))
    assert (ours <= math.log(2) + 1e-12).all()


def test_entropy_is_highest_at_one_half_and_its_half_is_not():
    probs = torch.linspace(0, 1, 1001)
    assert float(probs[pixels.binary_entropy(probs).argmax()]) == pytest.approx(0.5)
    assert float(probs[pixels.foreground_term(probs).argmax()]) == pytest.approx(
        1 / math.e, abs=1e-3
    )
    assert pixels.binary_entropy(torch.tensor([0.0, 1.0])).tolist() == [0, 0]


@given(GRIDS, st.floats(0.001, 1))
def test_top_means_lie_between_mean_and_maximum(values, share):
    top = pixels.mean_of_top(values, share)
    count = max(1, math.ceil(share * 20))
    by_hand = values.flatten(1).sort(1, descending=True).values[:, :count].mean(1)
    torch.testing.assert_close(top, by_hand)
    assert (top >= pixels.mean_of(values) - 1e-12).all()
    assert (top <= values.flatten(1).amax(1) + 1e-12).all()


def test_means_over_some_pixels():
    values = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]] * 3)
    where = torch.tensor([[[1, 0], [0, 1]], [[0, 0], [0, 0]], [[1, 1], [1, 1]]]).bool()
    assert pixels.mean_where(values, where).tolist() == [2.5, 0, 2.5]
    assert pixels.share_of(where).tolist() == [0.5, 0, 1]
    assert pixels.sum_of(values).tolist() == [10, 10, 10]


def test_differences_have_a_sign_and_a_largest():
    images = torch.full((3, 3, 2, 2), 0.5)
    images[0, 2, 0, 0], images[0, 2, 1, 1], images[1, 2] = 0.25, 0.75, 1.0
    images[:, :2] = torch.rand(3, 2, 2, 2)
    signed, size = pixels.signed_difference(images), pixels.relative_difference(images)
    assert signed[0].tolist() == [[-0.5, 0], [0, 0.5]]
    assert size[0].tolist() == [[1, 0], [0, 1]]
    assert (size[1] == 1).all()
    assert (size[2] == 0).all()
