"""`foveal reproduce`: a published study on the user's data, published numbers beside ours."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from foveal.cli.compare import FAILED
from foveal.cli.loggers import with_logs
from foveal.cli.named_data import NamedData, named_data
from foveal.cli.run import Changes, Logs, Out
from foveal.cli.spec_file import read_changes

if TYPE_CHECKING:
    from foveal.core.preset import Preset
    from foveal.loop import Run
    from foveal.report.reproduction import Stood

HERE = Path()  # sources are relative to the current folder


class Mode(StrEnum):
    """How networks are trained."""

    features = "features"
    full = "full"


class Wish(NamedTuple):
    """What the user asks of every data set."""

    mode: Mode
    rare: tuple[str, ...]
    changes: Mapping[str, Any]
    seeds: int | None
    logs: tuple[str, ...]


class Study(NamedTuple):
    """A preset on one data set: where it goes, its settings, runs and rare classes."""

    data: NamedData
    folder: Path
    settings: dict[str, Any]
    runs: "list[Run]"
    rare: tuple[str, ...]


def command(
    preset: Annotated[
        str, typer.Argument(metavar="PRESET", help="eg-al, clinical, survey or lmi-al")
    ],
    data: Annotated[
        list[str],
        typer.Option(
            metavar="[NAME=]FILE",
            help="a manifest, folder or npz; may be given repeatedly. A NAME that the study used"
            " (such as BraTS) says that it is that data",
        ),
    ],
    rare: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS", help="for clinical: a class to make rare and to seek"),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="how many seeds; default: the preset's")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="runs at a time, each in its own process")] = 1,
    mode: Annotated[
        Mode, typer.Option(help="train on cached features, or all layers (slow)")
    ] = Mode.features,
    changes: Changes = None,
    log: Logs = None,
    out: Out = None,
) -> None:
    """Run a paper's study on your data, with the published numbers beside yours.

    Sizes are the paper's, or smaller in proportion where the data has too few images. It resumes
    like compare. Beside results.json and report.html it writes DIR/reproduction.md: what was
    published and where, what came out here, in what the two differ, and what is not public.
    With several data sets each has a folder in DIR, and DIR has a ranking over them.

    Examples:
      foveal reproduce eg-al --data BraTS=brats/labels.csv --data busi/labels.csv --jobs 2

      foveal reproduce clinical --data pneumoniamnist.npz --rare 1 --mode full --seeds 3

      foveal reproduce survey --data isic/labels.csv --set budget=20

      foveal pairs ms/pairs.csv --out ms_pairs/

      foveal reproduce lmi-al --data ms=ms_pairs/pairs.csv --jobs 2
    """
    from foveal.cli.finish import finish_sets
    from foveal.cli.presets import read_preset
    from foveal.cli.study import check
    from foveal.core.files import write_whole
    from foveal.report.reproduction import markdown, stood_beside

    console = Console()
    study = read_preset(preset)
    folder = out or Path("runs") / study.name
    sets = named_data(data)
    wish = Wish(mode, tuple(rare or ()), read_changes(changes or []), seeds, tuple(log or ()))
    places = {one: folder / one.slug if len(sets) > 1 else folder for one in sets}
    planned = [_planned(study, one, place, wish) for one, place in places.items()]
    _check_rare(study, wish.rare, planned)
    for one in planned:  # all errors of all data sets before the first run
        check(one.runs, HERE, console)
    shown = shlex.join(["foveal", *sys.argv[1:]])
    results = {one.data.name: _performed(one, jobs, shown, console) for one in planned}
    if len(results) > 1:
        finish_sets(results, folder, shown, console)
    sought = {one.data.name: one.rare for one in planned}
    for name, made in results.items():
        console.print(beside_table(study, name, stood_beside(study, name, made, sought[name])))
    page = folder / "reproduction.md"
    write_whole(page, markdown(study, results, shown, sought).encode())
    _tell_gaps(study, console)
    console.print(f"Published beside ours: {page}", soft_wrap=True, highlight=False, markup=False)
    if any(made["failures"] for made in results.values()):
        raise typer.Exit(FAILED)


def _planned(preset: "Preset", data: NamedData, folder: Path, wish: Wish) -> Study:
    """The runs on one data set; raises what is wrong with the wish."""
    from foveal.core.spec import parse_spec, with_settings
    from foveal.data import load_pool
    from foveal.loop import runs_of
    from foveal.loop.presets import material_of, settings_of, with_labels

    grid = with_settings(preset.settings, {"data.source": data.source, **wish.changes})["data"]
    whole = parse_spec({"data": {k: v for k, v in grid.items() if k != "keep"}}).data
    material = material_of(data.name, load_pool(data.source, whole, HERE))
    # Of several data sets one may lack a class that another has; one with none of them is told.
    rare = tuple(c for c in wish.rare if c in material.classes) or wish.rare
    settings = settings_of(preset, material, data.source, wish.mode.value, rare)
    settings = with_labels(with_settings(settings, wish.changes), preset.sizes.rounds)
    settings = with_logs(settings, wish.logs)
    if wish.seeds:
        settings["seeds"] = wish.seeds
    return Study(data, folder, settings, runs_of(settings, folder), rare)


def _check_rare(preset: "Preset", rare: Sequence[str], planned: Sequence[Study]) -> None:
    from foveal.core.errors import SpecError

    if rare and preset.needs != "rare":
        raise SpecError(f"the preset {preset.name!r} seeks no rare class; leave out --rare")
    if unknown := [c for c in rare if all(c not in one.rare for one in planned)]:
        raise SpecError(f"no data set has a class {unknown[0]!r}; leave out --rare {unknown[0]}")


def _performed(one: Study, jobs: int, shown: str, console: Console) -> dict[str, Any]:
    """The study to its end, with results.json and report.html as of `foveal compare`."""
    from foveal.cli.finish import finish
    from foveal.cli.study import study
    from foveal.core.spec import parse_spec

    outcome = study(one.runs, HERE, one.folder, console, jobs)
    whole = parse_spec(one.settings).model_dump(mode="json")
    return finish(
        whole, outcome.created, outcome.records, one.folder, shown, console, outcome.failures
    )


def beside_table(preset: "Preset", name: str, rows: "Sequence[Stood]") -> Table:
    """Published beside ours, for the terminal."""
    from foveal.report.reproduction import likeness

    title = Text(f"{preset.title}: published beside {name}")
    table = Table(
        title=title, title_justify="left", caption=Text(likeness(rows)), caption_justify="left"
    )
    for column in ("published for", "arm here", "published", "ours", "alike"):
        table.add_column(column)
    for row in rows:
        cells = (row.what, row.arm, row.theirs, row.ours, "no" if row.differs else "yes")
        table.add_row(*map(Text, cells))
    return table


def _tell_gaps(preset: "Preset", console: Console) -> None:
    console.print("Not public:", highlight=False)
    for fact in preset.not_public:
        console.print(f"  {fact}", highlight=False, markup=False)
