"""Presets on a user's data: sizes that the pool can bear, rare classes by name, early errors."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from foveal.core.errors import DataError, SpecError, near_miss
from foveal.core.preset import Imbalance, Mode, Preset, Sizes
from foveal.core.spec import with_settings
from foveal.data import Collection

SEVERAL = 2  # patients, of whom one is left out
LEFT = 2  # candidates of a class beyond the seed set, at least: one to find, and one more


@dataclass(frozen=True, slots=True)
class Material:
    """What a preset needs to know of a data set: images of each class in each part, candidates, how
    many of these have a region, and how many images each patient has."""

    name: str
    counts: Mapping[str, Mapping[str, int]]
    candidates: int
    regions: int
    patients: Mapping[str, int] = field(default_factory=dict)

    @property
    def classes(self) -> list[str]:
        """Those of the candidates."""
        return [label for label, n in self.of("train").items() if n]

    def of(self, part: str) -> dict[str, int]:
        """Images of each class in `train` (the candidates) or `val`."""
        return dict(self.counts.get("unlabeled" if part == "train" else part, {}))


def material_of(name: str, collection: Collection) -> Material:
    """A collection's facts; whether regions are known is asked of the manifest, none is read."""
    candidates = collection.pool.ids("unlabeled")
    known = sum(bool(collection.truth.sources[i]) for i in candidates)
    patients = Counter(sample.group for sample in collection.pool.samples)
    return Material(name, collection.receipt.counts, len(candidates), known, patients)


def left_one_out(material: Material) -> Material:
    """The same where each patient is the test part once: the fewest candidates of any fold."""
    total, largest = sum(material.patients.values()), max(material.patients.values())
    return replace(material, candidates=total - largest, regions=total - largest)


def settings_of(
    preset: Preset,
    material: Material,
    source: str,
    mode: Mode = "features",
    rare: Sequence[str] = (),
) -> dict[str, Any]:
    """A spec's settings: the preset's on this data.

    A study larger than the pool can bear is made smaller in proportion: seed set, query and, where
    the preset makes classes rare, the pool.

    Args:
        source: the spec's `data.source`.
        rare: classes to be made rare, for presets that need some.
    Raises:
        SpecError: rare classes missing, unknown, or none left to be common.
        DataError: no regions where the preset needs them, or too few images of a class.
    """
    _check_regions(preset, material)
    settings = with_settings(
        preset.settings,
        {
            "name": f"{preset.title}: {material.name}"[:80],
            "data.source": source,
            **(preset.full if mode == "full" else {}),
        },
    )
    if preset.leave_one_out:
        settings = with_settings(settings, {"data.folds": _folds(preset, material)})
        return settings | _sized(preset.sizes, left_one_out(material))
    if preset.imbalance is None:
        return settings | _sized(preset.sizes, material)
    chosen = _rare_of(preset, material, rare)
    return with_settings(
        settings, _imbalanced(preset.imbalance, preset.sizes.budget, material, chosen)
    )


def with_labels(settings: Mapping[str, Any], rounds: int) -> dict[str, Any]:
    """Settings whose `labels` follow from seed set and queries, unless they are given."""
    first = sum((settings.get("seed_counts") or {}).values()) or settings.get("seed_set", 0)
    return {"labels": first + rounds * settings["budget"]} | dict(settings)


def _check_regions(preset: Preset, material: Material) -> None:
    if preset.needs == "regions" and material.regions < material.candidates:
        raise DataError(
            f"the preset {preset.name!r} needs a region of every candidate, but "
            f"{material.candidates - material.regions} of {material.candidates} candidates of "
            f"{material.name!r} have none; add masks or boxes in the column `mask`, or name data "
            "that has them"
        )


def _folds(preset: Preset, material: Material) -> int:
    if len(material.patients) < SEVERAL:
        raise DataError(
            f"the preset {preset.name!r} leaves one patient out each time, but {material.name!r} "
            f"has {len(material.patients)}; name data of several, with the column `patient`"
        )
    return len(material.patients)


def _sized(sizes: Sizes, material: Material) -> dict[str, int]:
    if sizes.first_share is not None:
        first = max(1, round(sizes.first_share * material.candidates))
        rest = sizes.share * material.candidates - first
        return {"seed_set": first, "budget": max(1, round(rest / sizes.rounds))}
    assert sizes.seed_set is not None
    whole = sizes.seed_set + sizes.rounds * sizes.budget
    share = min(1.0, sizes.share * material.candidates / whole)
    first, budget = (max(1, math.floor(n * share)) for n in (sizes.seed_set, sizes.budget))
    return {"seed_set": first, "budget": budget}


def _rare_of(preset: Preset, material: Material, rare: Sequence[str]) -> list[str]:
    known = material.classes
    if not rare:
        raise SpecError(
            f"the preset {preset.name!r} seeks a rare class, and none is named; name it with "
            f"--rare, once for each. The classes of {material.name!r}: {', '.join(known)}"
        )
    if unknown := [label for label in rare if label not in known]:
        raise SpecError(
            f"{material.name!r} has no class {unknown[0]!r}.{near_miss(unknown[0], known)}"
        )
    if set(rare) == set(known):
        raise SpecError(
            f"not all classes of {material.name!r} can be rare; leave one or more out of --rare"
        )
    return list(dict.fromkeys(rare))


def _imbalanced(
    imbalance: Imbalance, budget: int, material: Material, rare: Sequence[str]
) -> dict[str, Any]:
    train, val = material.of("train"), material.of("val")
    wanted = {c: imbalance.rare if c in rare else imbalance.common for c in material.classes}
    beside = min(1.0, *(val.get(c, 0) / n.val for c, n in wanted.items()))
    if not beside:
        raise DataError(
            "exemplars of the rare class come from a validation part, but that of "
            f"{material.name!r} lacks a class; add `val` rows to the manifest, or leave out the "
            "column `split`"
        )
    shares = {c: min(1.0, train[c] / n.train) for c, n in wanted.items()}
    # What is rare stays as rare as published beside common classes that are smaller.
    usual = sum(shares[c] for c in wanted if c not in rare) / (len(wanted) - len(rare))
    shares |= {c: min(usual, shares[c]) for c in rare}
    seeds = {c: _part(n.seed, shares[c]) for c, n in wanted.items()}
    pool = {c: max(_part(n.train, shares[c]), seeds[c] + LEFT) for c, n in wanted.items()}
    for label, n in pool.items():
        if n > train[label]:
            raise DataError(
                f"class {label!r} of {material.name!r} must have {n} candidates or more, but has "
                f"{train[label]}; name a data set with more images of it"
            )
    published = imbalance.common.train + imbalance.rare.train
    return {
        "seed_counts": seeds,
        "data.keep": {"train": pool, "val": {c: _part(n.val, beside) for c, n in wanted.items()}},
        "acquire.target.classes": list(rare),
        "budget": _part(budget, min(1.0, sum(pool.values()) / published)),
    }


def _part(n: int, share: float) -> int:
    return max(1, round(n * share))
