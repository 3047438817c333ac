"""The report of a de-identified folder: counts of what was done, never an original value."""

import json
from collections import Counter
from collections.abc import Mapping as Map
from dataclasses import asdict, dataclass
from typing import Any

from foveal.data.deidentify.ledger import Ledger
from foveal.data.deidentify.options import Options
from foveal.data.deidentify.profile import EDITION
from foveal.data.deidentify.rules import Action, name_of

MEANINGS = {
    Action.REMOVE: "removed",
    Action.EMPTY: "emptied",
    Action.DUMMY: "replaced by a dummy",
    Action.UID: "renamed",
    Action.PSEUDONYM: "replaced by the pseudonym",
    Action.SHIFT: "shifted",
    Action.WORDS: "cleaned",
    Action.AGE: "kept, capped at 90 years",
    Action.TRACE: "emptied, as it repeated a name or number, or was none",
}
WARNING = (
    "Pixels were not changed. Nobody has looked whether a face or written text is in them.",
    "Labels of segments, code meanings and names of devices and protocols' steps are kept as they",
    "were written, unless they repeated a name or number of the same file.",
)


@dataclass(frozen=True, slots=True)
class Report:
    """All counts are over the whole folder, not the last run alone, but `left_out` and `repeated`.

    attributes: tag as eight hex digits, name, action, count. held: reasons and counts of files.
    """

    version: str
    key: str
    options: Options
    patients: int
    studies: int
    series: int
    files: Map[str, int]
    attributes: tuple[tuple[str, str, str, int], ...]
    held: Map[str, int]
    left_out: Map[str, int]
    repeated: int

    def as_json(self) -> str:
        """All of it, for machines."""
        content: dict[str, Any] = {
            "foveal": self.version,
            "profile": f"DICOM PS3.15 {EDITION} Basic Application Level Confidentiality Profile",
            "codes": [{"value": value, "meaning": text} for value, text in self.options.codes()],
            "options": asdict(self.options),
            "key": self.key,
            "patients": self.patients,
            "studies": self.studies,
            "series": self.series,
            "files": dict(self.files),
            "held_back": dict(self.held),
            "left_out": dict(self.left_out),
            "repeated": self.repeated,
            "attributes": [
                {"tag": tag, "name": name, "action": action, "count": count}
                for tag, name, action, count in self.attributes
            ],
        }
        return json.dumps(content, indent=1) + "\n"

    def as_text(self) -> str:
        """A page for people."""
        return "\n".join([*self._summary(), "", *WARNING, "", *self._attributes()]) + "\n"

    def _summary(self) -> list[str]:
        options = ", ".join(f"{text} ({value})" for value, text in self.options.codes())
        return [
            f"De-identified by Foveal {self.version} after DICOM PS3.15 {EDITION}, Annex E",
            f"Profile and options: {options}",
            f"Key: {self.key}",
            "",
            f"{self.patients} patients, {self.studies} studies, {self.series} series, "
            f"{sum(self.files.values())} files",
            *_counted(self.files),
            f"Held back, not copied: {sum(self.held.values())} files",
            *_counted(self.held),
            f"Left out in the last run: {sum(self.left_out.values())} files",
            *_counted(self.left_out),
        ]

    def _attributes(self) -> list[str]:
        lines = ["What was done to attributes, in how many places:"]
        for tag, name, action, count in self.attributes:
            meaning = MEANINGS.get(Action(action), action)
            lines.append(f"{count:>9}  ({tag[:4]},{tag[4:]}) {name}: {meaning}")
        return lines


def report_of(
    ledger: Ledger,
    *,
    version: str,
    key: str,
    options: Options,
    left_out: Map[str, int],
    repeated: int,
) -> Report:
    """The report of all that is in a ledger."""
    done = ledger.done.values()
    series = {entry.out.rpartition("/")[0] for entry in done}
    attributes: Counter[tuple[int, str]] = Counter()
    for entry in done:
        for tag, action, count in ledger.actions[entry.actions]:
            attributes[(tag, action)] += count
    return Report(
        version=version,
        key=key,
        options=options,
        patients=len({folder.split("/")[0] for folder in series}),
        studies=len({folder.rpartition("/")[0] for folder in series}),
        series=len(series),
        files=dict(sorted(Counter(entry.type for entry in done).items())),
        attributes=tuple(
            (f"{tag:08X}", name_of(tag), action, count)
            for (tag, action), count in sorted(attributes.items())
        ),
        held=dict(sorted(Counter(ledger.held.values()).items())),
        left_out=dict(sorted(left_out.items())),
        repeated=repeated,
    )


def _counted(counts: Map[str, int]) -> list[str]:
    return [f"{count:>9}  {what}" for what, count in counts.items()]
