"""Training shows foreground, repeats itself, stops where it should, and learns to outline."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from segment_toys import SMALL, discs, foreground_dice, pictures, trained

from foveal.core.errors import DataError, SpecError
from foveal.core.spec import ModelSpec, TrainSpec
from foveal.models.segment import Strokes, learn_segmenter
from foveal.models.segment.train import LEAST_LOOKS, LEAST_STEPS, USUAL, PixelCourse, pixel_batches


def learned(seed=0, round_number=0, n=6, changes=None, model=None, **arguments):
    inputs, strokes = discs(n, 16, seed=2)
    settings = {"epochs": 1, "precision": "32", "accelerator": "cpu", **(changes or {})}
    model, spec = model or ModelSpec(dropout=0.2), TrainSpec(**settings)
    return learn_segmenter(inputs, strokes, SMALL, model, spec, seed, round_number, **arguments)


def course(n, **settings):
    strokes = Strokes(np.arange(n), np.zeros((n, 4, 4)))
    return PixelCourse(pictures(n), strokes, SMALL, TrainSpec(**settings), 2, 0)


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 9), st.integers(0, 99))
def test_half_of_a_batch_shows_foreground(n, some, batch_size, seed):
    shown = np.random.default_rng(seed).permutation(np.arange(n) < some)
    batch_size = min(batch_size, n)
    steps = max(LEAST_STEPS, -(-n // batch_size))
    batches = pixel_batches(shown, batch_size, steps, np.random.default_rng(seed))
    assert len(batches) == steps
    assert {len(batch) for batch in batches} <= {batch_size, batch_size - 1, batch_size - 2} - {0}
    if 0 < some < n / 2:
        for batch in batches:
            assert abs(2 * shown[batch].sum() - len(batch)) <= 1
    counts = np.bincount(np.concatenate(batches), minlength=n)
    for kind in (shown, ~shown) if shown.any() and shown.mean() < 0.5 else (np.ones(n, bool),):
        if kind.any():
            assert np.ptp(counts[kind]) <= 1


@pytest.mark.parametrize(("n", "steps"), [(1, 10), (8, 10), (80, 10), (81, 11), (800, 100)])
def test_small_sets_get_enough_steps_and_large_ones_enough_looks(n, steps):
    one = course(n)
    assert one.steps == steps
    assert one.epochs >= LEAST_LOOKS
    assert 0 <= one.steps * one.epochs - max(USUAL[2].steps, steps * LEAST_LOOKS) < steps
    assert course(n, epochs=3).epochs == 3


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_the_same_seed_gives_the_same_weights(precision):
    before, changes = torch.random.get_rng_state(), {"precision": precision}
    first, history = learned(changes=changes)
    again, repeated = learned(changes=changes)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.fingerprint() == again.fingerprint()
    assert history == repeated
    others = (learned(1, changes=changes)[0], learned(0, 1, changes=changes)[0])
    assert len({one.fingerprint() for one in (first, *others)}) == 3


def test_who_watches_sees_every_epoch_of_every_member():
    seen = []
    found, history = learned(
        changes={"members": 2, "epochs": 2}, progress=lambda *at: seen.append(at)
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(found.members) == 2
    assert len(history.losses) == 2
    alone, _ = learned(changes={"epochs": 2})
    first, other = (dict(m.named_parameters())["final.weight"] for m in found.members)
    assert torch.equal(first, alone.network.final.weight)
    assert not torch.equal(first, other)
    assert not any(m.training for m in found.members)


def test_the_best_epoch_is_kept():
    _, strokes = discs(6, 16, seed=2)
    upside_down = Strokes(strokes.rows, 1 - strokes.masks)  # the longer, the worse
    kept, history = learned(changes={"epochs": 9, "patience": 2}, validation=upside_down)
    assert history.kept == int(np.argmin(history.validation))
    assert len(history.losses) == history.kept + 3 < 9
    # An epoch that changes nothing measures again what was kept.
    _, again = learned(
        changes={"epochs": 1, "patience": 1, "warm_start": True, "learning_rate": 1e-12},
        validation=upside_down,
        previous=kept,
    )
    assert again.validation[0] == pytest.approx(min(history.validation), abs=1e-3)


def test_a_warm_start_goes_on():
    kept, _ = learned(changes={"epochs": 4})
    changes = {"learning_rate": 1e-12, "warm_start": True, "weight_decay": 0}
    warm, _ = learned(changes=changes, previous=kept)
    cold, _ = learned(changes=changes | {"warm_start": False}, previous=kept)
    torch.testing.assert_close(warm.network.final.weight, kept.network.final.weight)
    assert not torch.allclose(cold.network.final.weight, kept.network.final.weight)
    with pytest.raises(SpecError, match="warm_start"):
        learned(changes=changes | {"members": 2}, previous=kept)


def test_batches_can_be_changed_before_they_are_augmented():
    seen = []

    def paste(images, masks, positions, rng):
        seen.append((images.shape, masks.shape, float(rng.random())))
        return np.zeros_like(images), np.ones_like(masks)

    full, _ = learned(paste=paste, changes={"epochs": 6})
    assert len(seen) == 6 * LEAST_STEPS
    assert seen[0][:2] == ((6, 1, 16, 16), (6, 16, 16))
    assert len({draw for *_, draw in seen}) == len(seen)
    inputs, strokes = discs(6, 16, seed=2)
    assert foreground_dice(full, inputs, strokes)[1] == 1  # it has learned that all is foreground


def test_without_augmentation_training_goes_another_way():
    plain, _ = learned(changes={"augment": False})
    assert plain.fingerprint() != learned()[0].fingerprint()
    assert learned(flips=False)[0].fingerprint() != learned()[0].fingerprint()


def test_nothing_to_learn_from_is_an_error():
    with pytest.raises(DataError, match="outlined"):
        learned(n=0)


def test_several_devices_are_refused():
    with pytest.raises(SpecError, match=r"train\.devices"):
        learned(changes={"devices": 2})


def test_a_single_empty_sample_can_be_learned_from():
    found, history = learned(n=1, changes={"epochs": 20, "learning_rate": 1e-2})
    assert np.isfinite(history.losses).all()
    assert foreground_dice(found, *discs(4, 16, seed=3, empty=1))[1] == 0


@pytest.mark.parametrize(("dimensions", "side", "least"), [(2, 24, 0.85), (3, 16, 0.7)])
def test_it_learns_to_outline(dimensions, side, least):
    found, history = trained(dimensions)
    dice, false_alarms = foreground_dice(found, *discs(20, side, dimensions, seed=5))
    assert dice > least
    assert false_alarms <= 0.2
    assert history.losses[-1] < history.losses[0] / 2


def test_training_sees_cuts_where_the_spec_asks_for_them():
    inputs, strokes = discs(6, 16, seed=2)
    spec = TrainSpec(epochs=1, precision="32", accelerator="cpu")
    seen = []

    def weights(crop):
        segment = SMALL.model_copy(update={"crop": crop})
        network = learn_segmenter(inputs, strokes, segment, ModelSpec(), spec, 0, 0)[0].network
        seen.append([p.detach().clone() for p in network.parameters()])

    for crop in (None, 8, 8, 16):
        weights(crop)
    plain, cut, again, whole = seen
    assert all(torch.equal(a, b) for a, b in zip(cut, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(plain, cut, strict=True))
    # A cut as large as the picture is the picture.
    assert all(torch.equal(a, b) for a, b in zip(plain, whole, strict=True))
