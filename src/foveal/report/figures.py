"""The figures of a report, each a function of the results and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter

from foveal.core.errors import DataError
from foveal.report.drawing import (
    BACKGROUND,
    FILLS,
    HATCHES,
    INK,
    QUIET,
    ZERO,
    arm_legend,
    canvas,
    legend_above,
    line_of,
    look_of,
    shorten,
    styled,
)
from foveal.report.glossary import metric_of
from foveal.report.reading import (
    Arm,
    Axis,
    Results,
    arm_named,
    arms_of,
    by_final,
    curve_of,
    drawn_of,
    full_value,
    pooled,
    standing_out,
)
from foveal.report.rounds import (
    asked_per_round,
    classes_of,
    correlations_of,
    final_recall,
    reliability_of,
    size_points_of,
)
from foveal.report.words import capital, number

AXES: Mapping[Axis, str] = {"labels": "labels", "minutes": "expert minutes"}
MOST_BANDS = 5
MOST_TICKS = 6  # so few rounds have a tick each
UNIT_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@styled
def curves_figure(results: Results, metric: str, x: Axis = "labels") -> Figure:
    """A metric against labels or expert minutes: mean over seeds, band of one standard deviation.

    A line across is what training on all labels gives, if that is known.

    Args:
        results: the content of results.json.
        metric: name of a metric under `metrics` of the runs.
        x: `labels` or `minutes` (cumulative time of the expert).
    Raises:
        DataError: if no run has a value of the metric on this axis.
    """
    arms = arms_of(results)
    curves = [(arm, c) for arm in arms if (c := curve_of(arm, metric, x)) is not None]
    _require(curves, f"values of {metric!r} against {AXES[x]}")
    figure, axes = canvas()
    drawn = [arm for arm, _ in curves]
    told = standing_out(drawn, metric)
    banded = standing_out(drawn, metric, most=MOST_BANDS, best=1)  # more would lie there like mud
    for arm, curve in curves:
        if arm.name not in told:
            axes.plot(curve.x, curve.mean, **BACKGROUND)
            continue
        look = look_of(arm)
        if arm.name in banded:
            low, high = curve.mean - curve.std, curve.mean + curve.std
            axes.fill_between(curve.x, low, high, color=look.color, alpha=0.13, linewidth=0)
        axes.plot(curve.x, curve.mean, **line_of(look))
    _draw_full(axes, results.get("reference"), metric)
    named = by_final([arm for arm in drawn if arm.name in told], metric)
    arm_legend(figure, named, len(drawn) - len(told))
    axes.set_title(capital(metric_of(metric).title), color=QUIET, fontsize=8.5)
    axes.set_xlabel(AXES[x])
    if x == "labels":
        points = sorted({round(at) for _, curve in curves for at in curve.x})
        few = len(points) <= MOST_TICKS
        axes.xaxis.set_major_locator(FixedLocator(points) if few else MaxNLocator(integer=True))
    return figure


def _draw_full(axes: Axes, reference: Mapping[str, Any] | None, metric: str) -> None:
    full = full_value(reference, metric)
    if reference is None or full is None:
        return
    axes.axhline(full, **ZERO)
    axes.annotate(
        f"all {reference['labels']} labels: {number(full)}",
        (0.01, full),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0, 2),
        textcoords="offset points",
        color=QUIET,
        fontsize=7.5,
    )


@styled
def reliability_figure(results: Results, arm: str) -> Figure:
    """Accuracy against confidence in bins after the last round, pooled over the seeds of an arm.

    Raises:
        UnknownName: if there is no such arm.
        DataError: if none of its runs has a reliability table.
    """
    chosen = arm_named(results, arm)
    table = reliability_of(chosen)
    _require(table, f"a reliability table of arm {arm!r}")
    confidence, accuracy, counts = np.array(table).T
    figure, axes = canvas(3.6, 3.4)
    axes.set_box_aspect(1)
    axes.plot((0, 1), (0, 1), **ZERO)
    look = look_of(chosen)
    axes.vlines(confidence, confidence, accuracy, color=look.color, alpha=0.35, linewidth=3)
    axes.plot(confidence, accuracy, color=look.color, linewidth=1.2, alpha=0.6)
    size = 14 + 150 * counts / counts.max()
    face = "white" if look.hollow else look.color
    axes.scatter(confidence, accuracy, s=size, color=face, edgecolor=look.color, zorder=3)
    axes.set_title(shorten(chosen.shown))
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.04))
    axes.set(xticks=UNIT_TICKS, yticks=UNIT_TICKS)
    return figure


@styled
def size_figure(results: Results, arm: str) -> Figure:
    """Misalignment against the size of the region in the last round in which it was recorded.

    Regions without any pixel are left out, as the axis is logarithmic.

    Raises:
        UnknownName: if there is no such arm.
        DataError: if none of its runs has recorded points.
    """
    chosen = arm_named(results, arm)
    points = size_points_of(chosen)
    _require(points, f"sizes of regions of arm {arm!r}")
    area, misalignment = np.array(points).T
    figure, axes = canvas()
    look = look_of(chosen)
    axes.scatter(
        area,
        misalignment,
        s=13,
        marker=look.marker,
        color=look.color,
        alpha=0.4,
        linewidth=0,
        rasterized=True,
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.set_title(shorten(chosen.shown))
    axes.set(xlabel="region, share of the image", ylabel="misalignment", ylim=(-0.03, 1.03))
    axes.set(yticks=UNIT_TICKS)
    return figure


@styled
def correlation_figure(results: Results) -> Figure:
    """Spearman correlation of misalignment with region size, round by round, mean over seeds.

    Raises:
        DataError: if no run has recorded a correlation.
    """
    lines = [(arm, c) for arm in drawn_of(results) if (c := correlations_of(arm))]
    _require(lines, "correlations of misalignment with region size")
    figure, axes = canvas()
    axes.axhline(0, **ZERO)
    for arm, found in lines:
        axes.plot([r for r, _ in found], [rho for _, rho in found], **line_of(look_of(arm)))
    arm_legend(figure, [arm for arm, _ in lines])
    axes.set_title("Spearman correlation with region size", color=QUIET, fontsize=8.5)
    axes.set(xlabel="round", ylim=(-1.05, 1.05), yticks=(-1, -0.5, 0, 0.5, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return figure


@styled
def class_balance_figure(results: Results, arm: str) -> Figure:
    """Shares of the classes among what an arm asked for in each round, mean over seeds.

    Round 0 is the seed set.

    Raises:
        UnknownName: if there is no such arm.
        DataError: if its runs do not count classes.
    """
    chosen, classes = arm_named(results, arm), classes_of(results)
    asked = asked_per_round(chosen, classes)
    _require(asked, f"counts of classes of arm {arm!r}")
    table = np.array(asked)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1e-9)
    figure, axes = canvas()
    base = np.zeros(len(shares))
    for i in range(len(classes)):
        axes.bar(range(len(shares)), shares[:, i], bottom=base, width=0.84, **_fill(i))
        base += shares[:, i]
    legend_above(figure, [Patch(**_fill(i)) for i in range(len(classes))], classes, 1.2)
    axes.set_title(shorten(chosen.shown))
    axes.set(xlabel="round (0: seed set)", ylim=(0, 1), yticks=UNIT_TICKS)
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(visible=False)
    return figure


@styled
def recall_figure(results: Results) -> Figure:
    """Recall of every class after the last round: mean over seeds, whiskers of one deviation.

    Raises:
        DataError: if no run has a recall per class.
    """
    arms = [arm for arm in drawn_of(results) if final_recall(arm)]
    _require(arms, "recalls per class")
    classes = [c for c in classes_of(results) if any(c in final_recall(arm) for arm in arms)]
    figure, axes = canvas(1.1 + 0.2 * len(classes) * max(2, len(arms)))
    for i, arm in enumerate(arms):
        _recall_dots(axes, arm, classes, (i - (len(arms) - 1) / 2) * min(0.2, 0.7 / len(arms)))
    arm_legend(figure, arms)
    axes.set(xlabel="recall", xlim=(-0.02, 1.02), xticks=UNIT_TICKS)
    axes.set_yticks(range(len(classes)), [shorten(c, 18) for c in classes], color=INK)
    axes.set_ylim(len(classes) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    return figure


def _recall_dots(axes: Axes, arm: Arm, classes: Sequence[str], shift: float) -> None:
    look, recall = look_of(arm), final_recall(arm)
    known = [
        (i, *spread[:2]) for i, c in enumerate(classes) if (spread := pooled(recall.get(c, ())))
    ]
    rows, means, deviations = np.array(known).T
    style = line_of(look, linestyle="none")
    axes.errorbar(means, rows + shift, xerr=deviations, elinewidth=1.1, **style)


def _fill(i: int) -> dict[str, Any]:
    hatch = HATCHES[i // len(FILLS) % len(HATCHES)]
    face = FILLS[i % len(FILLS)]
    return {"facecolor": face, "edgecolor": "white", "linewidth": 0.8, "hatch": hatch}


def _require(found: object, what: str) -> None:
    if not found:
        raise DataError(f"the figure needs {what}, but the results hold none")
