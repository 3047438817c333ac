"""Ask: evidence of the unlabeled pool, then the strategy's query, and what a report shows of it."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from foveal import acquire as acquisition
from foveal.core.chance import generator
from foveal.core.evidence import Evidence
from foveal.core.pool import Pool, SampleId
from foveal.core.query import Query
from foveal.core.spec import ExperimentSpec
from foveal.loop.bench import Bench, RegionReader
from foveal.models import Expected, GivenRegions, Learner, Pass, expected_regions, maps, predict

SHOWN = 6  # picks of a round whose maps are kept for the report
PLOTTED = 200  # points kept of the relation between misalignment and region size
# What `predict` fills, for two samples that do not exist.
MADE_UP = {
    "probs": np.array([[0.6, 0.4], [0.2, 0.8]]),
    "embedding": np.eye(2),
    "misalignment": np.array([0.25, 0.75]),
    "region_size": np.array([0.1, 0.2]),
}

Put = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and details for the report (plain JSON; arrays are named by blob digest)."""

    query: Query
    details: dict[str, Any]


def seed_query(pool: Pool, size: int, seed: int) -> Query:
    """The seed set: uniformly random, and the same for every strategy with this seed."""
    candidates = sorted(pool.ids("unlabeled"))
    chosen = generator(seed, "seed set").choice(len(candidates), size, replace=False)
    ids = tuple(candidates[i] for i in chosen)
    why = ("drawn at random to start with",) * size
    return Query(ids, strategy="seed_set", why=why, seed=seed, round=0)


def rehearse(spec: ExperimentSpec) -> None:
    """Put the question to made-up evidence, so that an error is heard before any training.

    Raises:
        UnknownName: no such strategy.
        SpecError: an unknown setting of it, or one of the wrong type or range.
        EvidenceError: it needs what no run, or no run with this `regions.source`, can fill.
    """
    hidden = {"misalignment", "region_size"} if spec.regions.source == "none" else set()
    arrays = {name: array for name, array in MADE_UP.items() if name not in hidden}
    parameters = spec.acquire.parameters
    acquisition.acquire(
        Evidence(("a", "b"), arrays), spec.acquire.strategy, 1, parameters=parameters
    )


def ask(
    learner: Learner,
    bench: Bench,
    pool: Pool,
    spec: ExperimentSpec,
    hidden: RegionReader,
    weak: RegionReader,
    budget: int,
    round_number: int,
    how: Pass,
    put: Put,
) -> Asked:
    """One query.

    Args:
        pool: the pool as it is now.
        hidden: regions of the pool's truth; guarded in every mode but `oracle`.
        weak: regions that exist beforehand.
        put: keeps bytes and returns their digest.
    """
    ids = pool.ids("unlabeled")
    expected = _expected(learner, spec, hidden, weak)
    evidence = _evidence(learner, bench, ids, spec, expected, how)
    samples = [pool[i] for i in ids]
    query = acquisition.acquire(
        evidence,
        spec.acquire.strategy,
        budget,
        parameters=spec.acquire.parameters,
        seed=spec.seed,
        round=round_number,
        groups=[s.group for s in samples],
        clusters=[s.cluster for s in samples],
        constraints=acquisition.Constraints(
            per_group=spec.acquire.per_group,
            one_per_cluster=spec.acquire.skip_near_duplicates,
            balance=spec.acquire.balance,
        ),
    )
    details: dict[str, Any] = {"shown": _shown(learner, bench, query, evidence, expected, how, put)}
    if size := size_relation(evidence, spec.seed, round_number):
        details["misalignment_size"] = size
    return Asked(query, details)


def _expected(
    learner: Learner, spec: ExperimentSpec, hidden: RegionReader, weak: RegionReader
) -> Expected | None:
    match spec.regions.source:
        case "oracle":
            return GivenRegions(hidden)
        case "weak":
            return GivenRegions(weak)
        case "none":
            return None
        case _:
            return expected_regions(learner)


def _evidence(
    learner: Learner,
    bench: Bench,
    ids: tuple[SampleId, ...],
    spec: ExperimentSpec,
    expected: Expected | None,
    how: Pass,
) -> Evidence:
    plan = acquisition.get(spec.acquire.strategy)
    needs = {"probs", *plan.needs, *(MADE_UP.keys() & plan.optional)}
    if "misalignment" in needs:
        needs.add("region_size")
    return predict(
        learner, bench.inputs, bench.rows(ids), ids, needs, expected, spec.acquire.measure, how
    )


def size_relation(evidence: Evidence, seed: int, round_number: int) -> dict[str, Any] | None:
    """Rank correlation of misalignment with the size of the expected region.

    Soft Dice of a small region is near zero however well a map is placed, so a strong negative
    value says that the strategy asks for small lesions rather than for badly explained ones.
    """
    if "region_size" not in evidence.arrays:
        return None
    size, astray = evidence.arrays["region_size"], evidence.arrays["misalignment"]
    constant = np.ptp(size) == 0 or np.ptp(astray) == 0
    rho = None if constant or len(size) < 3 else float(spearmanr(size, astray).statistic)
    rng = generator(seed, "plotted points", round_number)
    some = rng.permutation(len(size))[:PLOTTED]
    points = [[round(float(size[i]), 4), round(float(astray[i]), 4)] for i in some]
    return {"round": round_number, "spearman": rho, "n": len(size), "points": points}


def _shown(
    learner: Learner,
    bench: Bench,
    query: Query,
    evidence: Evidence,
    expected: Expected | None,
    how: Pass,
    put: Put,
) -> list[dict[str, Any]]:
    """Maps, expected regions and predictions of the first picks."""
    first = query.ids[:SHOWN]
    size = (bench.pixels.size, bench.pixels.size)
    cams, regions = maps(learner, bench.inputs, bench.rows(first), size, expected, how)
    at = {sample: row for row, sample in enumerate(evidence.ids)}
    cases = []
    for i, sample in enumerate(first):
        probs = evidence.arrays["probs"][at[sample]]
        case = {
            "id": sample,
            "predicted": int(probs.argmax()),
            "confidence": round(float(probs.max()), 4),
            "cam": put(pack(cams[i])),
        }
        if regions is not None:
            case["expected"] = put(pack(regions[i]))
        cases.append(case)
    return cases


def pack(values: np.ndarray[Any, np.dtype[np.floating[Any]]]) -> bytes:
    """An array in [0, 1] as 8-bit .npy bytes."""
    buffer = BytesIO()
    np.save(buffer, (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8), allow_pickle=False)
    return buffer.getvalue()


def unpack(data: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What `pack` was given, within 1/510."""
    return np.load(BytesIO(data), allow_pickle=False).astype(np.float32) / 255  # type: ignore[no-any-return]
