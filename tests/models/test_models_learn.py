"""One round of learning, from lessons to a learner."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from model_toys import CHANNELS, CLASSES, Memory, planted, same, tiny_backbone, weights

from foveal.core.spec import ModelSpec, TrainSpec
from foveal.explain.alignment import soft_dice
from foveal.models import Lessons, expected_regions, learn, maps, predict

MODEL = ModelSpec(adapter=8)
SPEC = TrainSpec(epochs=20, learning_rate=0.01, accelerator="cpu")


def taught(toy=None, spec=SPEC, source="none", seed=0, round_number=0, model=MODEL, **more):
    inputs, lessons = toy or planted(24)
    made, _ = learn(
        inputs, lessons, CLASSES, model, spec, source, seed, round_number, CHANNELS, **more
    )
    return made


def test_a_round_can_be_repeated_alone():
    first, again = taught(source="predicted"), taught(source="predicted")
    assert first.fingerprint() == again.fingerprint()


@pytest.mark.parametrize("other", [{"seed": 1}, {"round_number": 1}])
def test_another_seed_or_round_starts_elsewhere(other):
    assert taught().fingerprint() != taught(**other).fingerprint()


def test_what_the_caller_drew_before_does_not_matter_and_is_given_back():
    torch.manual_seed(123)
    before = torch.get_rng_state()
    first = taught(source="predicted")
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert taught(source="predicted").fingerprint() == first.fingerprint()


@pytest.mark.parametrize(
    ("source", "has"), [("none", ""), ("predicted", "head"), ("atlas", "atlas"), ("weak", "")]
)
def test_a_learner_has_what_its_source_of_regions_needs(source, has):
    made = taught(source=source)
    assert (made.region_head is not None) is (has == "head")
    assert (made.atlas is not None) is (has == "atlas")
    assert made.classes == CLASSES
    assert not made.network.training


def test_predicted_regions_find_planted_discs_in_images_never_seen():
    made = taught(planted(300), source="predicted")
    inputs, lessons = planted(40, seed=9)
    size = lessons.regions.shape[1:]
    _, found = maps(made, inputs, np.arange(40), size, expected_regions(made))
    assert soft_dice(torch.from_numpy(found), torch.from_numpy(lessons.regions)).mean() > 0.6


@pytest.mark.parametrize("source", ["predicted", "atlas"])
@pytest.mark.parametrize("bought", [0, 1])
def test_too_few_regions_expect_nothing_or_little(source, bought):
    inputs, lessons = planted(12)
    few = replace(lessons, bought=np.arange(12) < bought)
    made = taught((inputs, few), source=source)
    assert made.region_head is None
    assert (made.atlas is not None) is (source == "atlas" and bought == 1)
    assert (expected_regions(made) is None) is (made.atlas is None)


def test_an_atlas_is_the_mean_of_what_was_bought():
    inputs, lessons = planted(12)
    bought = np.arange(12) < 8
    atlas = taught((inputs, replace(lessons, bought=bought)), source="atlas").atlas
    for c in (0, 1):
        want = lessons.regions[bought & (lessons.labels == c)].mean(0)
        np.testing.assert_allclose(atlas[c], want, atol=1e-6)


def test_many_regions_are_taken_in_parts():
    inputs, lessons = planted(150)
    spec = SPEC.model_copy(update={"epochs": 1})
    atlas = taught((inputs, lessons), spec, source="atlas").atlas
    np.testing.assert_allclose(atlas[0], lessons.regions[::2].mean(0), atol=1e-5)


def test_a_warm_start_takes_the_last_learner_and_a_cold_one_does_not():
    warm = SPEC.model_copy(update={"warm_start": True, "epochs": 1, "learning_rate": 1e-9})
    cold = warm.model_copy(update={"warm_start": False})
    last = taught()
    further = taught(spec=warm, round_number=1, previous=last)
    anew = taught(spec=cold, round_number=1, previous=last)
    torch.testing.assert_close(further.network.adapter.weight, last.network.adapter.weight)
    assert not torch.allclose(anew.network.adapter.weight, last.network.adapter.weight, atol=0.01)
    # The first round has nobody to start from, and standardizes its features.
    assert same(weights(taught(spec=warm).network), weights(taught(spec=cold).network))


def test_in_full_mode_images_go_all_the_way():
    rng = np.random.default_rng(0)
    images = Memory(rng.random((8, 1, 64, 64)))
    regions = np.zeros((8, 64, 64), np.float32)
    regions[:, :32] = 1
    lessons = Lessons(np.arange(8), np.arange(8) % 2, regions, np.ones(8, bool))
    model = ModelSpec(mode="full", adapter=8)
    spec = TrainSpec(epochs=2, accelerator="cpu", precision="32")
    made = taught((images, lessons), spec, "predicted", model=model, backbone=tiny_backbone)
    evidence = predict(
        made,
        images,
        np.arange(8),
        tuple("abcdefgh"),
        ("probs", "misalignment"),
        expected_regions(made),
    )
    assert ((evidence.arrays["misalignment"] >= 0) & (evidence.arrays["misalignment"] <= 1)).all()
    assert made.network.backbone is not None


def test_validation_and_progress_are_passed_on():
    inputs, lessons = planted(24)
    told = []
    spec = SPEC.model_copy(update={"patience": 1, "epochs": 40})
    _, history = learn(
        inputs, lessons, CLASSES, MODEL, spec, "none", 0, 0, CHANNELS,
        validation=lessons, progress=lambda *at: told.append(at),
    )  # fmt: skip
    assert len(history.validation) == len(told) == len(history.losses)
