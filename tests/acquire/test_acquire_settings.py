"""A misspelt or ill-typed setting is heard."""

from typing import Literal

import numpy as np
import pytest

from foveal.acquire import get
from foveal.acquire.registry import Strategy
from foveal.acquire.settings import checked
from foveal.core.errors import SpecError


def _fn(
    *,
    weight: float = 0.5,
    count: int = 3,
    on: bool = False,
    base: Literal["e", "2"] = "e",
    name: str = "",
    cap: float | None = None,
    bare=7,
): ...


DEFAULTS = {"weight": 0.5, "count": 3, "on": False, "base": "e", "name": "", "cap": None, "bare": 7}
STRATEGY = Strategy("toy", "scorer", _fn, (), (), (), False, DEFAULTS, "", "")


def test_defaults_fill_what_is_not_given():
    assert checked(STRATEGY, {}) == DEFAULTS
    assert checked(STRATEGY, {"weight": 0.1}) == DEFAULTS | {"weight": 0.1}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"weight": 1}, 1.0),
        ({"weight": np.float64(0.25)}, 0.25),
        ({"base": "2"}, "2"),
        ({"base": 2}, "2"),  # as YAML reads an unquoted 2
        ({"cap": None}, None),
        ({"cap": 2}, 2.0),
        ({"count": 0}, 0),
        ({"on": True}, True),
        ({"name": "x"}, "x"),
        ({"bare": 8}, 8),  # without a hint the default's type is meant
    ],
)
def test_fitting_values_are_kept_in_the_type_of_the_setting(given, kept):
    (name,) = given
    value = checked(STRATEGY, given)[name]
    assert value == kept
    assert type(value) is type(kept)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"weight": "0.5"}, "`weight` of strategy 'toy' must be a finite number, not '0.5'"),
        ({"weight": True}, "a finite number, not True"),
        ({"weight": float("nan")}, "a finite number, not nan"),
        ({"count": 1.5}, "a whole number"),
        ({"count": True}, "a whole number"),
        ({"on": 1}, "true or false"),
        ({"base": "10"}, "one of 'e', '2', not '10'"),
        ({"name": None}, "text"),
        ({"bare": "8"}, "a whole number"),
        ({"cap": "x"}, r"a finite number or nothing \(null\)"),
    ],
)
def test_ill_typed_values_are_refused(given, words):
    with pytest.raises(SpecError, match=words):
        checked(STRATEGY, given)


def test_unknown_settings_hear_the_nearest():
    with pytest.raises(SpecError, match=r"no setting 'wieght'. Did you mean 'weight'\?"):
        checked(STRATEGY, {"wieght": 1.0})
    with pytest.raises(SpecError, match=r"no setting 'weight'. It has no settings"):
        checked(get("random"), {"weight": 1.0})
