"""`foveal report`: report again from stored runs."""

import json
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from foveal.core.errors import SchemaError, StoreError

NEEDED = frozenset({"runs", "pool", "summary", "tests", "warnings"})
NEEDED_OF_SETS = frozenset({"sets", "ranking"})


def command(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="folders of runs")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="default: beside the only DIR")
    ] = None,
) -> None:
    """Write report.html and the figures again from results.json; several runs become one report.

    Statistics are worked out anew from the runs, so that results of an older version get what
    this one adds; results.json is written with them.

    Example:
      foveal report runs/busi

      foveal report runs/monday runs/tuesday --out runs/both
    """
    from foveal.loop import write_results
    from foveal.report import write_report

    if out is None and len(folders) > 1:
        raise typer.BadParameter("several folders need --out")
    target = out or folders[0]
    stored = [
        Stored(name, folder, _results(folder))
        for name, folder in zip(_names(folders), folders, strict=True)
    ]
    elsewhere = target.resolve() != folders[0].resolve()
    if any("sets" in one.results for one in stored):
        if len(stored) > 1 or elsewhere:
            raise typer.BadParameter(
                "a comparison over several data sets is reported alone and where it lies: its "
                "page leads to those of the sets"
            )
        results = stored[0].results
    else:
        results = _judged(stored[0].results) if len(stored) == 1 else _together(stored)
        if elsewhere or len(stored) > 1:
            _rebase(stored, target)
        write_results(results, target)
    page = write_report(results, target)
    Console().print(f"Report: {page}", soft_wrap=True, highlight=False, markup=False)


class Stored(NamedTuple):
    """Results as they lie in a folder, and what to call that folder in a common report."""

    name: str
    folder: Path
    results: dict[str, Any]


def _names(folders: list[Path]) -> list[str]:
    """Last parts of the folders' paths; folders that share one are numbered."""
    last = [folder.resolve().name or "run" for folder in folders]
    return [
        name if last.count(name) == 1 else f"{name}-{last[: i + 1].count(name)}"
        for i, name in enumerate(last)
    ]


def _results(folder: Path) -> dict[str, Any]:
    path = folder / "results.json"
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(
            f"{str(path)!r} could not be read: {error.strerror}; `foveal run` and `foveal compare` "
            "write it when they end"
        ) from error
    except ValueError as error:
        raise StoreError(f"{str(path)!r} must be JSON, but is damaged: {error}") from error
    known = isinstance(results, dict)
    missing = NEEDED - set(results) if known else NEEDED
    if missing and not (known and set(results) >= NEEDED_OF_SETS):
        raise SchemaError(
            f"{str(path)!r} must be results of `foveal run` or `foveal compare`, but lacks "
            f"{', '.join(sorted(missing))}; run the command again to write it anew"
        )
    return results  # type: ignore[no-any-return]


def _together(stored: list[Stored]) -> dict[str, Any]:
    """One results of several: arms with the same name in different folders keep apart."""
    names = [{run["strategy"] for run in one.results["runs"]} for one in stored]
    shared = {n for i, a in enumerate(names) for b in names[i + 1 :] for n in a & b}
    runs = []
    for one in stored:
        for run in one.results["runs"]:
            name = run["strategy"]
            run["strategy"] = f"{name} ({one.name})" if name in shared else name
            runs.append(run)
    failures = [f for one in stored for f in one.results.get("failures", ())]
    results = _judged(stored[0].results | {"runs": runs, "failures": failures})
    if len({one.results["pool"]["digest"] for one in stored}) > 1:
        told = "the runs were made on different pools: their figures cannot be compared"
        results["warnings"] = [told]
    return results


def _judged(results: dict[str, Any]) -> dict[str, Any]:
    from foveal.loop import judged

    return results | judged(results["runs"], results.get("failures", ()))


def _rebase(stored: list[Stored], target: Path) -> None:
    """A report written elsewhere takes copies of its pictures along; missing ones it will name."""
    from foveal.core.files import safe_join, write_whole

    for one in stored:
        for run in one.results["runs"]:
            for rounds in run.get("gallery", ()):
                for case in rounds["cases"]:
                    source = safe_join(one.folder, case["panel"])
                    case["panel"] = f"{one.name}/{case['panel']}"
                    if source.is_file():
                        write_whole(safe_join(target, case["panel"]), source.read_bytes())
