"""Region share: of which samples of a batch the expert is asked for a region, where not of all."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from foveal.core.chance import generator
from foveal.core.pool import SampleId
from foveal.core.query import Query
from foveal.core.spec import ExperimentSpec

ROUNDING = 1e-9  # a share of .1 of 30 is 3, not 4


def ask_regions(
    query: Query, spec: ExperimentSpec, misalignment: Mapping[SampleId, float] | None = None
) -> Query:
    """A spec's query, with regions asked of the share that `regions.share` names."""
    if spec.regions.annotate == "none":
        return query
    rng = generator(spec.seed, "regions asked", query.round)
    return with_share(query, spec.regions.share, rng, misalignment)


def with_share(
    query: Query,
    share: float,
    rng: np.random.Generator,
    misalignment: Mapping[SampleId, float] | None = None,
) -> Query:
    """The query, with regions asked of a share of its samples only.

    A region takes an expert longer than a class, and teaches most where the model looks at the
    wrong place: the most misaligned samples are asked first, equals at random.

    Args:
        share: in (0, 1]; rounded up to whole samples. 1 asks for all and changes nothing.
        rng: draws where misalignment does not tell.
        misalignment: of the samples; None where nothing is expected yet: then at random.
    """
    if share == 1 or not query.ids:
        return query
    count = math.ceil(share * len(query.ids) - ROUNDING)
    order = rng.permutation(len(query.ids))
    if misalignment is not None:
        astray = np.array([misalignment[i] for i in query.ids])
        order = order[np.argsort(-astray[order], kind="stable")]
    asked = set(order[:count].tolist())
    how = "drawn at random" if misalignment is None else "those looked at most wrongly"
    return replace(
        query,
        ask_region=tuple(i in asked for i in range(len(query.ids))),
        notes=(*query.notes, f"a region is asked of {count} of {len(query.ids)}: {how}"),
    )
