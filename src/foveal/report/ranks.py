"""Ranks over data sets: mean ranks, and by how much two must differ, after Demsar."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foveal.core.errors import DataError
from foveal.report.contrasts import ALPHA
from foveal.report.drawing import INK, QUIET, canvas, shorten, styled
from foveal.report.glossary import metric_of, ordered
from foveal.report.pictures import Picture, picture, slug
from foveal.report.reading import Results, finite
from foveal.report.section import Section
from foveal.report.words import capital, count, joined, number, p_words

ROW, BAR = 0.24, 0.16  # inches: a name beside the diagram, a bar above it
SIDE = 0.75  # room for the names on either side, of the length of the axis
TERMS: Mapping[str, str] = {
    "Mean rank": "The place of an arm by its AUBC on each data set, 1 being the best, averaged "
    "over the data sets.",
    "Friedman’s test": "Whether the ranks differ more between arms than chance alone would have "
    "it; only then may pairs be compared.",
    "Critical difference": "Nemenyi’s: two arms whose mean ranks lie closer than this were not "
    "shown to differ, at the level of 0.05 for all pairs together.",
}


@dataclass(frozen=True, slots=True)
class Ranks:
    """Mean ranks of the arms over data sets, best first; 1 is the best place.

    `table` holds for each data set the rank of every arm, in the same order of arms.
    """

    metric: str
    arms: tuple[str, ...]
    means: tuple[float, ...]
    difference: float | None
    p: float | None
    sets: int
    table: Mapping[str, tuple[float | None, ...]]

    @property
    def shown(self) -> bool:
        """Whether Friedman's test says that the arms differ at all."""
        return self.p is not None and self.p < ALPHA

    @property
    def groups(self) -> list[tuple[int, int]]:
        """First and last position of the largest runs of arms that were not shown to differ."""
        if self.difference is None or not self.shown:
            return []
        ends = [
            max(j for j, mean in enumerate(self.means) if mean - start < self.difference)
            for start in self.means
        ]
        return [(i, end) for i, end in enumerate(ends) if end > i and (i == 0 or end > ends[i - 1])]


@dataclass(frozen=True, slots=True)
class SetLink:
    """One data set: its name and the address of its own page, relative to this one."""

    name: str
    address: str
    failed: str = ""


def over_sets(results: Results) -> bool:
    """Whether these are results over several data sets, not of one."""
    return "ranking" in results or "sets" in results


def ranks_of(results: Results) -> list[Ranks]:
    """The rankings by metric, most telling first; those without two arms are left out."""
    held = results.get("ranking") or {}
    made = [_ranks(metric, held[metric] or {}) for metric in ordered({str(m) for m in held})]
    return [ranks for ranks in made if len(ranks.arms) > 1]


def ranks_title(ranks: Ranks) -> str:
    """What the ranking allows to say, and no more."""
    title, sets = metric_of(ranks.metric).title, count(ranks.sets, "data set")
    p = f"p {p_words(ranks.p)}".replace(" ", "\u00a0")
    if ranks.p is None:
        return f"{count(len(ranks.arms), 'arm')} on {sets} ({title}): no test could be made"
    if not ranks.shown:
        return (
            f"Friedman’s test shows no difference between {len(ranks.arms)} arms on {sets} "
            f"({title}, {p})"
        )
    worst = ranks.means[0] + (math.inf if ranks.difference is None else ranks.difference)
    worse = [a for a, mean in zip(ranks.arms, ranks.means, strict=True) if mean >= worst]
    if not worse:
        return (
            f"The ranks of {len(ranks.arms)} arms differ on {sets} ({title}, {p}), but no arm was "
            "shown to be worse than the first"
        )
    named = joined(worse) if len(worse) <= 3 else f"{len(worse)} of the other arms"
    return (
        f"{ranks.arms[0]} has the best mean rank on {sets}, {number(ranks.means[0], 1)} ({title}); "
        f"it was shown to be better than {named}"
    )


def ranking_headline(results: Results) -> str:
    """The finding for the first metric."""
    found = ranks_of(results)
    return f"{ranks_title(found[0])}." if found else "No two arms ran on several data sets."


def ranking(results: Results) -> Section | None:
    """A block a metric: the diagram and the table of ranks by data set."""
    found = ranks_of(results)
    if not found:
        return None
    areas = {
        str(held.get("folder")): held.get("metrics") or {} for held in results.get("sets") or ()
    }
    blocks = [(r, ranks_title(r), _rows(r, areas), [_picture(r)]) for r in found]
    pictures = tuple(p for *_, shown in blocks for p in shown)
    return Section("ranking", "Ranks", "Ranks over the data sets", {"blocks": blocks}, pictures)


def set_links(results: Results) -> Section | None:
    """The data sets, each with a link to its own page."""
    links = []
    for held in results.get("sets") or ():
        folder = str(held.get("folder") or "").strip("/")
        address = f"./{quote(folder)}/report.html" if folder else ""
        failures = int(finite(held.get("failures")) or 0)
        failed = f"{count(failures, 'run')} stopped with an error" if failures else ""
        links.append(SetLink(str(held.get("name") or folder), address, failed))
    if not links:
        return None
    title = count(len(links), "data set")
    data = {"links": links, "command": results.get("command")}
    return Section("sets", "Data sets", title, data)


