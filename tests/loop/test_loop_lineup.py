"""Line-up: baselines that are always there, and arms that differ in nothing they may not."""

from pathlib import Path

import pytest

from discs import disc_settings
from foveal.core.errors import SpecError
from foveal.core.spec import parse_spec, with_settings
from foveal.loop import arms_of, runs_of, with_baselines

BASELINES = ["random", "stratified_random", "foreground_random"]
STUDY = Path("study")
NO_REGIONS = {"regions.source": "none", "regions.annotate": "none"}


def lined_up(settings):
    """Arm to spec."""
    whole = with_baselines(settings)
    return {run.arm: run.spec for run in runs_of(whole, STUDY) if run.spec.seed == 0}


def test_the_baselines_join_and_differ_from_the_spec_in_the_strategy_alone():
    settings = disc_settings(acquire__parameters={"weight": 0.3}, train__explanation_weight=2)
    found = lined_up(settings)
    assert list(found) == ["eg_al", *BASELINES]
    own = found["eg_al"]
    assert own == parse_spec(settings)
    for name in BASELINES:
        acquire = own.acquire.model_copy(update={"strategy": name, "parameters": {}})
        assert found[name] == own.model_copy(update={"acquire": acquire})


def test_an_arm_that_has_the_strategy_counts_whatever_it_is_called():
    arms = [
        {"name": "chance", "set": {"acquire.strategy": "random", "regions.source": "none"}},
        {"name": "by class", "set": {"acquire.strategy": "stratified_random"}},
        {"name": "ours", "set": {}},
    ]
    found = lined_up(disc_settings() | {"arms": arms})
    assert list(found) == ["chance", "by class", "ours", "foreground_random"]
    assert list(lined_up(disc_settings() | {"arms": arms_of(BASELINES)})) == BASELINES


def test_without_regions_there_is_no_foreground():
    settings = with_settings(disc_settings(acquire__strategy="entropy"), NO_REGIONS)
    assert list(lined_up(settings)) == ["entropy", "random", "stratified_random"]


@pytest.mark.parametrize(
    ("base", "arm", "source", "annotate"),
    [
        ({"regions.source": "atlas"}, {}, "atlas", "mask"),
        ({"regions.source": "oracle"}, {}, "predicted", "mask"),
        ({"regions.source": "none", "regions.annotate": "box"}, {}, "predicted", "box"),
        (NO_REGIONS, {"regions.source": "weak"}, "weak", "none"),
        (NO_REGIONS, {"regions.annotate": "mask"}, "predicted", "mask"),
        (
            {"regions.source": "oracle"},
            {"regions.source": "atlas", "regions.annotate": "box"},
            "atlas",
            "box",
        ),
    ],
)
def test_foreground_aware_random_expects_honest_regions(base, arm, source, annotate):
    settings = with_settings(disc_settings(acquire__strategy="entropy"), base)
    found = lined_up(settings | {"arms": [{"name": "one", "set": arm}]})["foreground_random"]
    assert (found.regions.source, found.regions.annotate) == (source, annotate)


def test_a_segmenter_outlines_its_foreground_by_itself():
    outlined = {"task": "segmentation", "data": {"source": "a.csv"}, "labels": 90}
    found = lined_up(outlined | {"acquire": {"strategy": "pixel_entropy"}})
    assert list(found) == ["pixel_entropy", *BASELINES]
    assert {spec.regions for spec in found.values()} == {found["pixel_entropy"].regions}


def test_they_can_be_left_out():
    settings = disc_settings(baselines=False)
    assert with_baselines(settings) == settings
    assert list(lined_up(settings)) == ["eg_al"]


def test_a_baseline_never_takes_the_folder_of_an_arm():
    arms = [{"name": "Random", "set": {"acquire.strategy": "entropy"}}]
    alone = {r.arm: r.folder for r in runs_of(disc_settings() | {"arms": arms}, STUDY)}
    whole = runs_of(with_baselines(disc_settings() | {"arms": arms}), STUDY)
    folders = {run.arm: run.folder for run in whole}
    assert folders["Random"] == alone["Random"]
    assert folders["random (baseline)"].name == "random-baseline-seed0"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": 12}, "`labels` to 12: areas under curves of different length"),
        ({"budget": 3}, "`budget` to 3: smaller batches"),
        ({"budget_seconds": 300.0}, "smaller batches"),
        ({"seed_set": 4}, "start from the same labels"),
        ({"seed_counts": {"disc": 3, "square": 3}}, "start from the same labels"),
        ({"seeds": 2}, "seed by seed"),
        ({"seed": 2}, "seed by seed"),
        ({"data.image_size": 32}, "`data.image_size` to 32: scores on other images"),
        ({"cost.mask_seconds": 1.0}, "expert minutes"),
        ({"report.subgroups": ["site"]}, "about the whole comparison"),
        ({"task": "segmentation"}, "metrics of different tasks"),
        ({"acquire.unit": "volume"}, "`acquire.unit` to 'volume': all arms must start from"),
        ({"acquire": {"unit": "volume"}}, "start from the same labels"),
    ],
)
def test_what_all_arms_must_share_no_arm_may_change(change, reason):
    arms = [{"name": "fair", "set": {}}, {"name": "other", "set": change}]
    with pytest.raises(SpecError, match="arm 'other'") as error:
        runs_of(disc_settings() | {"arms": arms}, STUDY)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": 15},  # what the spec says anyway
        {"train.epochs": 1},
        {"regions.annotate": "box"},
        {"model.dropout": 0.5},
        {"acquire.per_group": 1},
        {"acquire.per_group_total": 3},
        {"cold_start": "typiclust"},
        {"annotator.kind": "noisy"},
    ],
)
def test_what_is_being_compared_may_differ(change):
    arms = [{"name": "fair", "set": {}}, {"name": "other", "set": change}]
    assert len(runs_of(disc_settings() | {"arms": arms}, STUDY)) == 2
