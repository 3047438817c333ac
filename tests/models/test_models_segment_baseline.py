"""Similarities of baselines against NumPy and scikit-learn, and in bounded memory."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from segment_toys import pictures
from sklearn.metrics import mutual_info_score
from sklearn.metrics.pairwise import cosine_similarity

from foveal.models.segment import baseline
from foveal.models.segment.baseline import (
    binned,
    directions,
    information,
    joint_counts,
    labeled_bins,
    mean_direction,
    mean_information,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("batch_size", [1, 3, 9])
def test_cosines_are_scikit_learns(dimensions, batch_size):
    inputs = pictures(9, 3, 6, dimensions)
    inputs.array[4] = 0
    labeled, flat = np.array([4, 7, 2]), inputs.array[:, 0].reshape(9, -1)
    mean = mean_direction(inputs, labeled, batch_size, CPU)
    ours = directions(torch.from_numpy(inputs.array)) @ mean
    np.testing.assert_allclose(ours, cosine_similarity(flat, flat[labeled]).mean(1), atol=1e-6)
    assert max(map(len, inputs.reads)) <= batch_size


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_information_is_scikit_learns(seed, m):
    rng = np.random.default_rng(seed)
    one, others = rng.random(50), rng.random((m, 50))
    others[0] = one + 0.1 * others[0]
    bins = binned(torch.from_numpy(np.stack([one, *others]))[:, None, :, None])
    ours = information(joint_counts(bins[0], bins[1:]))
    for mine, other in zip(ours, others, strict=True):
        counts, _, _ = np.histogram2d(one, other, bins=20)
        assert float(mine) == pytest.approx(mutual_info_score(None, None, contingency=counts))


def test_information_is_highest_with_itself_and_none_with_nothing():
    images = torch.rand(2, 1, 30, 30)
    images[1] = 0.7
    bins = binned(images)
    mutual = information(joint_counts(bins[0], bins))
    shares = torch.bincount(bins[0].int()).double() / 900
    assert float(mutual[0]) == pytest.approx(float(-torch.xlogy(shares, shares).sum()))
    assert float(mutual[1]) == 0


@pytest.mark.parametrize(("shape", "positions"), [((80, 128), 4096), ((20, 32, 8), 16 * 16 * 8)])
def test_large_images_are_shrunk(shape, positions):
    assert binned(torch.rand(2, 2, *shape)).shape == (2, positions)


@pytest.mark.parametrize("together", [1, 2, 100])
def test_how_many_are_counted_at_once_does_not_matter(together, monkeypatch):
    inputs = pictures(7, side=9)
    bins = labeled_bins(inputs, np.array([1, 5, 2]), 2, CPU)
    images = torch.from_numpy(inputs.array)
    want = mean_information(images, bins)
    monkeypatch.setattr(baseline, "TOGETHER", together)
    torch.testing.assert_close(mean_information(images, bins), want)
    each = information(joint_counts(binned(images)[3], bins))
    assert float(want[3]) == pytest.approx(float(each.mean()))
