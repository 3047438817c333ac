"""One round of learning, from lessons to a learner."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from model_toys import CHANNELS, CLASSES, Memory, planted, same, tiny_backbone, weights

from foveal.core.spec import ModelSpec, TrainSpec
from foveal.explain.alignment import soft_dice
from foveal.models import Lessons, expected_regions, learn, maps, predict
from foveal.models.regions import AtlasRegions

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


OUTLINING = SPEC.model_copy(update={"region_weight": 1.0})


def test_a_network_that_outlines_finds_planted_discs_and_needs_no_other_head():
    made = taught(planted(300), OUTLINING, source="predicted")
    inputs, lessons = planted(40, seed=9)
    size = lessons.regions.shape[1:]
    _, found = maps(made, inputs, np.arange(40), size, expected_regions(made))
    assert made.region_head is None
    assert soft_dice(torch.from_numpy(found), torch.from_numpy(lessons.regions)).mean() > 0.6


def test_it_also_learns_its_classes_and_begins_as_one_that_does_not_outline():
    untrained = OUTLINING.model_copy(update={"learning_rate": 1e-12})
    plain = SPEC.model_copy(update={"learning_rate": 1e-12})
    one, other = weights(taught(spec=untrained).network), weights(taught(spec=plain).network)
    assert all(torch.allclose(one[name], value, atol=1e-6) for name, value in other.items())
    inputs, lessons = planted(300)
    made = taught((inputs, lessons), OUTLINING)
    probs = predict(made, inputs, lessons.rows, lessons.rows.astype(str), ("probs",)).arrays
    assert (probs["probs"].argmax(1) == lessons.labels).mean() > 0.95


def test_an_atlas_stays_an_atlas_where_the_network_outlines():
    made = taught(spec=OUTLINING, source="atlas")
    assert isinstance(expected_regions(made), AtlasRegions)


@pytest.mark.parametrize("bought", [0, 1])
def test_a_network_does_not_outline_before_it_has_seen_some(bought):
    inputs, lessons = planted(12)
    few = replace(lessons, bought=np.arange(12) < bought)
    assert expected_regions(taught((inputs, few), OUTLINING, source="predicted")) is None


def test_a_warm_start_takes_up_outlining_with_the_first_regions():
    inputs, lessons = planted(24)
    warm = OUTLINING.model_copy(update={"warm_start": True})
    none = replace(lessons, bought=np.zeros(24, bool))
    before = taught((inputs, none), warm)
    after = taught((inputs, lessons), warm, round_number=1, previous=before)
    assert before.network.outline is None
    assert after.network.outline is not None


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


def members(count, **changes):
    return SPEC.model_copy(update={"members": count, **changes})


def test_the_first_member_is_the_network_that_would_be_trained_alone():
    alone, many = taught(), taught(spec=members(3))
    assert same(weights(alone.network), weights(many.network))
    assert alone.others == ()
    assert alone.fingerprint() == taught(spec=members(1)).fingerprint()
    assert len({bytes(m.adapter.weight.detach().numpy()) for m in many.members}) == 3
    assert many.fingerprint() == taught(spec=members(3)).fingerprint()
    assert not any(m.training for m in many.members)


def test_what_the_first_member_learns_from_regions_does_not_depend_on_the_others():
    alone, many = taught(source="predicted"), taught(spec=members(2), source="predicted")
    assert same(weights(alone.region_head), weights(many.region_head))


def test_each_member_goes_on_where_it_stopped():
    last = taught(spec=members(2))
    warm = members(2, warm_start=True, epochs=1, learning_rate=1e-9)
    further = taught(spec=warm, round_number=1, previous=last)
    for before, after in zip(last.members, further.members, strict=True):
        torch.testing.assert_close(after.adapter.weight, before.adapter.weight)


def test_progress_counts_the_epochs_of_all_members():
    told = []
    taught(spec=members(3, epochs=2), progress=lambda *at: told.append(at))
    assert told == [(i, 6) for i in range(1, 7)]


@pytest.mark.parametrize("head", ["linear", "prototype"])
def test_with_dropout_the_classes_are_learned_too(head):
    inputs, lessons = planted(60)
    model = ModelSpec(adapter=32, dropout=0.5, head=head)
    made = taught((inputs, lessons), SPEC.model_copy(update={"epochs": 40}), model=model)
    new, held = planted(40, seed=9)
    ids = tuple(map(str, range(40)))
    found = predict(made, new, np.arange(40), ids, ("probs", "mc_probs"), draws=10).arrays
    assert (found["probs"].argmax(1) == held.labels).mean() > 0.8
    assert found["mc_probs"].std(0).max() > 0.01


@pytest.mark.parametrize("flips", [True, False])
def test_where_sides_matter_no_lesson_is_mirrored(flips, monkeypatch):
    asked = []

    def watched(images, regions, flips):
        asked.append(flips)
        return images, regions

    monkeypatch.setattr("foveal.models.train.augment", watched)
    images = Memory(np.random.default_rng(0).random((4, 1, 32, 32)))
    nothing = np.zeros((4, 32, 32), np.float32)
    lessons = Lessons(np.arange(4), np.arange(4) % 2, nothing, np.zeros(4, bool))
    spec = TrainSpec(epochs=1, accelerator="cpu", precision="32")
    full = ModelSpec(mode="full", adapter=8)
    taught((images, lessons), spec, model=full, backbone=tiny_backbone, flips=flips)
    assert asked == [flips]
