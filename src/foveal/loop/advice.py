"""Advice: at every query, what the stopping criteria say, from what the run has recorded."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from foveal.acquire.stopping import History, Limits, Predictions, advise
from foveal.core.evidence import Evidence
from foveal.core.packing import array_bytes, array_of
from foveal.core.pool import Pool
from foveal.core.spec import ExperimentSpec
from foveal.loop.craft import MAIN
from foveal.store import State

UNKNOWN = 255  # a sample of which the round predicted nothing; more classes than this are cut off
KEPT = "predictions"
COMPARED = 4  # rounds whose predictions are compared, this one included


def advice_of(
    state: State,
    evidence: Evidence,
    pool: Pool,
    spec: ExperimentSpec,
    get: Callable[[str], bytes],
) -> list[dict[str, Any]]:
    """What each criterion says now; the test part is not looked at.

    Args:
        state: the run so far, this round trained.
        evidence: of this round's candidates, with `probs`.
        pool: any state of the run's pool.
        get: bytes of a digest kept in the details of earlier rounds.
    """
    labels = [sum(a.round <= r.round for a in state.annotations.values()) for r in state.trained]
    metric = MAIN[spec.task]
    values = [r.metrics.get("val", {}).get(metric) for r in state.trained]
    earlier = [d[KEPT] for d in state.details if KEPT in d][-COMPARED + 1 :]
    now = predicted(evidence, pool)
    told = [_by_sample(array_of(get(digest)), pool) for digest in earlier]
    history = History(
        labels=labels,
        values=values,
        metric=metric,
        validation_size=len(pool.ids("val")) or None,
        predictions=[*told, _by_sample(now, pool)],
        probs=evidence.arrays["probs"],  # type: ignore[arg-type]
        minutes=state.cost_seconds() / 60,
    )
    batch = len(state.queries[-1].ids) if spec.budget_seconds and state.queries else spec.budget
    return [asdict(one) for one in advise(history, batch, Limits(labels=spec.labels))]


def predicted(evidence: Evidence, pool: Pool) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(samples of the pool,) predicted class of each candidate, `UNKNOWN` elsewhere."""
    classes = np.full(len(pool), UNKNOWN, np.uint8)
    rows = [pool.row(i) for i in evidence.ids]
    classes[rows] = np.minimum(np.argmax(evidence.arrays["probs"], axis=1), UNKNOWN - 1)
    return classes


def predictions_bytes(evidence: Evidence, pool: Pool) -> bytes:
    """What `advice_of` reads again in later rounds."""
    return array_bytes(predicted(evidence, pool))


def _by_sample(classes: np.ndarray[Any, np.dtype[np.uint8]], pool: Pool) -> Predictions:
    known = np.flatnonzero(classes != UNKNOWN).tolist()
    return {pool.samples[row].id: int(classes[row]) for row in known}
