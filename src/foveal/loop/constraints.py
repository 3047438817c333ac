"""Constraints of a spec on a batch, and the columns of the manifest that it names."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TypedDict

import numpy as np

from foveal.acquire import Constraints
from foveal.core.arrays import FloatArray
from foveal.core.errors import BudgetError, SpecError, near_miss
from foveal.core.evidence import Evidence
from foveal.core.pool import Pool, Sample, SampleId
from foveal.core.spec import ExperimentSpec
from foveal.loop.annotators import seconds_of


class Names(TypedDict):
    """What candidates share, as `acquire` takes it."""

    groups: Sequence[str]
    clusters: Sequence[str]
    studies: Sequence[str] | None
    strata: Sequence[str] | None
    units: Sequence[str] | None
    labeled_groups: Sequence[str]


def rules(spec: ExperimentSpec) -> Constraints:
    """What every batch must respect."""
    wish = spec.acquire
    return Constraints(
        per_group=wish.per_group,
        per_study=wish.per_study,
        one_per_cluster=wish.skip_near_duplicates,
        balance=wish.balance,
        per_stratum=wish.per_stratum if wish.stratum else "none",
        per_group_total=wish.per_group_total,
        whole=wish.unit_reduce if wish.unit == "volume" else "none",
    )


def names_of(
    pool: Pool, ids: Sequence[SampleId], spec: ExperimentSpec, labeled: Collection[SampleId] = ()
) -> Names:
    """Group, near-duplicate cluster, study, stratum and volume of samples; what was asked before.

    Args:
        pool: holds all of them.
        ids: the candidates.
        labeled: asked in earlier rounds.
    """
    samples = [pool[i] for i in ids]
    wish = spec.acquire
    return {
        "groups": [s.group for s in samples],
        "clusters": [s.cluster for s in samples],
        "studies": [s.extra.get(wish.study, "") for s in samples] if wish.per_study else None,
        "strata": [s.extra.get(wish.stratum, "") for s in samples] if wish.stratum else None,
        "units": [volume_of(s) for s in samples] if wish.unit == "volume" else None,
        "labeled_groups": _labeled_groups(pool, labeled, spec) if wish.per_group_total else (),
    }


def volume_of(sample: Sample) -> str:
    """What names the volume of a slice; a picture that is no slice is one of its own."""
    return sample.series or sample.id


def _labeled_groups(
    pool: Pool, labeled: Collection[SampleId], spec: ExperimentSpec
) -> tuple[str, ...]:
    """The group of each labeled sample, or of each volume that has one."""
    samples = [pool[i] for i in labeled]
    if spec.acquire.unit == "volume":
        samples = list({volume_of(s): s for s in samples}.values())
    return tuple(s.group for s in samples)


def smallest_unit(pool: Pool, spec: ExperimentSpec) -> int:
    """The fewest unlabeled samples that can be asked together; 1 where each is asked alone."""
    if spec.acquire.unit == "sample":
        return 1
    sizes = Counter(volume_of(pool[i]) for i in pool.ids("unlabeled"))
    return min(sizes.values(), default=1)


def check_units(pool: Pool, spec: ExperimentSpec) -> None:
    """Raise `BudgetError` where not even the smallest volume fits into a batch."""
    need = smallest_unit(pool, spec)
    batches = {"seed_set": spec.first}
    if spec.budget_seconds is None:
        batches["budget"] = spec.budget
    for setting, size in batches.items():
        if size < need:
            raise BudgetError(
                f"`{setting}` must hold a whole volume, as `acquire.unit: volume` asks, but is "
                f"{size}, and the smallest volume has {need} slices; set it to {need} or more"
            )


def expected_seconds(evidence: Evidence, spec: ExperimentSpec) -> FloatArray:
    """(n,) seconds that each candidate is expected to take an expert.

    The class, and the region that `regions.annotate` asks for, unless none is expected there (a
    `region_size` of 0). Where regions are asked of a share of a batch only, each costs its share.
    """
    kind, alone = spec.regions.annotate, spec.cost.class_seconds
    drawn = seconds_of(spec.cost, None if kind == "none" else np.ones((1, 1), bool), kind)
    size = np.asarray(evidence.arrays.get("region_size", np.ones(len(evidence))), np.float64)
    return np.where(size > 0, alone + spec.regions.share * (drawn - alone), alone)


def check_columns(pool: Pool, spec: ExperimentSpec) -> None:
    """Raise `SpecError` for a setting that names a column which the manifest does not have."""
    known = {name for sample in pool.samples for name in sample.extra}
    wish = spec.acquire
    used = [("acquire.stratum", wish.stratum)] if wish.stratum else []
    used += [("acquire.study", wish.study)] if wish.per_study is not None else []
    used += [("report.subgroups", column) for column in spec.report.subgroups]
    for setting, column in used:
        if column not in known:
            raise SpecError(
                f"`{setting}` must name a column of the manifest, but there is no "
                f"{column!r}.{near_miss(column, known) if known else ' It has no further columns.'}"
            )
