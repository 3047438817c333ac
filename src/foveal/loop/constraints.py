"""Constraints of a spec on a batch, and the columns of the manifest that it names."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from foveal.acquire import Constraints
from foveal.core.arrays import FloatArray
from foveal.core.errors import SpecError, near_miss
from foveal.core.evidence import Evidence
from foveal.core.pool import Pool, SampleId
from foveal.core.spec import ExperimentSpec
from foveal.loop.annotators import seconds_of


class Names(TypedDict):
    """What candidates share, as `acquire` takes it."""

    groups: Sequence[str]
    clusters: Sequence[str]
    studies: Sequence[str] | None
    strata: Sequence[str] | None


def rules(spec: ExperimentSpec) -> Constraints:
    """What every batch must respect."""
    wish = spec.acquire
    return Constraints(
        per_group=wish.per_group,
        per_study=wish.per_study,
        one_per_cluster=wish.skip_near_duplicates,
        balance=wish.balance,
        per_stratum=wish.per_stratum if wish.stratum else "none",
    )


def names_of(pool: Pool, ids: Sequence[SampleId], spec: ExperimentSpec) -> Names:
    """Group, near-duplicate cluster, study and stratum of samples."""
    samples = [pool[i] for i in ids]
    wish = spec.acquire
    return {
        "groups": [s.group for s in samples],
        "clusters": [s.cluster for s in samples],
        "studies": [s.extra.get(wish.study, "") for s in samples] if wish.per_study else None,
        "strata": [s.extra.get(wish.stratum, "") for s in samples] if wish.stratum else None,
    }


def expected_seconds(evidence: Evidence, spec: ExperimentSpec) -> FloatArray:
    """(n,) seconds that each candidate is expected to take an expert.

    The class, and the region that `regions.annotate` asks for, unless none is expected there (a
    `region_size` of 0).
    """
    kind = spec.regions.annotate
    drawn = seconds_of(spec.cost, None if kind == "none" else np.ones((1, 1), bool), kind)
    size = np.asarray(evidence.arrays.get("region_size", np.ones(len(evidence))), np.float64)
    return np.where(size > 0, drawn, spec.cost.class_seconds)


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
