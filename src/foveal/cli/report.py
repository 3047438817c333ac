"""`foveal report`: report again from stored runs."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from foveal.core.errors import StoreError


def command(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="folders of runs")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="default: beside the only DIR")
    ] = None,
) -> None:
    """Write report.html and the figures again from results.json; several runs become one report.

    Example:
      foveal report runs/busi

      foveal report runs/monday runs/tuesday --out runs/both
    """
    from foveal.report import write_report

    stored = [(folder, _results(folder)) for folder in folders]
    if out is None and len(stored) > 1:
        raise typer.BadParameter("several folders need --out")
    target = out or folders[0]
    results = stored[0][1] if len(stored) == 1 else _together(stored)
    if target != folders[0] or len(stored) > 1:
        _rebase(results, stored, target)
    page = write_report(results, target)
    Console().print(f"Report: {page}", soft_wrap=True, highlight=False)


def _results(folder: Path) -> dict[str, Any]:
    path = folder / "results.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except OSError as error:
        raise StoreError(
            f"{str(path)!r} could not be read: {error.strerror}; `foveal run` and `foveal compare` "
            "write it when they end"
        ) from error
    except ValueError as error:
        raise StoreError(f"{str(path)!r} must be JSON, but is damaged: {error}") from error


def _together(stored: list[tuple[Path, dict[str, Any]]]) -> dict[str, Any]:
    """One results of several: arms with the same name in different folders keep apart."""
    from foveal.evaluate import compare, summarize, warnings_for

    names = [{run["strategy"] for run in results["runs"]} for _, results in stored]
    shared = {n for i, a in enumerate(names) for b in names[i + 1 :] for n in a & b}
    runs = []
    for folder, results in stored:
        for run in results["runs"]:
            name = run["strategy"]
            run["strategy"] = f"{name} ({folder.name})" if name in shared else name
            runs.append(run)
    first = stored[0][1]
    warnings = warnings_for(runs)
    if len({results["pool"]["digest"] for _, results in stored}) > 1:
        warnings = ["the runs were made on different pools: their figures cannot be compared"]
    return first | {
        "runs": runs,
        "summary": summarize(runs),
        "tests": compare(runs),
        "warnings": warnings,
    }


def _rebase(
    results: dict[str, Any], stored: list[tuple[Path, dict[str, Any]]], target: Path
) -> None:
    """Pictures stay where they are unless the report is written elsewhere: then copy them."""
    from foveal.core.files import safe_join, write_whole

    for folder, one in stored:
        for run in one["runs"]:
            for rounds in run.get("gallery", ()):
                for case in rounds["cases"]:
                    source = safe_join(folder, case["panel"])
                    case["panel"] = f"{folder.name}/{case['panel']}"
                    write_whole(target / case["panel"], source.read_bytes())
