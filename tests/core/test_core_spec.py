"""Specs: a misspelt key is heard at every depth, and nothing is ever changed in place."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from foveal.core.errors import SpecError
from foveal.core.spec import ExperimentSpec, parse_spec, settled, with_settings

PLAIN = {"data": {"source": "labels.csv"}}
SECTIONS = {
    name: field.annotation
    for name, field in ExperimentSpec.model_fields.items()
    if hasattr(field.annotation, "model_fields")
}
KEYS = sorted(
    [(name,) for name in ExperimentSpec.model_fields]
    + [(section, name) for section, spec in SECTIONS.items() for name in spec.model_fields]
)


def spec_with(**changes):
    return parse_spec(with_settings(PLAIN, {k.replace("__", "."): v for k, v in changes.items()}))


@pytest.mark.parametrize("path", KEYS, ids=".".join)
def test_a_misspelt_key_is_named_with_the_right_one(path):
    *above, right = path
    wrong = right[:-1] + "x" + right[-1]
    with pytest.raises(SpecError) as error:
        parse_spec(with_settings(PLAIN, {".".join([*above, wrong]): 1}))
    assert f"unknown key `{'.'.join([*above, wrong])}`. Did you mean '{right}'?" in str(error.value)


def test_a_misspelt_key_of_an_arm_is_named_too():
    with pytest.raises(SpecError, match=r"unknown key `arms.0.nmae`. Did you mean 'name'\?"):
        spec_with(arms=[{"nmae": "x"}])


def test_every_error_of_a_spec_is_told_at_once():
    with pytest.raises(SpecError) as error:
        parse_spec({"data": {"image_size": 5}, "budgte": 3, "train": {"epochs": 0}})
    for expected in ("`data.source` is missing", "`data.image_size`", "budgte", "`train.epochs`"):
        assert expected in str(error.value)
    assert "pydantic" not in str(error.value)


@pytest.mark.parametrize(
    "settings", [[], "text", None, {}, {"data": []}, {"data": None}, {**PLAIN, 3: 4}]
)
def test_what_is_no_spec_is_a_spec_error(settings):
    with pytest.raises(SpecError):
        parse_spec(settings)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed_set", 0),
        ("budget", -1),
        ("labels", 2.5),
        ("seed", -1),
        ("seeds", 0),
        ("name", ""),
        ("data.image_size", 15),
        ("data.image_size", 2049),
        ("data.fit", "crop"),
        ("data.test_fraction", 1.5),
        ("model.output_stride", 4),
        ("model.temperature", 0),
        ("train.learning_rate", 0),
        ("train.learning_rate", float("nan")),
        ("train.weight_decay", float("inf")),
        ("train.devices", 0),
        ("regions.source", "guess"),
        ("acquire.measure", "dise"),
        ("acquire.per_group", 0),
        ("annotator.class_error", -0.1),
        ("cost.mask_seconds", -1),
    ],
)
def test_values_out_of_range_are_named_with_what_was_given(key, value):
    with pytest.raises(SpecError) as error:
        parse_spec(with_settings(PLAIN, {key: value}))
    assert f"`{key}`" in str(error.value)
    assert repr(value) in str(error.value)


def test_defaults_are_the_documented_ones():
    spec = parse_spec(PLAIN)
    assert (spec.seed_set, spec.budget, spec.labels, spec.seed, spec.seeds) == (30, 30, 300, 0, 1)
    assert (spec.acquire.strategy, spec.regions.source, spec.regions.annotate) == (
        "variance_reduction",
        "predicted",
        "box",
    )
    assert (spec.model.backbone, spec.model.mode) == ("mobilenet_v2", "features")


def test_a_spec_survives_its_own_json():
    spec = spec_with(train__epochs=3, arms=[{"name": "a", "set": {"seed_set": 3}}])
    assert parse_spec(spec.model_dump(mode="json")) == spec


def test_a_spec_cannot_be_changed():
    with pytest.raises(ValidationError):
        parse_spec(PLAIN).budget = 3


@pytest.mark.parametrize(
    "settings",
    [{}, {"seed_counts": {"a": 3, "b": 2}}, {"budget_seconds": 60}, {"cold_start": "typiclust"}],
)
def test_a_stored_spec_is_read_back(settings):
    spec = spec_with(**settings)
    assert parse_spec(spec.model_dump(mode="json")) == spec


def test_seconds_of_a_batch_buy_one_class_at_least():
    assert spec_with(budget_seconds=10).budget_seconds == 10
    with pytest.raises(SpecError, match=r"`budget_seconds` \(9\) must be at least"):
        spec_with(budget_seconds=9)


@given(st.integers(1, 50), st.integers(1, 50))
def test_the_seed_set_fits_into_the_labels(seed_set, labels):
    if labels < seed_set:
        with pytest.raises(SpecError, match=rf"`labels` \({labels}\) must be at least `seed_set`"):
            spec_with(seed_set=seed_set, labels=labels)
    else:
        spec_with(seed_set=seed_set, labels=labels)


def test_names_of_arms_differ():
    with pytest.raises(SpecError, match="names of `arms` must differ"):
        spec_with(arms=[{"name": "a"}, {"name": "a"}])


@pytest.mark.parametrize("source", ["predicted", "atlas", "weak", "oracle", "none"])
@pytest.mark.parametrize("annotate", ["none", "box", "mask"])
def test_what_learns_from_regions_must_buy_some(source, annotate):
    learns = source in ("predicted", "atlas")
    if learns and annotate == "none":
        with pytest.raises(SpecError, match=rf"`regions.source: {source}` learns from bought"):
            spec_with(regions__source=source, regions__annotate=annotate)
    else:
        spec_with(regions__source=source, regions__annotate=annotate)


def test_an_explanation_loss_needs_regions():
    with pytest.raises(SpecError, match=r"`train.explanation_weight` needs regions"):
        spec_with(train__explanation_weight=1, regions__source="none", regions__annotate="none")
    with pytest.raises(SpecError, match=r"`train.region_weight` needs regions"):
        spec_with(train__region_weight=1, regions__source="none", regions__annotate="none")


WORDS = st.sampled_from("abc")
nested = st.recursive(
    st.integers(), lambda below: st.dictionaries(WORDS, below, max_size=3), max_leaves=8
)
settings_ = st.dictionaries(WORDS, nested, max_size=3)
changes_ = st.dictionaries(
    st.lists(WORDS, min_size=1, max_size=3).map(".".join), st.integers(), max_size=4
)


@given(settings_, changes_)
def test_settings_are_copied_not_changed(settings, changes):
    before = copy.deepcopy(settings)
    with_settings(settings, changes)
    assert settings == before


@given(settings_, st.lists(WORDS, min_size=1, max_size=3), st.integers())
def test_a_dotted_key_sets_its_place_and_no_other(settings, path, value):
    result = with_settings(settings, {".".join(path): value})
    place, old = result, settings
    for key in path[:-1]:
        below = old.get(key) if isinstance(old, dict) else None
        assert {k: v for k, v in place.items() if k != key} == (
            {k: v for k, v in old.items() if k != key} if isinstance(old, dict) else {}
        )
        place, old = place[key], below
    assert place[path[-1]] == value


def test_changes_do_not_reach_the_settings_they_came_from():
    settings = {"train": {"epochs": 3}}
    first = with_settings(settings, {"train.epochs": 5})
    second = with_settings(first, {"train.epochs": 7})
    assert (settings["train"]["epochs"], first["train"]["epochs"]) == (3, 5)
    assert second["train"]["epochs"] == 7


@pytest.mark.parametrize(
    ("changes", "taught"),
    [
        ({}, (2, 1, "attention")),
        ({"regions__annotate": "mask"}, (2, 1, "attention")),
        ({"regions__annotate": "none", "regions__source": "none"}, (0, 0, "mean")),
        ({"model__mode": "full"}, (2, 0, "mean")),
        ({"train__region_weight": 0}, (2, 0, "mean")),
        ({"train__region_weight": 0.5}, (2, 0.5, "mean")),
        ({"train__explanation_weight": 0}, (0, 1, "attention")),
        ({"model__pooling": "mean"}, (2, 1, "mean")),
        ({"model__mode": "full", "train__region_weight": 3}, (2, 3, "mean")),
    ],
)
def test_how_regions_teach_is_settled_where_the_spec_leaves_it_open(changes, taught):
    spec = spec_with(**changes)
    found = settled(spec)
    assert (found.train.explanation_weight, found.train.region_weight) == taught[:2]
    assert found.model.pooling == taught[2]
    assert settled(found) == found


@pytest.mark.parametrize(
    "changes", [{"train__region_weight": 0}, {"model__mode": "full"}, {"regions__annotate": "none"}]
)
def test_attention_is_refused_where_nothing_is_outlined(changes):
    with pytest.raises(SpecError, match="attention"):
        spec_with(model__pooling="attention", regions__source="none", **changes)
