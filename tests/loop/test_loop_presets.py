"""Presets on data of any size: as published where that is possible, in proportion elsewhere."""

import pytest

from foveal.core.errors import DataError, SpecError
from foveal.core.preset import parse_preset
from foveal.core.spec import parse_spec
from foveal.loop.presets import Material, settings_of, with_labels

PLAIN = parse_preset(
    {
        "name": "plain",
        "title": "Plain",
        "paper": "A paper",
        "sizes": {"seed_set": 150, "budget": 60, "rounds": 7},
        "settings": {"model": {"mode": "features"}},
        "full": {"model.mode": "full", "train.epochs": 9},
        "published": [],
        "protocol": [],
        "not_public": [],
    }
)
REGIONS = PLAIN.model_copy(update={"needs": "regions"})
RARE = parse_preset(
    PLAIN.model_dump()
    | {
        "needs": "rare",
        "sizes": {"budget": 20, "rounds": 5, "share": 1.0},
        "imbalance": {
            "common": {"seed": 100, "train": 1150, "val": 20},
            "rare": {"seed": 5, "train": 58, "val": 20},
        },
    }
)


def material(train, val=None, regions=None):
    candidates = sum(train.values())
    return Material(
        "lungs",
        {"unlabeled": train, "val": val or dict.fromkeys(train, 30), "test": train},
        candidates,
        candidates if regions is None else regions,
    )


def sizes(settings):
    return settings["seed_set"], settings["budget"]


def test_a_large_pool_gets_the_study_as_published():
    settings = settings_of(PLAIN, material({"a": 5000}), "labels.csv")
    assert sizes(settings) == (150, 60)
    assert with_labels(settings, 7)["labels"] == 570
    assert settings["data"]["source"] == "labels.csv"


def test_a_small_pool_gets_a_smaller_one_of_the_same_shape():
    settings = settings_of(PLAIN, material({"a": 300, "b": 270}), "x")
    assert sizes(settings) == (75, 30)
    assert with_labels(settings, 7)["labels"] == 285  # half of the candidates, as `share` says


def test_labels_that_are_given_stay():
    assert with_labels({"seed_set": 5, "budget": 5, "labels": 7}, 3)["labels"] == 7
    assert with_labels({"seed_counts": {"a": 4, "b": 2}, "budget": 5}, 2)["labels"] == 16


def test_the_mode_decides_about_the_network():
    features = settings_of(PLAIN, material({"a": 900}), "x")
    full = settings_of(PLAIN, material({"a": 900}), "x", "full")
    assert (features["model"]["mode"], full["model"]["mode"]) == ("features", "full")
    assert full["train"] == {"epochs": 9}
    assert PLAIN.settings == {"model": {"mode": "features"}}  # and the preset is as it was


def test_regions_are_needed_of_every_candidate():
    assert settings_of(REGIONS, material({"a": 900}), "x")
    with pytest.raises(DataError, match=r"1 of 900 candidates of 'lungs' have none"):
        settings_of(REGIONS, material({"a": 900}, regions=899), "x")


def test_rare_classes_become_rare_as_published():
    settings = settings_of(RARE, material({"0": 1200, "1": 3000}), "x", rare=["1"])
    assert settings["seed_counts"] == {"0": 100, "1": 5}
    assert settings["data"]["keep"]["train"] == {"0": 1150, "1": 58}
    assert settings["data"]["keep"]["val"] == {"0": 20, "1": 20}
    assert settings["acquire"]["target"]["classes"] == ["1"]
    assert with_labels(settings, 5)["labels"] == 205
    parse_spec(settings)


def test_where_common_classes_are_small_what_is_rare_stays_as_rare():
    have = material({"0": 115, "1": 3000}, val={"0": 4, "1": 30})
    settings = settings_of(RARE, have, "x", rare=["1"])
    assert settings["data"]["keep"]["train"] == {"0": 115, "1": 6}
    assert settings["seed_counts"] == {"0": 10, "1": 1}
    assert settings["data"]["keep"]["val"] == {"0": 4, "1": 4}
    assert settings["budget"] == 2  # as much of the pool as published


def test_one_small_class_does_not_make_the_others_small():
    have = material({"0": 1150, "1": 230, "2": 40, "3": 500})
    settings = settings_of(RARE, have, "x", rare=["2", "3"])
    assert settings["data"]["keep"]["train"] == {"0": 1150, "1": 230, "2": 35, "3": 35}
    assert settings["seed_counts"] == {"0": 100, "1": 20, "2": 3, "3": 3}
    assert settings["budget"] == 20


def test_something_rare_is_always_left_to_find():
    settings = settings_of(RARE, material({"0": 12, "1": 12}), "x", rare=["1"])
    assert settings["data"]["keep"]["train"]["1"] > settings["seed_counts"]["1"]
    with pytest.raises(DataError, match="class '1' of 'lungs' must have 3 candidates or more"):
        settings_of(RARE, material({"0": 12, "1": 2}), "x", rare=["1"])


@pytest.mark.parametrize(
    ("rare", "told"),
    [
        ([], r"none is named; name it with --rare.*normal, pneumonia"),
        (["pneumona"], "no class 'pneumona'. Did you mean 'pneumonia'"),
        (["normal", "pneumonia"], "not all classes of 'lungs' can be rare"),
    ],
)
def test_the_rare_class_must_be_named(rare, told):
    with pytest.raises(SpecError, match=told):
        settings_of(RARE, material({"normal": 90, "pneumonia": 90}), "x", rare=rare)


def test_exemplars_need_a_validation_part_with_every_class():
    have = material({"0": 90, "1": 90}, val={"0": 9, "1": 0})
    with pytest.raises(DataError, match=r"validation part.*'lungs' lacks a class"):
        settings_of(RARE, have, "x", rare=["1"])


LEFT_OUT = parse_preset(
    PLAIN.model_dump()
    | {
        "leave_one_out": True,
        "sizes": {"budget": 50, "rounds": 5, "first_share": 0.02, "share": 0.3},
    }
)


def test_where_patients_are_left_out_sizes_fit_the_fold_with_fewest_candidates():
    patients = {"a": 43, "b": 43, "c": 50, "d": 45}
    given = Material("scans", {}, 120, 120, patients)
    settings = settings_of(LEFT_OUT, given, "pairs.csv")
    assert settings["data"]["folds"] == 4
    fewest = sum(patients.values()) - 50
    assert settings["seed_set"] == round(0.02 * fewest)
    last = with_labels(settings, 5)["labels"]
    assert 0.25 * fewest < last <= 0.3 * fewest + 3  # each round is rounded


def test_of_one_patient_none_can_be_left_out():
    with pytest.raises(DataError, match="leaves one patient out"):
        settings_of(LEFT_OUT, Material("scans", {}, 9, 9, {"a": 9}), "pairs.csv")
