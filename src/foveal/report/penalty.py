"""Penalty matrix: at how many budgets one arm beats another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from foveal.core.errors import DataError
from foveal.report.drawing import INK, QUIET, canvas, shorten, styled
from foveal.report.glossary import metric_of, ordered
from foveal.report.pictures import Picture, picture, slug
from foveal.report.reading import Arm, Floats, Results, arms_of, standing_out
from foveal.report.section import Section
from foveal.report.words import capital, count, joined, percent

# One hue from white to dark: the order survives a gray printer and every kind of color vision.
SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#9ecae1", "#08306b"])
CELLS: dict[str, Any] = {"cmap": SHADES, "vmin": 0, "vmax": 1, "edgecolors": "white"}
MOST_NAMED = 3
DARK = 0.7  # from here numbers are white


@dataclass(frozen=True, slots=True)
class Penalty:
    """Who beats whom: `won` (a, a) in [0, 1], row against column; `lost` (a,) its column means.

    The arms stand from the least to the most often beaten. Column means run over all other arms
    that were compared, also those that are not among the rows.
    """

    arms: tuple[Arm, ...]
    won: Floats
    lost: Floats
    left_out: int = 0


def penalty_of(results: Results, metric: str) -> Penalty | None:
    """The penalty matrix of a metric; of many arms, for those that stand out."""
    held = (results.get("penalty") or {}).get(metric) or {}
    known = {arm.name: arm for arm in arms_of(results)}
    names = [str(name) for name in held.get("arms") or ()]
    won = np.asarray(held.get("matrix") or (), dtype=np.float64)
    if len(names) < 2 or won.shape != (len(names), len(names)) or not set(names) <= set(known):
        return None
    lost = (won.sum(axis=0) - np.diag(won)) / (len(names) - 1)
    arms = [known[name] for name in names]
    told = standing_out(arms, metric)
    order = sorted((i for i, name in enumerate(names) if name in told), key=lambda i: (lost[i], i))
    return Penalty(
        tuple(arms[i] for i in order),
        won[np.ix_(order, order)],
        lost[order],
        len(names) - len(told),
    )


def penalty(results: Results) -> Section | None:
    """Heat maps of the penalty matrices; the first metric's is unfolded."""
    metrics = ordered({str(m) for m in results.get("penalty") or ()})
    found = {m: p for m in metrics if (p := penalty_of(results, m)) is not None}
    if not found:
        return None
    first = next(iter(found))
    blocks = [(capital(metric_of(m).title), [_picture(results, m)]) for m in found]
    data = {"blocks": blocks, "left_out": found[first].left_out}
    pictures = tuple(p for _, shown in blocks for p in shown)
    title = penalty_title(found[first], first)
    return Section("penalty", "Who beats whom", title, data, pictures)


def penalty_title(found: Penalty, metric: str) -> str:
    """Which arm is beaten least and which most, or that none is beaten."""
    what = metric_of(metric).title
    if not found.won.any():
        return f"No arm beats another at any budget ({what})"
    unbeaten = int((found.lost == 0).sum())
    best = f"{found.arms[0].shown} is {'never beaten' if unbeaten else 'beaten least'}"
    if unbeaten > 1:
        best = f"{unbeaten} arms are never beaten"
    last = [
        a.shown for a, share in zip(found.arms, found.lost, strict=True) if share == found.lost[-1]
    ]
    worst = joined(last) if len(last) <= MOST_NAMED else count(len(last), "other arm")
    most, whose = percent(float(found.lost[-1])), "its" if len(last) == 1 else "their"
    return f"{best}, {worst} most often, in {most} of {whose} comparisons ({what})"


@styled
def penalty_figure(results: Results, metric: str) -> Figure:
    """Heat map with numbers: percent of budgets at which the row's arm beats the column's.

    Raises:
        DataError: if the results hold no penalty matrix of this metric.
    """
    found = penalty_of(results, metric)
    if found is None:
        raise DataError(
            f"the figure needs a penalty matrix of {metric!r}, but the results hold none"
        )
    n, gap = len(found.arms), 0.35
    figure, axes = canvas(0.9 + 0.27 * (n + 1), width=min(7.6, 2.9 + 0.42 * n))
    edges, diagonal = np.arange(n + 1) - 0.5, np.eye(n, dtype=bool)
    axes.pcolormesh(edges, edges, np.ma.masked_where(diagonal, found.won), **CELLS)
    axes.pcolormesh(edges, np.array((n - 0.5, n + 0.5)) + gap, found.lost[None], **CELLS)
    for (i, j), share in np.ndenumerate(np.vstack([found.won, found.lost])):
        if i != j:
            y = i + gap * (i == n)
            axes.text(j, y, f"{100 * share:.0f}", ha="center", va="center", **_ink(share))
    names = [f"{i + 1}. {shorten(arm.shown)}" for i, arm in enumerate(found.arms)]
    axes.set_yticks([*range(n), n + gap], [*names, "beaten, mean"], color=INK)
    axes.set_xticks(range(n), [str(i + 1) for i in range(n)], color=INK)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n + 0.5 + gap, -0.5))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    title = f"{capital(metric_of(metric).title)}: % of budgets at which the row beats the column"
    figure.suptitle(title, x=0.01, ha="left", color=QUIET, fontsize=8.5)
    return figure


def _ink(share: float) -> dict[str, Any]:
    color = "white" if share >= DARK else INK if share else QUIET
    return {"color": color, "fontsize": 8}


def _picture(results: Results, metric: str) -> Picture:
    alt = f"Penalty matrix, {metric_of(metric).title}: how often each arm beats each other one."
    return picture(f"penalty-{slug(metric)}", penalty_figure(results, metric), alt)
