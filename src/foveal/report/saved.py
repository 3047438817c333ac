"""Labels and minutes saved: when each arm reaches what random choice reaches at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from foveal.core.errors import DataError
from foveal.report.contrasts import Contrast, against
from foveal.report.drawing import (
    FILLS,
    INK,
    QUIET,
    canvas,
    legend_above,
    row_labels,
    styled,
)
from foveal.report.glossary import metric_of
from foveal.report.pictures import Picture, picture, slug
from foveal.report.reading import Arm, Results, arms_of, finite, metrics_of, pooled, standing_out
from foveal.report.rounds import last_of
from foveal.report.section import Section
from foveal.report.tables import ArmName, arm_name
from foveal.report.words import TARGET_ARM, count, labels_to_target, number, percent, whole_labels

BAR = 0.36  # of the height of a row
LABELS: dict[str, Any] = {"facecolor": FILLS[0]}
MINUTES: dict[str, Any] = {"facecolor": FILLS[1], "hatch": "///", "edgecolor": "white"}


@dataclass(frozen=True, slots=True)
class Saving:
    """What one arm needs to reach random's final value: labels and minutes, of those of random.

    None where it is not reached, or where nothing is known about minutes.
    """

    arm: Arm
    labels: float | None
    labels_of: float
    minutes: float | None = None
    minutes_of: float | None = None
    contrast: Contrast | None = None

    @property
    def share(self) -> float | None:
        """Labels as a share of random's."""
        return None if self.labels is None else self.labels / self.labels_of

    @property
    def share_of_minutes(self) -> float | None:
        """Minutes as a share of random's."""
        if self.minutes is None or not self.minutes_of:
            return None
        return self.minutes / self.minutes_of

    @property
    def shown(self) -> bool:
        """Whether the arm was shown to be better than random over the whole curve."""
        return self.contrast is not None and self.contrast.better


@dataclass(frozen=True, slots=True)
class Said:
    """A saving as the page says it."""

    arm: ArmName
    words: str
    shown: bool


def savings_of(results: Results, metric: str) -> list[Saving]:
    """A saving for each arm but random, the fewest labels first; none without an arm `random`."""
    arms = arms_of(results)
    random = next((arm for arm in arms if arm.name == TARGET_ARM), None)
    labels = None if random is None else last_of(random, "labels")
    if random is None or labels is None or not labels[0]:
        return []
    seconds = last_of(random, "cost_seconds")
    tests = against(results, metric, TARGET_ARM, arms)
    summary = results.get("summary") or {}
    made = [
        Saving(
            arm,
            labels_to_target(results, arm.name, metric),
            labels[0],
            finite(summary[arm.name][metric].get("minutes_to_target")),
            None if seconds is None else seconds[0] / 60,
            tests.get(arm.name),
        )
        for arm in arms
        if arm is not random and (summary.get(arm.name) or {}).get(metric)
    ]
    return sorted(made, key=lambda s: (s.share is None, s.share or 0, s.arm.position))


def own_reach(results: Results, metric: str) -> float | None:
    """Labels at which random itself first meets its final value, by the rule for all arms."""
    return labels_to_target(results, TARGET_ARM, metric)


def nothing_to_save(results: Results, metric: str) -> bool:
    """Whether the seed set alone is as good as random at its end."""
    random = next((arm for arm in arms_of(results) if arm.name == TARGET_ARM), None)
    first = (
        pooled([run["labels"][0] for run in random.runs if run.get("labels")]) if random else None
    )
    reach = own_reach(results, metric)
    return first is not None and reach is not None and reach <= first[0]


def saving_words(saving: Saving, metric: str) -> str:
    """The saving as a sentence without its subject."""
    target = f"random’s final {metric_of(metric).title}"
    if saving.labels is None or saving.share is None:
        return f"does not reach {target}."
    said = (
        f"reaches {target} with {percent(saving.share)} of its labels "
        f"({whole_labels(saving.labels):,} of {number(saving.labels_of, 0)})"
    )
    time = saving.share_of_minutes
    if time is None or saving.minutes is None:
        return f"{said}."
    turn = "but" if saving.share < 1 <= time else "and"
    return (
        f"{said} {turn} {percent(time)} of its expert minutes "
        f"({number(saving.minutes, 0)} of {number(saving.minutes_of, 0)})."
    )


