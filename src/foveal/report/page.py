"""From results to one self-contained page, with its figures beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from foveal.core.files import write_whole
from foveal.report import sections, tables, words
from foveal.report.failures import failures
from foveal.report.gallery import gallery
from foveal.report.glossary import metric_of
from foveal.report.headline import certainty, headline
from foveal.report.lead import lead_of
from foveal.report.leaks import leaks
from foveal.report.pairs import tests
from foveal.report.penalty import penalty
from foveal.report.pictures import PanelReader, panel_reader
from foveal.report.ranks import over_sets, ranking, ranking_headline, ranking_terms, set_links
from foveal.report.reading import Results, Study, arms_of, metrics_of
from foveal.report.reference import reference_section
from foveal.report.rounds import last_of
from foveal.report.saved import saved
from foveal.report.section import Builder, Section
from foveal.report.subgroups import subgroups

BEFORE_GALLERY: tuple[Builder, ...] = (
    sections.setup,
    failures,
    sections.pool,
    saved,
    reference_section,
    sections.curves,
    sections.numbers,
    tests,
    penalty,
    leaks,
    sections.cost,
)
AFTER_GALLERY: tuple[Builder, ...] = (
    sections.calibration,
    sections.size,
    sections.balance,
    sections.recall,
    subgroups,
    sections.stopping,
    sections.notes,
    sections.settings,
    sections.glossary,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure of the header."""

    value: str
    what: str
    detail: str = ""


def write_report(results: Mapping[str, Any], folder: Path) -> Path:
    """Write `report.html` and `figures/` into `folder`.

    The page is one file without scripts or outside addresses. Sections for which the results hold
    nothing are left out. The same results and panels give the same bytes. Results over several data
    sets become a page of ranks with links to the page of each.

    Args:
        results: the content of results.json.
        folder: where the report goes; gallery panels are read from inside it and nowhere else.
    Returns:
        The path of the page.
    Raises:
        StoreError: if the folder cannot be written.
    """
    study = Study(results)
    made = build(study, panel_reader(folder))
    for section in made:
        for picture in section.pictures:
            write_whole(folder / "figures" / f"{picture.stem}.svg", picture.svg)
            write_whole(folder / "figures" / f"{picture.stem}.png", picture.png)
    page = folder / "report.html"
    write_whole(page, render(study, made).encode())
    return page


def build(results: Results, read: PanelReader) -> tuple[Section, ...]:
    """The sections in the order of the page, without those that would be empty."""
    if over_sets(results):
        parts = (set_links(results), ranking(results), ranking_terms(results))
        return tuple(section for section in parts if section is not None)
    made = [
        *(builder(results) for builder in BEFORE_GALLERY),
        gallery(results, read),
        *(builder(results) for builder in AFTER_GALLERY),
    ]
    return tuple(section for section in made if section is not None)


def render(results: Results, made: tuple[Section, ...]) -> str:
    """The page as text. Everything that comes from the results is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        name=str(results.get("name") or "Experiment"),
        version=str(results.get("version") or ""),
        headline=ranking_headline(results) if over_sets(results) else headline(results),
        certainty=certainty(results),
        tiles=_tiles(results),
        oracle=[tables.arm_name(arm) for arm in arms_of(results) if arm.oracle],
        warnings=[str(w) for w in results.get("warnings") or ()],
        sections=made,
        several=any(len(arm.runs) > 1 for arm in arms_of(results)),
    )


def _tiles(results: Results) -> list[Tile]:
    arms, metric = arms_of(results), next(iter(metrics_of(results)), "")
    found = lead_of(results, metric)
    if found is None:
        return []
    lead, end = found.arm, found.end
    minutes, seeds = last_of(lead, "cost_seconds"), max(len(arm.runs) for arm in arms)
    of = f"{lead.shown}, last round" if end.n < 2 else f"{lead.shown}, mean of {end.n} seeds"
    tiles = [
        Tile(words.number(end.mean, 2), metric_of(metric).title, of),
        Tile(f"{end.labels:,}", "labels", "seed set included"),
    ]
    if minutes:
        tiles.append(Tile(words.number(minutes[0] / 60, 0), "expert minutes", f"for {lead.shown}"))
    runs = sum(len(arm.runs) for arm in arms)
    detail = f"{words.count(len(arms), 'strategy arm')}, {words.count(seeds, 'seed')}"
    return [*tiles, Tile(str(runs), "run" if runs == 1 else "runs", detail)]
