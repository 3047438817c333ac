"""Reference: how far each arm comes with a share of the labels, beside training on all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foveal.evaluate import share_to_full
from foveal.report.glossary import metric_of
from foveal.report.reading import Results, arms_of, full_value, mean_of, metrics_of
from foveal.report.section import Section
from foveal.report.tables import ArmName, arm_name
from foveal.report.words import number, percent

ENOUGH = 0.95  # of what all labels give


@dataclass(frozen=True, slots=True)
class Against:
    """One arm: the share of all labels at which its mean curve has `ENOUGH` of the full value (None
    if never), its last value as a share of that, and the share of labels it has then."""

    arm: str
    share: float | None
    of_full: float
    last_share: float


def against_all(
    runs: Sequence[Mapping[str, Any]], reference: Mapping[str, Any] | None, metric: str
) -> list[Against]:
    """A row for each arm, the one that needs fewest labels first; none without a reference.

    Curves are means over seeds, and so is the full value, which must be above 0 to be a share of.
    """
    full = full_value(reference, metric)
    if reference is None or full is None or full <= 0:
        return []
    rows = []
    for arm in dict.fromkeys(run["strategy"] for run in runs):
        mine = [r for r in runs if r["strategy"] == arm and metric in r["metrics"]]
        if not mine:
            continue
        rounds = min(len(r["metrics"][metric]) for r in mine)
        curve = [mean_of([r["metrics"][metric][i] for r in mine]) for i in range(rounds)]
        if not rounds or curve[-1] is None:
            continue
        labels = mine[0]["labels"][:rounds]
        share = share_to_full(labels, curve, full, reference["labels"], ENOUGH)
        rows.append(Against(arm, share, curve[-1] / full, labels[-1] / reference["labels"]))
    return sorted(rows, key=lambda r: (r.share is None, r.share or 0, -r.of_full))


def reference_section(results: Results) -> Section | None:
    """All labels against few, as a table; None where no run had all of them."""
    reference, metric = results.get("reference"), next(iter(metrics_of(results)), "")
    rows = against_all(results.get("runs") or (), reference, metric)
    if not rows or reference is None:
        return None
    full, title = reference["metrics"][metric], metric_of(metric).title
    first = rows[0]
    what = f"{percent(ENOUGH)} of the {title} of all labels"
    known = {arm.name: arm_name(arm) for arm in arms_of(results)}
    head = (
        f"No arm reaches {what}"
        if first.share is None
        else f"{first.arm} reaches {what} with {percent(first.share)} of them"
    )
    values = {
        "labels": reference["labels"],
        "title": title,
        "enough": percent(ENOUGH),
        "full": number(mean_of(full)),
        "seeds": len(full),
        "rows": [
            (
                known.get(row.arm) or ArmName(row.arm),
                "not reached" if row.share is None else percent(row.share),
                percent(row.of_full),
                percent(row.last_share),
            )
            for row in rows
        ],
    }
    return Section("reference", "All labels", head, values)
