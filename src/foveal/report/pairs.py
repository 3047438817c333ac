"""Pairs: every paired test as a row, those against random choice first and drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure

from foveal.core.errors import DataError
from foveal.report.contrasts import Contrast, against, contrasts_of
from foveal.report.drawing import ZERO, canvas, look_of, row_labels, styled
from foveal.report.glossary import metric_of
from foveal.report.pictures import Picture, picture, slug
from foveal.report.reading import MOST_ARMS, Arm, Results, arms_of, standing_out
from foveal.report.section import Section
from foveal.report.tables import ArmName, arm_name
from foveal.report.words import MISSING, count, number, p_words, signed

MOST_ROWS = 100  # pairs of two strategies that a page of many arms lists, most telling first
UNFOLDED = 12  # so many of them are read at once


@dataclass(frozen=True, slots=True)
class TestRow:
    """One comparison; `shown` marks it."""

    a: ArmName
    b: ArmName
    cells: tuple[str, ...]
    shown: bool


@dataclass(frozen=True, slots=True)
class TestBlock:
    """The tests of a metric: against random choice, the others, and how many are not listed."""

    title: str
    first: tuple[TestRow, ...]
    rest: tuple[TestRow, ...]
    unlisted: int = 0
    pictures: tuple[Picture, ...] = ()

    @property
    def shown(self) -> int:
        """Differences that were shown, among those listed."""
        return sum(row.shown for row in (*self.first, *self.rest))


def tests(results: Results) -> Section | None:
    """Paired tests over seeds, with effect sizes where the results hold them."""
    contrasts = contrasts_of(results)
    if not contrasts:
        return None
    blocks = test_blocks(results)
    pairs = [c.pairs for c in contrasts if c.pairs is not None]
    runs = [len(arm.runs) for arm in arms_of(results)]
    data = {
        "columns": [column for column, _ in _columns(contrasts)],
        "blocks": blocks,
        "seeds": min(pairs or runs, default=0),
        "least": least_wilcoxon(contrasts),
        "families": any(test.get("family") == "random" for test in results["tests"]),
        "unfolded": UNFOLDED,
        "warnings": results.get("warnings") or (),
    }
    pictures = tuple(p for block in blocks for p in block.pictures)
    return Section("tests", "Tests", tests_title(contrasts), data, pictures)


def tests_title(contrasts: Sequence[Contrast]) -> str:
    """How many of the comparisons show a difference."""
    shown = sum(c.shown for c in contrasts)
    if not shown:
        return f"No difference was shown in {count(len(contrasts), 'comparison')}"
    differ = "is" if shown == 1 else "are"
    return f"{shown} of {count(len(contrasts), 'difference')} {differ} significant"


def test_blocks(results: Results) -> tuple[TestBlock, ...]:
    """A block a metric; tests against random choice stand first, each arm minus random choice."""
    arms, contrasts = arms_of(results), contrasts_of(results)
    names = {arm.name: arm_name(arm) for arm in arms}
    columns = _columns(contrasts)
    by_metric: dict[str, list[Contrast]] = {}
    for contrast in contrasts:
        by_metric.setdefault(contrast.metric, []).append(contrast)
    return tuple(
        replace(
            _block(metric_of(metric).title, *_divided(results, metric, members), names, columns),
            pictures=_pictures(results, metric),
        )
        for metric, members in by_metric.items()
    )


def least_wilcoxon(contrasts: Sequence[Contrast]) -> str:
    """The least p that Wilcoxon's test can give with so few seeds, if that exceeds the level."""
    pairs = [c.pairs for c in contrasts if c.pairs and c.p_wilcoxon is not None]
    least = 2.0 ** (1 - max(pairs)) if pairs else 0.0
    return number(least) if least >= 0.05 else ""


