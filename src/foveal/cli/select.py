"""`foveal select`: the next images to label, from a manifest of which some rows are labeled."""

import csv
import io
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from foveal.cli.project_option import Database
from foveal.cli.run import Changes
from foveal.cli.spec_file import read_changes, read_settings

if TYPE_CHECKING:
    from foveal.loop.select import Selection

TOO_FEW = "too few to train on (it takes two classes, or two masks that show something)"
PROJECT_CHOSE = (
    "`select` of a project lists what its worker ranked by the settings of `foveal init`, but "
    "--task, --strategy, --spec or --set is given; leave them out"
)
SHOWN = 10  # rows on the terminal; all are in the file
COLUMNS = ("rank", "image", "predicted", "probability", "why")


class Task(StrEnum):
    """What is learned."""

    classification = "classification"
    segmentation = "segmentation"


def command(
    pool: Annotated[
        Path,
        typer.Argument(
            metavar="POOL.csv", help="manifest, label or mask empty where unknown; or a project"
        ),
    ],
    budget: Annotated[int, typer.Option("--budget", "-n", min=1, help="images to choose")] = 20,
    task: Annotated[Task, typer.Option(help="classes of images, or foreground pixel by pixel")] = (
        Task.classification
    ),
    strategy: Annotated[
        str | None, typer.Option(metavar="NAME", help="default: variance_reduction")
    ] = None,
    spec: Annotated[
        Path | None, typer.Option(metavar="SPEC.yaml", help="settings; its data.source is not read")
    ] = None,
    changes: Changes = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="BATCH.csv", help="the images chosen, best first")
    ] = Path("batch.csv"),
    database: Database = "",
) -> None:
    """Choose the next images to label, and say why.

    Trains on the rows of the manifest that are labeled (with --task segmentation: that have a mask)
    and chooses among the others. With no or too few labels it chooses images that stand for many
    (TypiClust on pretrained features). Write what experts say into the manifest and run it again.

    Of a project (made by foveal init) it lists what the worker ranked and nobody has read yet; how
    is a setting of the project, so that only --budget, --out and --database count.

    Examples:
      foveal select pool.csv --budget 30 --out monday.csv

      foveal select scans/pool.csv --task segmentation --strategy pixel_entropy_top

      foveal select pool.csv --set data.image_size=224 --set acquire.per_group=2
    """
    from foveal.cli.progress import watching
    from foveal.core.errors import SpecError
    from foveal.core.files import write_whole
    from foveal.core.spec import parse_spec, with_settings
    from foveal.loop.select import select
    from foveal.store.folder import is_project

    console = Console()
    if is_project(pool):
        if spec or strategy or changes or task is not Task.classification:
            raise SpecError(PROJECT_CHOSE)
        _tell_project(pool, database, budget, out, console)
        return
    settings: dict[str, Any] = {} if spec is None else read_settings(spec, [])
    fixed = {"task": task.value, "data.source": pool.name}
    if strategy is not None:
        fixed["acquire.strategy"] = strategy
    settings = with_settings(with_settings(settings, fixed), UNSPLIT | read_changes(changes or []))
    with watching(console) as (_, watcher):
        chosen = select(parse_spec(settings), budget, pool.parent, watcher)
    write_whole(out, _table_of(chosen).encode())
    _tell(chosen, out, console)


def _tell_project(project: Path, database: str, budget: int, out: Path, console: Console) -> None:
    """The queue of a project as a table."""
    from foveal.annotate.desk import open_desk
    from foveal.core.files import write_whole
    from foveal.store.project import ProjectStore

    with ProjectStore.open(project, database) as store:
        live, images = store.live(), open_desk(store).images
    query = live.queries[-1]
    why = dict(zip(query.ids, query.why, strict=True)) if query.why else {}
    wanted = live.pending()[:budget]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("rank", "image", "why"))
    for rank, sample in enumerate(wanted, 1):
        rows.writerow((rank, images.sample(sample).uri, why.get(sample, "")))
    write_whole(out, text.getvalue().encode())
    told = f"{len(wanted)} images chosen by {query.strategy} in round {query.round}: {out}"
    console.print(told, highlight=False, markup=False, soft_wrap=True)


# Whoever chooses for a team tests nothing, so that all images may be chosen.
UNSPLIT = {"data.val_fraction": 0.0, "data.test_fraction": 0.0}


def _rows(chosen: "Selection") -> list[dict[str, str]]:
    rows = []
    for i, sample in enumerate(chosen.query.ids):
        told = ("", "")
        if chosen.probs is not None:
            best = int(chosen.probs[i].argmax())
            told = (chosen.classes[best], f"{chosen.probs[i, best]:.3f}")
        why = chosen.query.why[i] if chosen.query.why else ""
        cells = (str(i + 1), chosen.pool[sample].uri, *told, why)
        rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows


def _table_of(chosen: "Selection") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(chosen))
    return text.getvalue()


def _tell(chosen: "Selection", out: Path, console: Console) -> None:
    rest = len(chosen.pool.ids("unlabeled"))
    if chosen.probs is None:
        told = f"{chosen.labeled} labels are {TOO_FEW}; chosen by what images stand for"
    else:
        told = f"trained on {chosen.labeled} labels; chosen by {chosen.query.strategy}"
    console.print(f"{told}, of {rest} unlabeled images.", highlight=False, markup=False)
    table = Table(box=None)
    for column in COLUMNS:
        table.add_column(column, no_wrap=column != "why")
    for row in _rows(chosen)[:SHOWN]:
        table.add_row(*map(Text, row.values()))
    console.print(table)
    for note in chosen.query.notes:
        console.print(f"Note: {note}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"All {len(chosen.query.ids)}: {out}", highlight=False, markup=False)
