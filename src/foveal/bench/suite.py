"""Suite: the benchmarks by name."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from foveal.bench.memory import memory
from foveal.bench.rounds import rounds
from foveal.bench.scoring import maps, scoring
from foveal.bench.timing import Row
from foveal.bench.training import training
from foveal.core.errors import unknown_name

BENCHMARKS: Mapping[str, Callable[[], Iterator[Row]]] = {
    "scoring": scoring,
    "maps": maps,
    "training": training,
    "rounds": rounds,
    "memory": memory,
}


def run_benchmarks(
    name: str = "", tell: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Rows of one benchmark, or of all.

    Args:
        tell: hears what runs now.
    Raises:
        UnknownName: with the nearest miss.
    """
    if name and name not in BENCHMARKS:
        raise unknown_name("benchmark", name, BENCHMARKS)
    rows = []
    for each in [name] if name else BENCHMARKS:
        tell(f"{each}: {(BENCHMARKS[each].__doc__ or '').splitlines()[0]}")
        rows += [row.as_dict() for row in BENCHMARKS[each]()]
    return rows
