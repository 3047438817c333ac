"""Spending: whether the labels, minutes or rounds that were allowed are used up."""

from collections.abc import Mapping
from typing import Literal, get_args

from foveal.acquire.stopping.advice import Advice
from foveal.core.errors import SpecError, near_miss

Unit = Literal["labels", "minutes", "rounds"]


def budget(spent: Mapping[str, float], allowed: Mapping[str, float]) -> Advice:
    """Whether what was allowed is spent: labels, minutes or rounds.

    Args:
        spent: by unit, 0 or more.
        allowed: by unit; units that are left out have no limit.

    Returns:
        Advice to stop as soon as one unit is used up. Numbers hold `spent_` and `allowed_` of
        each limited unit.

    Raises:
        SpecError: if a unit is unknown, or has a limit but no amount spent.
    """
    for unit in (*spent, *allowed):
        if unit not in get_args(Unit):
            raise SpecError(f"no unit {unit!r}.{near_miss(unit, get_args(Unit))}")
    for unit in allowed.keys() - spent.keys():
        raise SpecError(f"a limit of {unit} needs the {unit} spent, but got none; pass them")
    if not allowed:
        return Advice("budget", False, "no limit of labels, minutes or rounds is set")
    told = [f"{spent[u]:.6g} of {most:.6g} {u}" for u, most in allowed.items()]
    over = [u for u, most in allowed.items() if spent[u] >= most]
    end = (
        f"the {' and '.join(over)} allowed are used up; stop" if over else "there is room for more"
    )
    numbers = {f"spent_{u}": float(spent[u]) for u in allowed}
    numbers |= {f"allowed_{u}": float(most) for u, most in allowed.items()}
    return Advice("budget", bool(over), f"{', '.join(told)} are spent: {end}", numbers)
