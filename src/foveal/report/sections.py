"""The sections of the page, each left out where the results have nothing for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foveal.report import tables, words
from foveal.report.figures import (
    AXES,
    class_balance_figure,
    correlation_figure,
    curves_figure,
    recall_figure,
    reliability_figure,
    size_figure,
)
from foveal.report.glossary import METRICS, TERMS, metric_of
from foveal.report.pictures import Picture, picture, slug
from foveal.report.reading import (
    Arm,
    Results,
    arms_of,
    common_minutes,
    contrasts_of,
    curve_of,
    metrics_of,
    ranked,
)
from foveal.report.rounds import (
    advice_of,
    asked_per_round,
    classes_of,
    correlations_of,
    final_recall,
    notes_of,
    reliability_of,
    size_points_of,
)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page: its anchor and template are `id`, its title states the finding."""

    id: str
    short: str
    title: str
    data: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()


Builder = Callable[[Results], Section | None]


def setup(results: Results) -> Section | None:
    """What was run: the arms and the command."""
    data = {"command": results.get("command"), "arms": tables.arm_rows(results)}
    return Section("setup", "What was run", "What was run", data) if any(data.values()) else None


def settings(results: Results) -> Section | None:
    """Every setting, defaults included, and the machine."""
    spec = results.get("spec") or {}
    groups = [(k.replace("_", " "), v) for k, v in spec.items() if isinstance(v, Mapping)]
    plain = {k: v for k, v in spec.items() if not isinstance(v, Mapping) and k != "arms"}
    listed = [("experiment", tables.definitions(plain))] if plain else []
    listed += [(k, tables.definitions(v)) for k, v in groups]
    if machine := results.get("machine"):
        listed.append(("machine", tables.definitions(machine)))
    title = "Every setting, before the arms' own changes" if spec.get("arms") else "Every setting"
    return Section("settings", "Settings", title, {"groups": listed}) if listed else None


def pool(results: Results) -> Section | None:
    """Data receipt: counts of the parts, classes, and what the leak guard found."""
    described = results.get("pool") or {}
    if not described:
        return None
    lines = (described.get("receipt") or {}).get("lines") or ()
    counts = described.get("counts") or {}
    total = sum(n for n in counts.values() if isinstance(n, int))
    title = f"{words.count(total, 'image')} in the data set" if total else "Data"
    data = {
        "counts": [(str(part), f"{n:,}") for part, n in counts.items()],
        "classes": described.get("classes") or (),
        "lines": lines,
        "digest": described.get("digest"),
    }
    return Section("pool", "Data", title, data)


def curves(results: Results) -> Section | None:
    """Learning curves of every metric, over labels and over expert minutes."""
    metrics = metrics_of(results)
    if not metrics:
        return None
    blocks = [
        (words.curve_title(results, m), metric_of(m).title, _curves(results, m)) for m in metrics
    ]
    return Section(
        "curves",
        "Learning curves",
        "Learning curves",
        {"blocks": blocks},
        tuple(p for _, _, pictures in blocks for p in pictures),
    )


def numbers(results: Results) -> Section | None:
    """The summary table, and for a single run its rounds."""
    blocks, arms, metrics = tables.summary_blocks(results), arms_of(results), metrics_of(results)
    single = len(arms) == 1 and len(arms[0].runs) == 1 and bool(metrics)
    rounds = tables.round_rows(arms[0], metrics) if single else []
    if not blocks and not rounds:
        return None
    data = {
        "blocks": blocks,
        "rounds": rounds,
        "alone": all(len(block.rows) == 1 for block in blocks),
        "columns": [words.capital(metric_of(m).title) for m in metrics],
        "bold": any(row.strong for block in blocks for row in block.rows),
        "target": words.TARGET_ARM if words.TARGET_ARM in (results.get("summary") or {}) else None,
    }
    return Section("numbers", "Numbers", "The numbers behind the curves", data)


def tests(results: Results) -> Section | None:
    """Paired tests over seeds."""
    contrasts = contrasts_of(results)
    if not contrasts:
        return None
    data = {
        "blocks": tables.test_blocks(results),
        "seeds": min(len(arm.runs) for arm in arms_of(results)) if results.get("runs") else 0,
        "warnings": results.get("warnings") or (),
    }
    return Section("tests", "Tests", words.tests_title(contrasts), data)


def cost(results: Results) -> Section | None:
    """Expert minutes of every arm, and where the arms stand after the same minutes."""
    rows, arms = tables.cost_rows(results), arms_of(results)
    if not rows:
        return None
    metric = next(iter(metrics_of(results)), "")
    common = common_minutes(arms, metric)
    data = {
        "rows": rows,
        "assumed": tables.definitions((results.get("spec") or {}).get("cost") or {}),
        "metric": words.capital(metric_of(metric).title),
        "common": None if common is None else words.number(common, 0),
    }
    return Section("cost", "Cost", words.cost_title(arms, metric, common), data)


def calibration(results: Results) -> Section | None:
    """Reliability diagrams."""
    arms = [arm for arm in arms_of(results) if reliability_of(arm)]
    if not arms:
        return None
    pictures = tuple(
        picture(
            f"reliability-{_stem(arm)}",
            reliability_figure(results, arm.name),
            f"Reliability diagram of {arm.shown}: accuracy against confidence.",
        )
        for arm in arms
    )
    return Section("calibration", "Calibration", words.calibration_title(arms), {}, pictures)