def ranking_terms(results: Results) -> Section:
    """One sentence on every term."""
    shown = [metric_of(r.metric) for r in ranks_of(results)]
    terms = [(capital(m.title), m.definition) for m in shown if m.definition]
    return Section("glossary", "Definitions", "Definitions", {"terms": [*terms, *TERMS.items()]})


@styled
def ranks_figure(ranks: Ranks) -> Figure:
    """Critical-difference diagram: arms on an axis of mean ranks, bars over those alike.

    Raises:
        DataError: for fewer than two arms.
    """
    n = len(ranks.arms)
    if n < 2:
        raise DataError(f"a ranking needs two arms or more, not {n}")
    left, groups = -(-n // 2), ranks.groups
    top = BAR * (len(groups) + 1) + (0.45 if ranks.difference is not None else 0)
    depth = ROW * left + 0.2
    figure, axes = canvas(top + depth + 0.4, width=7.6)
    side = SIDE * (n - 1)
    axes.set(xlim=(1 - side, n + side), ylim=(-depth, top + 0.15))
    axes.axis("off")
    axes.plot((1, n), (0, 0), color=INK, linewidth=1.2, solid_capstyle="butt")
    for rank in range(1, n + 1):
        if n <= 16 or rank in (1, n) or (rank % 5 == 0 and n - rank > 2):
            axes.plot((rank, rank), (0, 0.06), color=INK, linewidth=1)
            axes.text(rank, 0.09, str(rank), ha="center", va="bottom", color=QUIET)
    for i, (arm, mean) in enumerate(zip(ranks.arms, ranks.means, strict=True)):
        _name(axes, arm, mean, i if i < left else n - 1 - i, n, on_left=i < left)
    for level, (first, last) in enumerate(groups):
        y = 0.32 + BAR * level
        ends = (ranks.means[first], ranks.means[last])
        axes.plot(ends, (y, y), color="#0072B2", linewidth=4, solid_capstyle="round")
    if ranks.difference is not None:
        y = top
        axes.plot((1, 1 + ranks.difference), (y, y), color=INK, linewidth=1.4, marker="|")
        words = f"critical difference {number(ranks.difference, 2)}"
        axes.text(1, y + 0.05, words, ha="left", va="bottom", color=QUIET)
    return figure


def _name(axes: Axes, arm: str, mean: float, row: int, n: int, *, on_left: bool) -> None:
    y, gap = -0.16 - ROW * row, 0.03 * (n - 1)
    edge = 1 - gap if on_left else n + gap
    axes.plot((mean, mean, edge), (0, y, y), color=QUIET, linewidth=0.9)
    text = shorten(arm, 32)
    text = f"{text}  {number(mean, 1)}" if on_left else f"{number(mean, 1)}  {text}"
    side = "right" if on_left else "left"
    axes.text(edge - gap / 3 if on_left else edge + gap / 3, y, text, ha=side, va="center")


def _ranks(metric: str, held: Mapping[str, Any]) -> Ranks:
    names = [str(arm) for arm in held.get("arms") or ()]
    means = [finite(mean) for mean in held.get("mean_ranks") or ()]
    known = [(m, i) for i, m in enumerate(means[: len(names)]) if m is not None]
    order = [i for _, i in sorted(known)]
    by_set = held.get("ranks") or {}
    return Ranks(
        metric,
        tuple(names[i] for i in order),
        tuple(mean for mean, _ in sorted(known)),
        finite(held.get("critical_difference")),
        finite(held.get("friedman_p")),
        int(finite(held.get("sets")) or len(by_set)),
        {str(name): _in_order(row, order) for name, row in by_set.items()},
    )


def _in_order(row: Sequence[Any], order: Sequence[int]) -> tuple[float | None, ...]:
    return tuple(finite(row[i]) if i < len(row) else None for i in order)


def _rows(ranks: Ranks, areas: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Arm, mean rank, and the rank and AUBC on each data set."""
    rows = []
    for i, (arm, mean) in enumerate(zip(ranks.arms, ranks.means, strict=True)):
        own = [(areas.get(s) or {}).get(ranks.metric) or {} for s in ranks.table]
        aubc = [finite((entry.get(arm) or {}).get("aubc")) for entry in own]
        places = [_place(row[i], a) for row, a in zip(ranks.table.values(), aubc, strict=True)]
        rows.append((arm, number(mean, 2), *places))
    return rows


def _place(rank: float | None, aubc: float | None) -> str:
    place = number(rank, 0 if rank is None or rank == int(rank) else 1)
    return place if aubc is None else f"{place} ({number(aubc)})"


def _picture(ranks: Ranks) -> Picture:
    alt = f"Mean ranks of the arms, {metric_of(ranks.metric).title}, with the critical difference."
    return picture(f"ranks-{slug(ranks.metric)}", ranks_figure(ranks), alt)
