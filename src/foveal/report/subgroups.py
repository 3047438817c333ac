"""Subgroups: how well each arm does for each value of a column, and for whom it does worst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foveal.report.glossary import metric_of, ordered
from foveal.report.reading import Arm, Results, arms_of, drawn_of, finite, pooled
from foveal.report.section import Section
from foveal.report.tables import ArmName, arm_name
from foveal.report.words import MISSING, capital, number, plus_minus

SMALL = 20  # test images: below this a group's value says little


@dataclass(frozen=True, slots=True)
class Group:
    """One value of a column: its name and its test images."""

    value: str
    n: int

    @property
    def small(self) -> bool:
        """Whether it is too small to be compared."""
        return self.n < SMALL


@dataclass(frozen=True, slots=True)
class SubgroupRow:
    """An arm: a cell a group, the worst group and its gap to the best."""

    arm: ArmName
    cells: tuple[str, ...]
    worst: str
    gap: str


@dataclass(frozen=True, slots=True)
class SubgroupTable:
    """One metric for the groups of one column."""

    title: str
    groups: tuple[Group, ...]
    rows: tuple[SubgroupRow, ...]


def subgroups(results: Results) -> Section | None:
    """A table for each column and metric; the first metric's is unfolded."""
    drawn = drawn_of(results)
    columns = list(dict.fromkeys(c for arm in drawn for run in arm.runs for c in _columns(run)))
    blocks = [(column, t) for column in columns if (t := _tables(drawn, column))]
    if not blocks:
        return None
    small = any(group.small for _, tables in blocks for table in tables for group in table.groups)
    data = {
        "blocks": blocks,
        "small": small,
        "least": SMALL,
        "left_out": len(arms_of(results)) - len(drawn),
    }
    return Section("subgroups", "Subgroups", subgroups_title(drawn, columns), data)


def groups_of(arms: Sequence[Arm], column: str) -> tuple[Group, ...]:
    """The values of a column with the most test images any run counted, largest first."""
    sizes: dict[str, int] = {}
    for arm in arms:
        for run in arm.runs:
            for value, held in _held(run, column).items():
                sizes[value] = max(sizes.get(value, 0), int(finite(held.get("n")) or 0))
    return tuple(
        Group(v, n) for v, n in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    )


def value_of(arm: Arm, column: str, value: str, metric: str) -> tuple[float, float, int] | None:
    """Mean, deviation and count over seeds of a metric in one group."""
    held = (_held(run, column).get(value) or {} for run in arm.runs)
    return pooled([(entry.get("metrics") or {}).get(metric) for entry in held])


def worst_and_best(
    arm: Arm, column: str, metric: str, groups: Sequence[Group]
) -> tuple[tuple[str, float], tuple[str, float]] | None:
    """The groups with the worst and the best mean, small ones aside; None for fewer than two."""
    found = [
        (group.value, spread[0])
        for group in groups
        if not group.small and (spread := value_of(arm, column, group.value, metric))
    ]
    if len(found) < 2:
        return None
    sign = 1 if metric_of(metric).better == "higher" else -1
    order = sorted(found, key=lambda pair: sign * pair[1])
    return order[0], order[-1]


def subgroups_title(arms: Sequence[Arm], columns: Sequence[str]) -> str:
    """The widest gap that any arm has between two groups of the first metric with one."""
    gaps = [
        (abs(best[1] - worst[1]), arm, column, metric, worst, best)
        for column in columns
        for metric in _metrics(arms, column)[:1]
        for arm in arms
        if (ends := worst_and_best(arm, column, metric, groups_of(arms, column)))
        for worst, best in (ends,)
    ]
    if not gaps:
        return "Subgroups of the test images"
    _, arm, column, metric, worst, best = max(gaps, key=lambda gap: gap[0])
    return (
        f"{arm.shown} does worst where {column} is {worst[0]}: {metric_of(metric).title} "
        f"{number(worst[1], 2)}, against {number(best[1], 2)} where it is {best[0]}"
    )


def _tables(arms: Sequence[Arm], column: str) -> list[SubgroupTable]:
    groups = groups_of(arms, column)
    return [
        SubgroupTable(
            capital(metric_of(metric).title),
            groups,
            tuple(_row(arm, column, metric, groups) for arm in arms),
        )
        for metric in _metrics(arms, column)
    ]


def _row(arm: Arm, column: str, metric: str, groups: Sequence[Group]) -> SubgroupRow:
    spreads = [value_of(arm, column, group.value, metric) for group in groups]
    cells = tuple(plus_minus(*s[:2], digits=2) if s else MISSING for s in spreads)
    ends = worst_and_best(arm, column, metric, groups)
    if ends is None:
        return SubgroupRow(arm_name(arm), cells, MISSING, MISSING)
    worst, best = ends
    return SubgroupRow(arm_name(arm), cells, worst[0], number(abs(best[1] - worst[1]), 2))


def _metrics(arms: Sequence[Arm], column: str) -> tuple[str, ...]:
    return ordered(
        {
            str(metric)
            for arm in arms
            for run in arm.runs
            for entry in _held(run, column).values()
            for metric, value in (entry.get("metrics") or {}).items()
            if finite(value) is not None
        }
    )


def _columns(run: Results) -> list[str]:
    return [str(column) for column in run.get("subgroups") or ()]


def _held(run: Results, column: str) -> Mapping[str, Results]:
    groups = (run.get("subgroups") or {}).get(column) or {}
    return {str(value): entry or {} for value, entry in groups.items()}
