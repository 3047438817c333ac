"""Suite: the benchmarks by name, each imported when it runs, since not all need torch."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from foveal.bench.timing import Row
from foveal.core.errors import unknown_name

# Name of the benchmark, which is its function's, to its module in this package.
BENCHMARKS: Mapping[str, str] = {
    "scoring": "scoring",
    "maps": "scoring",
    "training": "training",
    "rounds": "rounds",
    "comparison": "comparison",
    "memory": "memory",
    "selection": "acquisition",
    "libraries": "libraries",
    "gradients": "acquisition",
    "large": "acquisition",
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
        work = _benchmark(each)
        tell(f"{each}: {(work.__doc__ or '').splitlines()[0]}")
        rows += [row.as_dict() for row in work()]
    return rows


def _benchmark(name: str) -> Callable[[], Iterator[Row]]:
    work: Callable[[], Iterator[Row]] = getattr(
        import_module(f"foveal.bench.{BENCHMARKS[name]}"), name
    )
    return work
