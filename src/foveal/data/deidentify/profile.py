"""The Basic Application Level Confidentiality Profile as a table: `profile.tsv`.

Its rows are those of DICOM PS3.15 Annex E, Table E.1-1, edition 2026c: 652 attributes, and four
families of them (curves, overlay data and comments, private attributes). `basic` is the action of
the Basic Profile; the other columns are the actions under the options for modified dates, patient
characteristics, device identity and clean descriptors, in the edition of June 2025 (the nine rows
that came later have only the first).
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

EDITION = "2026c"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: `basic` as in the table (`X`, `Z/D`, `X/Z/U*`, ...); the rest are options.

    `dates` means C (shift) under modified dates; `characteristics` and `device` mean K (keep);
    `descriptors` means C (clean).
    """

    name: str
    basic: str
    dates: bool
    characteristics: bool
    device: bool
    descriptors: bool


@cache
def table() -> dict[int, Rule]:
    """Rules by tag (group * 65536 + element); families of tags are not in it."""
    return {int(tag, 16): rule for tag, rule in _rows() if _is_tag(tag)}


@cache
def families() -> dict[str, Rule]:
    """Rules of `50XXXXXX`, `60XX3000`, `60XX4000` and `PRIVATE`."""
    return {tag: rule for tag, rule in _rows() if not _is_tag(tag)}


def _rows() -> list[tuple[str, Rule]]:
    text = files(__package__).joinpath("profile.tsv").read_text(encoding="utf-8")
    lines = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [(line["tag"], _rule(line)) for line in lines]


def _rule(line: dict[str, str]) -> Rule:
    return Rule(
        name=line["name"],
        basic=line["basic"],
        dates=line["dates"] == "C",
        characteristics=line["characteristics"] == "K",
        device=line["device"] == "K",
        descriptors=line["descriptors"] == "C",
    )


def _is_tag(written: str) -> bool:
    return len(written) == 8 and all(c in "0123456789ABCDEF" for c in written)
