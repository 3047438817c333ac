"""A preset as a record: texts filled from settings, and likeness decided by them."""

import pytest

from foveal.core.errors import SpecError
from foveal.core.preset import Aspect, filled, parse_preset, same, setting

SPEC = {
    "budget": 60,
    "model": {"mode": "full", "dropout": 0.0},
    "data": {"keep": {"normal": 100, "rare": 5}},
    "classes": ["a", "b"],
}


def test_a_text_is_filled_from_the_settings():
    assert filled("{budget} a round, {model.mode}", SPEC) == "60 a round, full"
    assert filled("{model.depth.of}", SPEC) == "None"
    assert filled("{data.keep}; {classes}", SPEC) == "normal: 100, rare: 5; a, b"
    assert setting(SPEC, "model.dropout") == 0.0


@pytest.mark.parametrize(
    ("same_if", "alike"),
    [
        ({"budget": 60}, True),
        ({"budget": 60, "model.mode": "full"}, True),
        ({"budget": 60, "model.mode": "features"}, False),
        ({"budget": 6}, False),
        ({"data.keep": [5, 100]}, True),
        ({"data.keep": [5, 10]}, False),
        ({"classes": ["b", "a"]}, False),
        ({}, False),  # what no setting decides always differs
    ],
)
def test_two_protocols_are_alike_where_all_the_settings_agree(same_if, alike):
    assert same(Aspect(aspect="a", theirs="b", ours="c", same_if=same_if), SPEC) is alike


def test_a_preset_with_an_unknown_key_is_refused():
    with pytest.raises(SpecError, match="not_pulbic"):
        parse_preset({"name": "x", "not_pulbic": []})
