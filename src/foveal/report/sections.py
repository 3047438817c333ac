"""The sections of the page, each left out where the results have nothing for it."""

from collections.abc import Mapping, Sequence

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
from foveal.report.headline import curve_title
from foveal.report.lead import lead_of
from foveal.report.pictures import Picture, picture, slug
from foveal.report.reading import (
    MOST_ARMS,
    Arm,
    Results,
    arms_of,
    common_minutes,
    curve_of,
    drawn_of,
    metrics_of,
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
from foveal.report.section import Section
from foveal.report.words import count


def setup(results: Results) -> Section | None:
    """What was run: the arms and the command."""
    rows, runs = tables.arm_rows(results), len(results.get("runs") or ())
    if not rows and not results.get("command"):
        return None
    many = len(rows) > MOST_ARMS
    data = {"command": results.get("command"), "arms": rows, "many": many}
    title = f"{count(len(rows), 'arm')}, {count(runs, 'run')}" if many else "What was run"
    return Section("setup", "What was run", title, data)


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
    title = f"{count(total, 'image')} in the data set" if total else "Data"
    data = {
        "counts": [(str(part), f"{n:,}") for part, n in counts.items()],
        "classes": described.get("classes") or (),
        "lines": lines,
        "digest": described.get("digest"),
        "folds": ((results.get("spec") or {}).get("data") or {}).get("folds"),
    }
    return Section("pool", "Data", title, data)


def curves(results: Results) -> Section | None:
    """Learning curves of every metric, over labels and over expert minutes."""
    metrics = metrics_of(results)
    if not metrics:
        return None
    blocks = [(curve_title(results, m), metric_of(m).title, _curves(results, m)) for m in metrics]
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
    known = words.TARGET_ARM in (results.get("summary") or {})
    target = f"{words.TARGET_ARM}’s final" if known else "the target"
    many = len(arms) > MOST_ARMS
    data = {
        "blocks": blocks,
        "many": many,
        "marked": any(c[0] in tables.MARKS for b in blocks for r in b.rows for c in r.cells),
        "rounds": rounds,
        "alone": all(len(block.rows) == 1 for block in blocks),
        "columns": [words.capital(metric_of(m).title) for m in metrics],
        "bold": any(row.strong for block in blocks for row in block.rows),
        "need": f"Labels to reach {target}",
    }
    return Section("numbers", "Numbers", "The numbers behind the curves", data)


def cost(results: Results) -> Section | None:
    """Expert minutes of every arm, and where the arms stand after the same minutes."""
    rows, arms = tables.cost_rows(results), arms_of(results)
    if not rows:
        return None
    metric = next(iter(metrics_of(results)), "")
    common, lead = common_minutes(arms, metric), lead_of(results, metric)
    told = [] if lead is None else [arm for arm in (lead.arm, lead.rival) if arm is not None]
    data = {
        "rows": rows,
        "many": len(rows) > MOST_ARMS,
        "assumed": tables.definitions((results.get("spec") or {}).get("cost") or {}),
        "metric": words.capital(metric_of(metric).title),
        "common": None if common is None else words.number(common, 0),
    }
    return Section("cost", "Cost", words.cost_title(arms, metric, common, told), data)


def calibration(results: Results) -> Section | None:
    """Reliability diagrams."""
    arms = [arm for arm in drawn_of(results) if reliability_of(arm)]
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
    data = {"left_out": _left_out(results)}
    return Section("calibration", "Calibration", words.calibration_title(arms), data, pictures)


def size(results: Results) -> Section | None:
    """Whether misalignment measures attention or only the size of regions."""
    arms = [arm for arm in drawn_of(results) if size_points_of(arm)]
    lines = [(arm, rhos) for arm in drawn_of(results) if (rhos := correlations_of(arm))]
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
    data = {"left_out": _left_out(results)}
    return Section("size", "Misalignment and size", title, data, tuple(pictures))


def balance(results: Results) -> Section | None:
    """Classes of what was asked, round by round."""
    classes = classes_of(results)
    arms = [arm for arm in drawn_of(results) if asked_per_round(arm, classes)]
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
    data, title = {"left_out": _left_out(results)}, _balance_title(results, arms, classes)
    return Section("balance", "Classes asked", title, data, pictures)


def recall(results: Results) -> Section | None:
    """Recall of every class after the last round."""
    arms = [arm for arm in arms_of(results) if final_recall(arm)]
    if not arms:
        return None
    classes = [c for c in classes_of(results) if any(c in final_recall(arm) for arm in arms)]
    alt = "Recall of every class after the last round, a marker an arm."
    pictures = (picture("recall", recall_figure(results), alt),)
    rows = tables.recall_rows(results, classes)
    data = {"classes": classes, "rows": rows, "many": len(rows) > MOST_ARMS}
    return Section("recall", "Recall per class", _recall_title(results, arms), data, pictures)


def stopping(results: Results) -> Section | None:
    """What the stopping criteria said at the last query."""
    told = [(arm, advice_of(arm)) for arm in arms_of(results)]
    kept = [(tables.arm_name(arm), rows) for arm, rows in told if rows]
    if not kept:
        return None
    data = {"arms": kept, "many": len(kept) > MOST_ARMS}
    return Section("stopping", "When to stop", words.stopping_title([r for _, r in kept]), data)


def notes(results: Results) -> Section | None:
    """What the runs noted on their way."""
    found = [(tables.arm_name(arm), notes_of(arm)) for arm in arms_of(results)]
    kept = [(arm, said) for arm, said in found if said]
    data = {"notes": kept, "many": len(kept) > MOST_ARMS}
    return Section("notes", "Notes", "Notes from the runs", data) if kept else None


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


def _balance_title(results: Results, arms: Sequence[Arm], classes: Sequence[str]) -> str:
    arm = _lead(results, arms)
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


def _lead(results: Results, arms: Sequence[Arm]) -> Arm:
    """The arm of the headline, or the first where that has nothing to show."""
    lead = lead_of(results, next(iter(metrics_of(results)), ""))
    return lead.arm if lead is not None and lead.arm in arms else arms[0]


def _left_out(results: Results) -> int:
    return len(arms_of(results)) - len(drawn_of(results))


def _recall_title(results: Results, arms: Sequence[Arm]) -> str:
    arm = _lead(results, arms)
    means = {c: sum(v) / len(v) for c, v in final_recall(arm).items()}
    worst = min(means, key=lambda c: means[c])
    return f"{arm.shown} recognizes {worst} least often (recall {words.number(means[worst], 2)})"
