"""Names of regions: each once."""

from collections.abc import Sequence


def distinct(names: Sequence[str]) -> list[str]:
    """The same names, a number added to those that come again: liver, liver (2)."""
    taken = set(names)
    used: set[str] = set()
    found = []
    for name in names:
        new, number = name, 2
        while new in used or (new != name and new in taken):
            new, number = f"{name} ({number})", number + 1
        used.add(new)
        found.append(new)
    return found
