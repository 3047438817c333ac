"""Views show the same image in another way, and always in the same other way."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_toys import CLASSES, Memory, learner, planted, tiny_backbone

from foveal.core.errors import EvidenceError
from foveal.core.spec import ModelSpec, ViewSpec
from foveal.models import Learner, Pass, Viewed, cached_features, other_views, predict
from foveal.models.network import Network

N = 7
ROWS, IDS = np.arange(N), tuple(f"s{i}" for i in range(N))
FLIPS, NOISE = ViewSpec(), ViewSpec(kind="noise", views=5)
EVERY = [*other_views(FLIPS), *other_views(NOISE)]


@pytest.fixture(scope="module")
def images():
    return Memory(np.random.default_rng(0).random((N, 1, 32, 32)))


def full():
    torch.manual_seed(0)
    return Learner(Network(ModelSpec(mode="full", adapter=8), 4, 2, tiny_backbone()), CLASSES)


def view_probs(one, images, views, batch_size=128):
    arrays = predict(
        one, images, ROWS, IDS, ("probs", "view_probs"), how=Pass(batch_size), views=views
    ).arrays
    return arrays["view_probs"], arrays["probs"]


@pytest.mark.parametrize("spec", [FLIPS, NOISE, ViewSpec(views=2), ViewSpec(kind="noise", views=9)])
def test_the_image_itself_is_one_of_the_views(spec):
    assert len(other_views(spec)) == spec.views - 1


def test_flips_are_flips(images):
    horizontal, vertical, both = (Viewed(images, v).read(ROWS) for v in other_views(FLIPS))
    np.testing.assert_array_equal(horizontal, images.array[:, :, :, ::-1])
    np.testing.assert_array_equal(vertical, images.array[:, :, ::-1])
    np.testing.assert_array_equal(both, images.array[:, :, ::-1, ::-1])


@pytest.mark.parametrize("view", other_views(FLIPS), ids=lambda v: v.key)
def test_a_flip_undoes_itself(images, view):
    twice = Viewed(Viewed(images, view), view)
    np.testing.assert_array_equal(twice.read(ROWS), images.array)


@pytest.mark.parametrize("view", EVERY, ids=lambda v: v.key)
@given(rows=st.lists(st.integers(0, N - 1), max_size=9))
def test_a_view_of_an_image_depends_on_the_image_alone(view, rows):
    images = Memory(np.random.default_rng(0).random((N, 1, 8, 8)))
    viewed, rows = Viewed(images, view), np.array(rows, dtype=np.int64)
    np.testing.assert_array_equal(viewed.read(rows), viewed.read(ROWS)[rows])
    assert len(viewed) == N


@pytest.mark.parametrize("view", EVERY, ids=lambda v: v.key)
def test_a_view_reads_as_inputs_do(images, view):
    shown = Viewed(images, view).read(ROWS)
    assert shown.dtype == np.float32
    assert shown.flags.c_contiguous
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert not np.array_equal(shown, images.array)


@pytest.mark.parametrize("deviation", [0.01, 0.05])
def test_noise_has_the_deviation_asked_for_and_is_new_in_every_view(deviation):
    grey = Memory(np.full((3, 1, 64, 64), 0.5))
    views = other_views(ViewSpec(kind="noise", noise=deviation, views=3))
    noise = np.stack([Viewed(grey, v).read(np.arange(3)) - 0.5 for v in views])
    np.testing.assert_allclose(noise.std((2, 3, 4)), deviation, rtol=0.05)
    np.testing.assert_allclose(np.corrcoef(noise.reshape(6, -1)), np.eye(6), atol=0.07)


def test_keys_of_views_differ():
    other = other_views(ViewSpec(kind="noise", noise=0.1))
    keys = [view.key for view in (*EVERY, *other)]
    assert len(set(keys)) == len(keys)


def test_of_an_image_that_looks_the_same_flipped_all_views_agree():
    rng = np.random.default_rng(1)
    quarter = rng.random((N, 1, 32, 32))
    half = np.concatenate([quarter, quarter[..., ::-1]], 3)
    symmetric = Memory(np.concatenate([half, half[:, :, ::-1]], 2))
    views = [Viewed(symmetric, v) for v in other_views(FLIPS)]
    found, probs = view_probs(full(), symmetric, views)
    np.testing.assert_array_equal(found, np.stack([probs] * 4))


@pytest.mark.parametrize("spec", [FLIPS, NOISE])
def test_each_view_is_what_the_network_says_of_it(images, spec):
    one = full()
    views = [Viewed(images, v) for v in other_views(spec)]
    found, probs = view_probs(one, images, views, batch_size=3)
    assert found.shape == (spec.views, N, 2)
    np.testing.assert_array_equal(found[0], probs)
    for seen, view in zip(found[1:], views, strict=True):
        alone = predict(one, view, ROWS, IDS, ("probs",), how=Pass(3)).arrays["probs"]
        np.testing.assert_array_equal(seen, alone)
    assert np.ptp(found, axis=0).max() > 1e-4


def test_features_of_views_are_cached_apart_and_say_the_same(images, tmp_path):
    """What the network would see in the images it sees in their features."""
    one, backbone = full(), tiny_backbone()
    alone = Network(ModelSpec(adapter=8), 4, 2)
    alone.load_state_dict(
        {k: v for k, v in one.network.state_dict().items() if "backbone" not in k}
    )
    views = other_views(NOISE)
    cpu = torch.device("cpu")
    stores = [cached_features(backbone, images, "pool", tmp_path, cpu)]
    for view in views:
        viewed = Viewed(images, view)
        stores.append(cached_features(backbone, viewed, f"pool-{view.key}", tmp_path, cpu))
    want, _ = view_probs(one, images, [Viewed(images, v) for v in views])
    found, _ = view_probs(Learner(alone, CLASSES), stores[0], stores[1:])
    np.testing.assert_allclose(found, want, atol=5e-3)
    assert len(list(tmp_path.iterdir())) == 5


def test_without_views_there_is_nothing_to_compare():
    with pytest.raises(EvidenceError, match="other_views"):
        predict(learner(), planted(N)[0], ROWS, IDS, ("view_probs",))
