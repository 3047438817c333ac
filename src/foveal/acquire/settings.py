"""Settings of a strategy checked against its signature, so that a misspelt one is heard."""

import math
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from foveal.acquire.registry import Strategy
from foveal.core.errors import SpecError, near_miss
from foveal.core.query import Setting

WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "text",
    NoneType: "nothing (null)",
}


def checked(strategy: Strategy, parameters: Mapping[str, Setting]) -> dict[str, Setting]:
    """All settings of a strategy: those given, and the defaults of the others.

    Raises:
        SpecError: if a setting is unknown (with the nearest one) or of the wrong type.
    """
    hints = get_type_hints(strategy.fn)
    settings = dict(strategy.settings)
    for name, value in parameters.items():
        if name not in settings:
            known = near_miss(name, settings) if settings else " It has no settings."
            raise SpecError(f"strategy {strategy.name!r} has no setting {name!r}.{known}")
        hint = hints.get(name, type(settings[name]))
        fitting = _fitting(value, hint)
        if not fitting:
            raise SpecError(
                f"setting `{name}` of strategy {strategy.name!r} must be {_words(hint)}, "
                f"not {value!r}"
            )
        settings[name] = fitting[0]
    return settings


def _fitting(value: Any, hint: Any) -> list[Setting]:
    """The value as the hint wants it, or nothing; text may have been read as a number (`2`)."""
    if get_origin(hint) is Literal:
        return [a for a in get_args(hint) if str(a) == str(value) and type(value) is not bool]
    if get_origin(hint) in (Union, UnionType):
        return [v for h in get_args(hint) for v in _fitting(value, h)]
    if hint is float and isinstance(value, int | float) and type(value) is not bool:
        return [float(value)] if math.isfinite(value) else []
    return [value] if type(value) is hint else []


def _words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(repr(a) for a in get_args(hint))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_words(h) for h in get_args(hint))
    return WORDS.get(hint, str(hint))
