"""The error tree: every message says subject, expectation, finding, remedy, and never a patient."""

import difflib
from collections.abc import Iterable


class FovealError(Exception):
    """Anything Foveal raises on purpose."""


class SpecError(FovealError, ValueError):
    """A setting is unknown, missing or out of range."""


class DataError(FovealError, ValueError):
    """An image, mask or manifest is not what it should be."""


class LeakError(DataError):
    """A patient or an image stands on both sides of a split."""


class EvidenceError(FovealError, ValueError):
    """An array handed to a strategy breaks its contract (shape, range, finiteness)."""


class BudgetError(FovealError, ValueError):
    """More was asked for than there is."""


class PoolExhausted(FovealError, LookupError):  # noqa: N818  (the name stays: others build on it)
    """Nothing is left to choose from."""


class UnknownName(FovealError, LookupError):  # noqa: N818
    """A name is not in its registry."""


class PeekError(FovealError, PermissionError):
    """Someone read a hidden label or mask of the pool outside the `oracle` mode."""


class StoreError(FovealError, OSError):
    """The journal or a file could not be read or written."""


class SchemaError(StoreError, ValueError):
    """A stored record is torn, altered, or of another version."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """An `UnknownName` that lists what is known and the nearest miss."""
    return UnknownName(f"no {kind} {name!r}.{near_miss(name, known)}")


def near_miss(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'? Known: x, y` (with a leading blank)."""
    table = sorted(known)
    near = difflib.get_close_matches(name, table, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{hint} Known: {', '.join(table)}"
