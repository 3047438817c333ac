"""Settings of a composed strategy's parts, written with dots or below each other."""

import pytest

from foveal.core.errors import SpecError
from foveal.core.spec import AcquireSpec, parse_spec, with_settings

PLAIN = {"data": {"source": "labels.csv"}}


def parameters_of(settings):
    return dict(parse_spec(settings).acquire.parameters)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ({}, {}),
        ({"weight": 0.3}, {"weight": 0.3}),
        ({"eg_al": {"weight": 0.3}}, {"eg_al.weight": 0.3}),
        ({"eg_al.weight": 0.3}, {"eg_al.weight": 0.3}),
        ({"eg_al": {"weight": 1, "form": "product"}, "beta": 2}, None),
        ({"a": {"b": {"c": None}}}, {"a.b.c": None}),
        ({"a": {}}, {}),
    ],
)
def test_what_is_written_below_a_key_gets_a_dotted_one(written, kept):
    want = {"eg_al.weight": 1, "eg_al.form": "product", "beta": 2} if kept is None else kept
    assert parameters_of({**PLAIN, "acquire": {"parameters": written}}) == want
    assert dict(AcquireSpec(parameters=written).parameters) == want


def test_a_change_on_the_command_line_holds_however_the_file_writes_it():
    change = {"acquire.parameters.eg_al.weight": 0.9}
    for written in ({"eg_al.weight": 0.3}, {"eg_al": {"weight": 0.3}}, {}):
        settings = with_settings({**PLAIN, "acquire": {"parameters": written}}, change)
        assert parameters_of(settings) == {"eg_al.weight": 0.9}


def test_parameters_survive_writing_and_reading():
    spec = parse_spec({**PLAIN, "acquire": {"parameters": {"eg_al": {"weight": 0.3}}}})
    assert parse_spec(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize("wrong", [[1], "weight", {"weight": [1]}, {"eg_al": {"weight": [1]}}])
def test_what_is_no_setting_is_refused(wrong):
    with pytest.raises(SpecError, match=r"`acquire\.parameters"):
        parameters_of({**PLAIN, "acquire": {"parameters": wrong}})
