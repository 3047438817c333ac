"""Receipt: what was found in a source and what was done about it, for people and for files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

SplitMaker = Literal["manifest", "foveal", "mixed"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything that decides whether results on this pool can be believed.

    counts: images of each class in each part. usable, broken: images in the pool and left out.
    groups_known: distinct patients; samples_without_group: samples that stand for themselves.
    identical, near: pairs of images that repeat each other, by sides ("train_test"), as found.
    excluded: how many samples are excluded for which reason. conflicts: images whose very pixels
    occur again under another label. clusters: sets of repeats among the candidates. regions: how
    many samples have a known region. empty_region_classes: classes whose images are taken to have
    nothing to see. split: who made it. digest: of the pool; content: of all pixels.
    """

    counts: Mapping[str, Mapping[str, int]]
    usable: int
    broken: int
    groups_known: int
    samples_without_group: int
    identical: Mapping[str, int]
    near: Mapping[str, int]
    leaks: str
    excluded: Mapping[str, int]
    conflicts: int
    clusters: int
    regions: int
    empty_region_classes: tuple[str, ...]
    empty_regions_inferred: bool
    split: SplitMaker
    split_seed: int
    problems: Mapping[str, int]
    notes: tuple[str, ...]
    digest: str
    content: str

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers, ready for JSON."""
        plain = asdict(self)
        plain["empty_region_classes"] = list(self.empty_region_classes)
        plain["notes"] = list(self.notes)
        return plain

    def lines(self) -> list[str]:
        """The receipt as sentences, most important first."""
        return [
            *self._images(),
            self.patients(),
            *self._repeats(),
            *self._regions(),
            *(f"Note: {note}" for note in self.notes),
            f"Pool {self.digest[:16]}, pixels {self.content[:16]}.",
        ]

    def _images(self) -> list[str]:
        lines = [f"{self.usable} images usable, {self.broken} left out."]
        for part, classes in self.counts.items():
            total = sum(classes.values())
            if total:
                each = ", ".join(f"{name or 'no label'}: {n}" for name, n in classes.items() if n)
                lines.append(f"{part}: {total} ({each})")
        made = {
            "manifest": "taken from the source",
            "foveal": f"made here by patient, stratified by class, seed {self.split_seed}",
            "mixed": f"taken from the source, its gaps filled here, seed {self.split_seed}",
        }
        lines.append(f"Split: {made[self.split]}.")
        if self.problems:
            kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self.problems.items()))
            lines.append(f"Problems: {kinds}.")
        return lines

    def patients(self) -> str:
        """Whether images are known to be of different patients, on which every score rests."""
        if not self.samples_without_group:
            return f"Patients: {self.groups_known}; none crosses the split."
        known = f"{self.groups_known} known; " if self.groups_known else ""
        return (
            f"Patients: {known}{self.samples_without_group} images have none, so each of them "
            "counts as a patient of its own. If patients have several images, scores may be too "
            "good; add a `patient` column."
        )

    def _repeats(self) -> list[str]:
        lines = []
        for name, pairs in (("Identical", self.identical), ("Nearly identical", self.near)):
            inside = sum(n for sides, n in pairs.items() if len(set(sides.split("_"))) == 1)
            across = {sides: n for sides, n in pairs.items() if len(set(sides.split("_"))) == 2}
            crossing = ", ".join(f"{n} {s.replace('_', '-')}" for s, n in across.items() if n)
            lines.append(f"{name} pairs: {inside} within a side, across: {crossing or 'none'}.")
        for reason, n in self.excluded.items():
            if n:
                lines.append(f"Excluded: {n} {reason}.")
        if self.leaks == "report" and self._crossing():
            lines.append("Repeats across sides were left in (`data.leaks: report`).")
        if self.conflicts:
            lines.append(f"Same pixels with another label: {self.conflicts} images.")
        if self.clusters:
            lines.append(f"Sets of repeats among the candidates: {self.clusters}.")
        return lines

    def _crossing(self) -> bool:
        pairs = [*self.identical.items(), *self.near.items()]
        return any(n for sides, n in pairs if len(set(sides.split("_"))) == 2)

    def _regions(self) -> list[str]:
        lines = [f"Regions: known for {self.regions} of {self.usable} images."]
        if self.empty_region_classes:
            how = (
                "no image of these classes has a mask or box while all others have"
                if self.empty_regions_inferred
                else "as set"
            )
            names = ", ".join(self.empty_region_classes)
            lines.append(f"Taken as having nothing to see: {names} ({how}).")
        return lines
