"""A view that is undone shows pixels where they were."""

import numpy as np
import pytest
import torch

from foveal.core.spec import ViewSpec
from foveal.models.segment import pixel_views


@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 3, 4, 5, 6)])
def test_flips_are_undone(shape):
    images = np.random.default_rng(0).random(shape, np.float32)
    views = pixel_views(ViewSpec())
    assert [view.key for view in views] == ["flip-horizontal", "flip-vertical", "flip-both"]
    seen = [view.show(images, np.arange(2)) for view in views]
    for view, shown in zip(views, seen, strict=True):
        assert not np.array_equal(shown, images)
        back = view.undo(torch.from_numpy(shown[:, 0].copy()))
        np.testing.assert_array_equal(back, images[:, 0])
    np.testing.assert_array_equal(seen[0], images[:, :, :, ::-1])
    np.testing.assert_array_equal(seen[1], images[:, :, ::-1])
    np.testing.assert_array_equal(seen[2], images[:, :, ::-1, ::-1])


def test_noise_moves_nothing():
    images = np.full((2, 1, 3, 4, 5), 0.5, np.float32)
    views = pixel_views(ViewSpec(kind="noise", views=6))
    assert len(views) == 5
    shown = views[0].show(images, np.array([7, 3]))
    assert 0 < np.abs(shown - images).max() < 0.3
    values = torch.rand(2, 3, 4, 5)
    assert torch.equal(views[0].undo(values), values)


def test_as_many_views_as_the_spec_says():
    assert len(pixel_views(ViewSpec(views=2))) == 1
