"""Failures: runs that stopped with an error, and what they stopped with."""

from dataclasses import dataclass

from foveal.report.reading import Results, arms_of
from foveal.report.section import Section
from foveal.report.tables import ArmName, arm_name, text
from foveal.report.words import count


@dataclass(frozen=True, slots=True)
class Failure:
    """One run that stopped: where, and the words of the error."""

    arm: ArmName
    seed: str
    round: str
    labels: str
    error: str


def failures(results: Results) -> Section | None:
    """A row for each run that stopped with an error."""
    held = results.get("failures") or ()
    if not held:
        return None
    names = {arm.name: arm_name(arm) for arm in arms_of(results)}
    rows = [
        Failure(
            names.get(str(f.get("arm")), ArmName(str(f.get("arm")))),
            text(f.get("seed")),
            text(f.get("round")),
            text(f.get("labels")),
            text(f.get("error")),
        )
        for f in held
    ]
    stopped = f"{count(len(rows), 'run')} stopped with an error"
    return Section("failures", "Failures", stopped, {"rows": rows})
