"""What a run cannot fill is heard before it trains, with the setting that would fill it."""

import pytest

from foveal.core.errors import EvidenceError, SpecError
from foveal.core.spec import parse_spec, with_settings
from foveal.models.needs import SEGMENT_SWITCHES, check_needs
from foveal.models.segment.fills import FILLS


def spec(**changes):
    return parse_spec(with_settings({"task": "segmentation", "data": {"source": "x.csv"}}, changes))


def test_only_what_is_filled_can_be_switched_on():
    assert SEGMENT_SWITCHES.keys() <= FILLS.keys()


@pytest.mark.parametrize("need", ["pixel_bald", "released_bald"])
@pytest.mark.parametrize(
    ("off", "on", "remedy"),
    [
        ({}, {"model.dropout": 0.2}, "model.dropout"),
        ({}, {"train.members": 2}, "train.members"),
        (
            {"model.dropout": 0.2, "train.draws": 1},
            {"model.dropout": 0.2, "train.draws": 2},
            "train.draws",
        ),
    ],
)
def test_draws_need_dropout_or_members(need, off, on, remedy):
    with pytest.raises(EvidenceError, match=remedy):
        check_needs({need, "pixel_entropy"}, spec(**off))
    check_needs({need, "pixel_entropy"}, spec(**on))


def test_flips_where_sides_matter_are_refused():
    sided = {"data.laterality": True}
    with pytest.raises(SpecError, match="laterality"):
        check_needs({"pixel_view_variance"}, spec(**sided))
    check_needs({"pixel_view_variance"}, spec(**sided, **{"acquire.views.kind": "noise"}))
    check_needs({"pixel_entropy", "what_nobody_knows"}, spec(**sided))
