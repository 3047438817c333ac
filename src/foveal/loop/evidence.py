"""Evidence of a round: of the candidates, and of the sets beside the pool that a strategy reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from foveal.core.evidence import Evidence
from foveal.core.pool import SampleId
from foveal.core.spec import ExperimentSpec, SoughtSpec
from foveal.loop.bench import Bench
from foveal.loop.craft import Gathered
from foveal.loop.exemplars import exemplars
from foveal.loop.wants import ALWAYS, SETS, wanted
from foveal.models import Expected, Learner, Pass, head_evidence, predict


@dataclass(frozen=True, slots=True)
class Known:
    """Labels that may be read in a round: those bought, and those of the validation part."""

    labeled: Mapping[SampleId, int]
    val: Mapping[SampleId, int]


def gather(
    learner: Learner,
    bench: Bench,
    ids: tuple[SampleId, ...],
    spec: ExperimentSpec,
    expected: Expected | None,
    known: Known,
    how: Pass,
) -> Gathered:
    """All that the spec's strategy reads in this round.

    Args:
        ids: the candidates.
        expected: gives regions where one is expected.
        known: labels of the sets beside the pool; no other label is read.
    """
    needs, places = wanted(spec)
    sides = needs & {"discriminator", "critic"}
    beside = ALWAYS | (needs & {"backbone_embedding"})
    labeled = _with_labels(learner, bench, known.labeled, how, beside)
    pool = predict(
        learner,
        bench.inputs,
        bench.rows(ids),
        ids,
        needs,
        expected,
        spec.acquire.measure,
        how,
        draws=spec.train.draws,
        views=bench.views(spec.acquire.views) if "view_probs" in needs else (),
        labeled=labeled.arrays["embedding"] if sides else None,  # type: ignore[arg-type]
    )
    context: dict[str, Evidence] = {}
    if "labeled" in places:
        context["labeled"] = labeled
    if "head" in places:
        context["head"] = head_evidence(learner)
    from_val = any(getattr(spec.acquire, k).exemplars != "labeled" for k in SETS)
    val = None
    if known.val and ("val" in places or (from_val and places & set(SETS.values()))):
        val = _with_labels(learner, bench, known.val, how, beside)
    if val is not None and "val" in places:
        context["val"] = val
    notes: list[str] = []
    for key, place in SETS.items():
        if place in places:
            sought: SoughtSpec = getattr(spec.acquire, key)
            context[place] = exemplars(sought, labeled, val, bench.pool.classes, notes)
    return Gathered(pool, context, tuple(notes))


def _with_labels(
    learner: Learner,
    bench: Bench,
    labels: Mapping[SampleId, int],
    how: Pass,
    needs: Collection[str],
) -> Evidence:
    ids = tuple(labels)
    seen = predict(learner, bench.inputs, bench.rows(ids), ids, needs, how=how)
    label = np.array(list(labels.values()), dtype=np.int64)
    return Evidence(ids, {**seen.arrays, "label": label}, seen.fingerprint)
