"""Ask: evidence of the unlabeled pool, then the strategy's query, and what a report shows of it."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from foveal import acquire as acquisition
from foveal.acquire.bandit import arms_of
from foveal.core.chance import generator
from foveal.core.evidence import Evidence
from foveal.core.packing import pack
from foveal.core.pool import SampleId
from foveal.core.query import Query
from foveal.core.spec import ExperimentSpec
from foveal.loop.advice import KEPT, advice_of, predictions_bytes
from foveal.loop.arms import arm_of
from foveal.loop.bench import Bench
from foveal.loop.constraints import Names, expected_seconds, names_of, rules
from foveal.loop.craft import Bought, Craft, Model
from foveal.loop.region_share import ask_regions
from foveal.loop.wants import SETS, parameters_of
from foveal.store import Blobs, State

WRITERS = 8  # threads that write maps
SHOWN = 6  # picks of a round whose maps are kept for the report
UNAIMED = "random"  # until an exemplar of what is sought is found
PLOTTED = 200  # points kept of the relation between misalignment and region size
Put = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and details for the report (plain JSON; arrays are named by blob digest)."""

    query: Query
    details: dict[str, Any]


def ask(
    craft: Craft,
    model: Model,
    bought: Iterable[Bought],
    bench: Bench,
    state: State,
    spec: ExperimentSpec,
    budget: int,
    round_number: int,
    blobs: Blobs,
    shown: int = SHOWN,
) -> Asked:
    """One query.

    Args:
        model: of the last round, made by `craft`.
        bought: all annotations so far.
        state: the run so far, with the last round trained.
        blobs: keeps maps and predictions.
        shown: picks of which predictions and maps are kept.
    """
    labeled = state.labeled()
    ids = bench.pool.moved(labeled, "labeled").ids("unlabeled")
    gathered = craft.gather(model, ids, bought)
    evidence = gathered.pool
    arm, told = arm_of(state, bench.pool, spec, round_number, blobs.get)
    names = names_of(bench.pool, evidence.ids, spec, labeled)
    arm, instead = _able(arm, gathered.context)
    query = query_of(arm, evidence, gathered.context, names, spec, budget, round_number)
    query = replace(query, notes=(*told, *gathered.notes, *instead, *query.notes))
    astray = evidence.arrays.get("misalignment")
    misalignment = None if astray is None else dict(zip(evidence.ids, astray.tolist(), strict=True))
    query = ask_regions(query, spec, misalignment)
    put = blobs.put
    details: dict[str, Any] = {
        "shown": _shown(craft, model, query.ids[:shown], evidence, put),
        "advice": advice_of(state, evidence, bench.pool, spec, blobs.get),
        KEPT: put(predictions_bytes(evidence, bench.pool)),
    }
    if size := size_relation(evidence, spec.seed, round_number):
        details["misalignment_size"] = size
    return Asked(query, details)


def _able(arm: str, context: Mapping[str, Evidence]) -> tuple[str, tuple[str, ...]]:
    """The strategy that can ask now, and a note: without exemplars none can be targeted.

    A rare class is not among the first labels of most pools, and a study that stopped there would
    leave out just those seeds in which it is hardest to find.
    """
    sought = context.get(SETS["target"])
    needs = acquisition.get(arm).needs
    targeted = any(acquisition.located(need)[0] == SETS["target"] for need in needs)
    if not targeted or sought is None or len(sought):
        return arm, ()
    return UNAIMED, (f"nothing that is sought is labeled yet: {UNAIMED} instead of {arm}",)


def query_of(
    arm: str,
    evidence: Evidence,
    context: Mapping[str, Evidence],
    names: Names,
    spec: ExperimentSpec,
    budget: int,
    round_number: int,
) -> Query:
    """A strategy's choice within the spec's constraints, by number or by the expert's seconds."""
    own = arm in arms_of(spec.acquire.strategy)
    acquire = partial(
        acquisition.acquire,
        evidence,
        arm,
        parameters=parameters_of(spec, acquisition.get(arm)) if own else {},
        seed=spec.seed,
        round=round_number,
        context=context,
        constraints=rules(spec),
        **names,
    )
    if spec.budget_seconds is None:
        return acquire(budget)
    query = acquire(seconds=spec.budget_seconds, costs=expected_seconds(evidence, spec))
    return query if len(query.ids) <= budget else acquire(budget)  # the last of the labels


def size_relation(evidence: Evidence, seed: int, round_number: int) -> dict[str, Any] | None:
    """Rank correlation of misalignment with the size of the expected region.

    Soft Dice of a small region is near zero however well a map is placed, so a strong negative
    value says that the strategy asks for small lesions rather than for badly explained ones.
    """
    if "misalignment" not in evidence.arrays:
        return None
    size, astray = evidence.arrays["region_size"], evidence.arrays["misalignment"]
    constant = np.ptp(size) == 0 or np.ptp(astray) == 0
    rho = None if constant or len(size) < 3 else float(spearmanr(size, astray).statistic)
    rng = generator(seed, "plotted points", round_number)
    some = rng.permutation(len(size))[:PLOTTED]
    points = [[round(float(size[i]), 4), round(float(astray[i]), 4)] for i in some]
    return {"round": round_number, "spearman": rho, "n": len(size), "points": points}


def _shown(
    craft: Craft, model: Model, first: tuple[SampleId, ...], evidence: Evidence, put: Put
) -> list[dict[str, Any]]:
    """Maps, expected regions and predictions of the first picks."""
    looks = craft.look(model, first)
    at = {sample: row for row, sample in enumerate(evidence.ids)}
    # What is written must reach the disk, and disks bring many files there at once as fast as one.
    with ThreadPoolExecutor(WRITERS) as writers:
        cams = list(writers.map(put, map(pack, looks.maps)))
        regions = looks.expected
        expected = None if regions is None else list(writers.map(put, map(pack, regions)))
    cases = []
    for i, sample in enumerate(first):
        probs = evidence.arrays["probs"][at[sample]]
        case = {
            "id": sample,
            "predicted": int(probs.argmax()),
            "confidence": round(float(probs.max()), 4),
            "cam": cams[i],
        }
        if expected is not None:
            case["expected"] = expected[i]
        cases.append(case)
    return cases