def saved_title(savings: Sequence[Saving], metric: str, own: float | None = None) -> str:
    """The largest saving of an arm that was shown to be better, else how many reach the target.

    Early is what comes before random itself first meets its final value, with `own` labels.
    """
    target = f"random’s final {metric_of(metric).title}"
    honest = [s for s in savings if not s.arm.oracle] or savings
    early = [
        s
        for s in honest
        if s.labels is not None and s.labels < (s.labels_of if own is None else own)
    ]
    sure = [s for s in early if s.shown]
    if sure and sure[0].share is not None:
        return f"{sure[0].arm.shown} reaches {target} with {percent(sure[0].share)} of its labels"
    if not early:
        return f"No arm reaches {target} with fewer labels"
    of = f"{len(early)} of {count(len(honest), 'honest arm' if honest != savings else 'arm')}"
    verb = "reaches" if len(early) == 1 else "reach"
    return f"{of} {verb} {target} with fewer labels, but none was shown to be better over the curve"


def saved(results: Results) -> Section | None:
    """Labels and minutes to random's final value, in words and as bars."""
    metric = next(iter(metrics_of(results)), "")
    savings = savings_of(results, metric)
    if not savings:
        return None
    if nothing_to_save(results, metric):
        title = (
            f"No labels to save: random ends no better than it began ({metric_of(metric).title})"
        )
        return Section("saved", "Labels saved", title, {"said": [], "folded": []})
    told = standing_out([s.arm for s in savings], metric)
    first = [s for s in savings if s.arm.name in told or s.shown]
    said = [
        [Said(arm_name(s.arm), saving_words(s, metric), s.shown) for s in part]
        for part in (first, [s for s in savings if s not in first])
    ]
    own = own_reach(results, metric)
    data = {
        "said": said[0],
        "folded": said[1],
        "own": number(own, 0) if own is not None and own < savings[0].labels_of else None,
        "sure": any(s.shown for s in savings),
    }
    pictures: tuple[Picture, ...] = ()
    if any(s.share is not None for s in first):
        alt = "Labels and expert minutes that each arm needs to reach random’s final value."
        pictures = (picture(f"saved-{slug(metric)}", saved_figure(results, metric), alt),)
    return Section("saved", "Labels saved", saved_title(savings, metric, own), data, pictures)


@styled
def saved_figure(results: Results, metric: str) -> Figure:
    """Bars of labels and minutes to random's final value, as shares of what random spends.

    Raises:
        DataError: if no arm reaches that value.
    """
    savings = savings_of(results, metric)
    told = standing_out([s.arm for s in savings], metric)
    drawn = [s for s in savings if s.arm.name in told or s.shown]
    if not any(s.share is not None for s in drawn):
        raise DataError(
            "the figure needs an arm that reaches random's final value, but the results hold none"
        )
    timed = any(s.share_of_minutes is not None for s in drawn)
    height = BAR if timed else 2 * BAR
    figure, axes = canvas(0.7 + (0.36 if timed else 0.24) * len(drawn), width=6.4)
    for y, saving in enumerate(drawn):
        if saving.share is None:
            axes.text(0.01, y, "not reached", color=QUIET, va="center", fontsize=8)
            continue
        axes.barh(y - (BAR / 2 if timed else 0), saving.share, height, **LABELS)
        if saving.share_of_minutes is not None:
            axes.barh(y + BAR / 2, saving.share_of_minutes, height, **MINUTES)
    axes.axvline(1, color=INK, linewidth=1.2)
    row_labels(axes, [s.arm.shown for s in drawn])
    axes.set_xlabel(f"needed for random’s final {metric_of(metric).title}, share of what it spends")
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    if timed:
        legend_above(figure, [Patch(**LABELS), Patch(**MINUTES)], ["labels", "expert minutes"], 1.2)
    return figure
