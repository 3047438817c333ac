"""What a run cannot fill is heard before it trains, with the setting that would fill it."""

import pytest

from foveal.core.errors import EvidenceError, SpecError
from foveal.core.evidence import PIXELWISE
from foveal.core.spec import ViewSpec, check_views, parse_spec, with_settings
from foveal.models import check_needs
from foveal.models.fills import FILLS
from foveal.models.needs import CLASSWISE, KNOWN, SEGMENT_SWITCHES, SEGMENTED, SWITCHES
from foveal.models.predict import COMPARED, SIDES


def spec(**changes):
    return parse_spec(with_settings({"data": {"source": "x.csv"}}, changes))


def test_everything_known_is_filled_in_one_place():
    assert set(FILLS) | set(SIDES) | COMPARED == KNOWN
    assert len(FILLS) + len(SIDES) + len(COMPARED) == len(KNOWN)
    assert set(SWITCHES) - KNOWN == {"head_weight", "head_bias"}


@pytest.mark.parametrize(
    ("need", "off", "on", "remedy"),
    [
        ("mc_probs", {}, {"model.dropout": 0.5}, "model.dropout"),
        ("mc_probs", {}, {"train.members": 2}, "train.members"),
        (
            "mc_probs",
            {"model.dropout": 0.5, "train.draws": 1},
            {"model.dropout": 0.5, "train.draws": 2},
            "train.draws",
        ),
        (
            "view_probs",
            {"data.laterality": True},
            {"data.laterality": True, "acquire.views.kind": "noise"},
            "acquire.views.kind: noise",
        ),
        ("view_probs", {"data.laterality": True}, {}, "data.laterality"),
        ("misalignment", {"regions.source": "none"}, {}, "regions.source"),
        ("region_size", {"regions.source": "none"}, {"regions.source": "atlas"}, "regions.source"),
        ("head_weight", {"model.head": "prototype"}, {}, "model.head"),
        ("head_bias", {"model.head": "prototype"}, {}, "model.head"),
    ],
)
def test_what_is_not_switched_on_is_told(need, off, on, remedy):
    with pytest.raises((EvidenceError, SpecError), match=remedy):
        check_needs(["probs", need], spec(**off))
    check_needs(["probs", need], spec(**on))


def test_an_ensemble_needs_no_draws():
    check_needs(["mc_probs"], spec(**{"train.members": 2, "train.draws": 1}))


def test_what_needs_no_switch_passes():
    check_needs(KNOWN - SWITCHES.keys() | {"residual", "labeled_embedding"}, spec())


def test_sides_of_a_body_matter_only_to_those_who_flip():
    sided = {"data.laterality": True}
    with pytest.raises(SpecError, match=r"set `acquire\.views\.kind: noise`"):
        check_views(spec(**sided))
    check_views(spec())
    check_views(spec(**sided, **{"acquire.views.kind": "noise"}))
    check_needs(["probs"], spec(**sided))


@pytest.mark.parametrize("need", sorted(PIXELWISE))
def test_scores_over_pixels_need_the_task_that_makes_them(need):
    with pytest.raises(EvidenceError, match=f"`{need}` .* needs task: segmentation"):
        check_needs([need], spec())
    check_needs([need], spec(task="segmentation", **{"model.dropout": 0.2}))


@pytest.mark.parametrize("need", sorted(CLASSWISE))
def test_what_comes_from_a_network_for_classes_is_refused_where_pixels_are_told_apart(need):
    with pytest.raises(EvidenceError, match=f"`{need}` .* needs task: classification"):
        check_needs([need], spec(task="segmentation", **{"model.dropout": 0.2}))


def test_what_both_tasks_fill_needs_no_switch_of_the_other():
    both = SEGMENTED - PIXELWISE
    assert both == {"probs", "embedding", "backbone_embedding", "region_size"}
    check_needs(both, spec(task="segmentation", **{"regions.source": "none"}))
    assert set(SEGMENT_SWITCHES) < SEGMENTED


@pytest.mark.parametrize(
    ("need", "off", "on", "remedy"),
    [
        ("pixel_bald", {}, {"model.dropout": 0.2}, "`pixel_bald` needs .* `model.dropout`"),
        ("pixel_bald", {}, {"train.members": 3}, "train.members"),
        (
            "pixel_view_variance",
            {"data.laterality": True},
            {"data.laterality": True, "acquire.views.kind": "noise"},
            "acquire.views.kind: noise",
        ),
    ],
)
def test_what_a_score_over_pixels_needs_switched_on_is_told(need, off, on, remedy):
    with pytest.raises((EvidenceError, SpecError), match=remedy):
        check_needs([need], spec(task="segmentation", **off))
    check_needs([need], spec(task="segmentation", **on))


@pytest.mark.parametrize("views", [1, 5])
def test_a_view_too_few_or_too_many_is_told(views):
    with pytest.raises(SpecError, match="views"):
        spec(**{"acquire.views.views": views})
    if views > 1:
        assert ViewSpec(kind="noise", views=views).views == views


@pytest.mark.parametrize(
    "wrong", [{"model.dropout": 1.0}, {"train.members": 0}, {"acquire.views.noise": 0}]
)
def test_settings_that_make_no_sense_are_told(wrong):
    with pytest.raises(SpecError):
        spec(**wrong)