@styled
def effects_figure(results: Results, metric: str) -> Figure:
    """Differences in AUBC from random choice: mean over seeds, 95 % bootstrap interval.

    Filled markers survive Holm's adjustment. Of many arms those that stand out are drawn.

    Raises:
        DataError: if there is no test against an arm that chooses at random.
    """
    rows = _drawn(results, metric)
    if not rows:
        raise DataError("the figure needs tests against random choice, but the results hold none")
    figure, axes = canvas(0.8 + 0.24 * len(rows), width=6.4)
    axes.axvline(0, **ZERO)
    for y, (arm, contrast) in enumerate(rows):
        look, difference = look_of(arm), contrast.difference or 0.0
        if contrast.interval is not None:
            axes.plot(contrast.interval, (y, y), color=look.color, linewidth=2)
        face = look.color if contrast.shown else "white"
        axes.plot(
            [difference],
            [y],
            linestyle="none",
            marker=look.marker,
            markersize=6.5,
            markerfacecolor=face,
            markeredgecolor=look.color,
            markeredgewidth=1.3,
        )
    row_labels(axes, [arm.shown for arm, _ in rows])
    rival = next(arm.shown for arm in arms_of(results) if arm.baseline)
    axes.set_xlabel(f"difference in AUBC from {rival}, {metric_of(metric).title}")
    axes.grid(visible=False, axis="y")
    return figure


def _drawn(results: Results, metric: str) -> list[tuple[Arm, Contrast]]:
    """Arms and their tests against random choice, the largest gain on top."""
    arms = arms_of(results)
    rival = next((arm.name for arm in arms if arm.baseline), None)
    if rival is None:
        return []
    found = against(results, metric, rival, arms)
    told = standing_out(arms, metric) | {name for name, test in found.items() if test.shown}
    rows = [
        (arm, found[arm.name])
        for arm in arms
        if arm.name in found and arm.name in told and found[arm.name].difference is not None
    ]
    return sorted(rows, key=lambda row: -(row[1].gain or 0))


def _pictures(results: Results, metric: str) -> tuple[Picture, ...]:
    if len(_drawn(results, metric)) < 2:
        return ()
    alt = f"Differences in AUBC from random choice, {metric_of(metric).title}, an arm a row."
    return (picture(f"effects-{slug(metric)}", effects_figure(results, metric), alt),)


def _divided(
    results: Results, metric: str, members: Sequence[Contrast]
) -> tuple[list[Contrast], list[Contrast]]:
    arms = arms_of(results)
    rival = next((arm.name for arm in arms if arm.baseline), None)
    if rival is None:
        return [], list(members)
    first = list(against(results, metric, rival, arms).values())
    rest = [c for c in members if rival not in (c.a, c.b)]
    if len(arms) > MOST_ARMS:
        first.sort(key=lambda c: -(c.gain or 0))
        rest.sort(key=lambda c: 1.0 if c.p is None else c.p)
    return first, rest


def _block(
    title: str,
    first: Sequence[Contrast],
    rest: Sequence[Contrast],
    names: Mapping[str, ArmName],
    columns: Sequence[tuple[str, int]],
) -> TestBlock:
    kept = rest if len(rest) <= MOST_ROWS else rest[:MOST_ROWS]
    top, under = (tuple(_row(c, names, columns) for c in part) for part in (first, kept))
    return TestBlock(title, top, under, len(rest) - len(kept))


def _row(
    contrast: Contrast, names: Mapping[str, ArmName], columns: Sequence[tuple[str, int]]
) -> TestRow:
    cells = _cells(contrast)
    return TestRow(
        names.get(contrast.a, ArmName(contrast.a)),
        names.get(contrast.b, ArmName(contrast.b)),
        tuple(cells[i] for _, i in columns),
        contrast.shown,
    )


def _cells(c: Contrast) -> tuple[str, ...]:
    interval = c.interval and f"{signed(c.interval[0])} to {signed(c.interval[1])}"
    return (
        signed(c.difference),
        interval or MISSING,
        signed(c.effect, 1),
        p_words(c.p),
        p_words(c.p_holm),
        p_words(c.p_wilcoxon),
        p_words(c.p_wilcoxon_holm),
    )


def _columns(contrasts: Sequence[Contrast]) -> list[tuple[str, int]]:
    """Headings and positions of the cells that any test has; the basic three are always there."""
    ranks = any(c.p_wilcoxon is not None for c in contrasts)
    test = ", t-test" if ranks else ""
    held = (
        ("Difference", True),
        ("95 % interval", any(c.interval is not None for c in contrasts)),
        ("Effect (d)", any(c.effect is not None for c in contrasts)),
        (f"p{test}", True),
        (f"p (Holm){test}", True),
        ("p, Wilcoxon", ranks),
        ("p (Holm), Wilcoxon", any(c.p_wilcoxon_holm is not None for c in contrasts)),
    )
    return [(title, i) for i, (title, there) in enumerate(held) if there]