def size(results: Results) -> Section | None:
    """Whether misalignment measures attention or only the size of regions."""
    arms = [arm for arm in arms_of(results) if size_points_of(arm)]
    lines = [(arm, rhos) for arm in arms_of(results) if (rhos := correlations_of(arm))]
    if not arms and not lines:
        return None
    pictures = [
        picture(
            f"misalignment-size-{_stem(arm)}",
            size_figure(results, arm.name),
            f"Scatter plot for {arm.shown}: misalignment against share of the image in the region.",
        )
        for arm in arms
    ]
    if lines:
        alt = "Spearman correlation of misalignment with region size, round by round."
        pictures.insert(0, picture("misalignment-size", correlation_figure(results), alt))
    title = "Misalignment and the size of regions"
    if lines:
        honest = [line for line in lines if not line[0].oracle] or lines
        strongest = max(honest, key=lambda line: abs(line[1][-1][1]))
        title = words.size_title(strongest[0].shown, strongest[1][-1][1])
    return Section("size", "Misalignment and size", title, {}, tuple(pictures))


def balance(results: Results) -> Section | None:
    """Classes of what was asked, round by round."""
    classes = classes_of(results)
    arms = [arm for arm in arms_of(results) if asked_per_round(arm, classes)]
    if not arms:
        return None
    pictures = tuple(
        picture(
            f"class-balance-{_stem(arm)}",
            class_balance_figure(results, arm.name),
            f"Stacked bars for {arm.shown}: share of each class among the labels of each round.",
        )
        for arm in arms
    )
    return Section("balance", "Classes asked", _balance_title(arms, classes), {}, pictures)


def recall(results: Results) -> Section | None:
    """Recall of every class after the last round."""
    arms = [arm for arm in arms_of(results) if final_recall(arm)]
    if not arms:
        return None
    classes = [c for c in classes_of(results) if any(c in final_recall(arm) for arm in arms)]
    alt = "Recall of every class after the last round, a marker an arm."
    pictures = (picture("recall", recall_figure(results), alt),)
    data = {"classes": classes, "rows": tables.recall_rows(results, classes)}
    return Section("recall", "Recall per class", _recall_title(arms), data, pictures)


def stopping(results: Results) -> Section | None:
    """What the stopping criteria said at the last query."""
    told = [(arm, advice_of(arm)) for arm in arms_of(results)]
    kept = [(tables.arm_name(arm), rows) for arm, rows in told if rows]
    if not kept:
        return None
    data = {"arms": kept}
    return Section("stopping", "When to stop", words.stopping_title([r for _, r in kept]), data)


def notes(results: Results) -> Section | None:
    """What the runs noted on their way."""
    found = [(tables.arm_name(arm), notes_of(arm)) for arm in arms_of(results)]
    kept = [(arm, said) for arm, said in found if said]
    return Section("notes", "Notes", "Notes from the runs", {"notes": kept}) if kept else None


def glossary(results: Results) -> Section:
    """One sentence on every metric shown and every term used."""
    shown = [(METRICS[m].title, METRICS[m].definition) for m in metrics_of(results) if m in METRICS]
    entries = [(words.capital(title), definition) for title, definition in shown]
    return Section("glossary", "Definitions", "Definitions", {"terms": [*entries, *TERMS.items()]})


def _curves(results: Results, metric: str) -> list[Picture]:
    title, arms = metric_of(metric).title, arms_of(results)
    pictures = []
    for axis, name in AXES.items():
        if any(curve_of(arm, metric, axis) for arm in arms):
            drawn = curves_figure(results, metric, axis)
            alt = f"Learning curves: {title} against {name}, one line an arm."
            pictures.append(picture(f"curve-{slug(metric)}-{axis}", drawn, alt))
    return pictures


def _stem(arm: Arm) -> str:
    return f"{arm.position + 1}-{slug(arm.name)}"


def _balance_title(arms: Sequence[Arm], classes: Sequence[str]) -> str:
    arm = _lead(arms)
    bought = asked_per_round(arm, classes)[1:]
    totals = [sum(column) for column in zip(*bought, strict=True)]
    if not totals or not sum(totals):
        return "Classes of what was asked"
    shares = sorted(((t / sum(totals), c) for t, c in zip(totals, classes, strict=True)))
    (low, rare), (high, common) = shares[0], shares[-1]
    return (
        f"{arm.shown} asked most for {common} ({words.percent(high)} of its queries) and least for "
        f"{rare} ({words.percent(low)})"
    )


def _lead(arms: Sequence[Arm]) -> Arm:
    metrics = metrics_of({"runs": [run for arm in arms for run in arm.runs]})
    places = ranked(arms, metrics[0]) if metrics else []
    return places[0][0] if places else arms[0]


def _recall_title(arms: Sequence[Arm]) -> str:
    arm = _lead(arms)
    means = {c: sum(v) / len(v) for c, v in final_recall(arm).items()}
    worst = min(means, key=lambda c: means[c])
    return f"{arm.shown} recognizes {worst} least often (recall {words.number(means[worst], 2)})"


BEFORE_GALLERY: tuple[Builder, ...] = (setup, pool, curves, numbers, tests, cost)
AFTER_GALLERY: tuple[Builder, ...] = (
    calibration,
    size,
    balance,
    recall,
    stopping,
    notes,
    settings,
    glossary,
)
