"""Arms: which strategy a round plays where the spec names a bandit, from what rounds have paid."""

from collections.abc import Callable

import numpy as np

from foveal.acquire.bandit import Played, arms_of, choose_arm
from foveal.core.chance import generator
from foveal.core.packing import array_of
from foveal.core.pool import Pool
from foveal.core.spec import ExperimentSpec
from foveal.loop.advice import KEPT
from foveal.store import State


def arm_of(
    state: State, pool: Pool, spec: ExperimentSpec, round_number: int, get: Callable[[str], bytes]
) -> tuple[str, tuple[str, ...]]:
    """The strategy of this round and a note on it; the spec's own where it names no bandit."""
    arms = arms_of(spec.acquire.strategy)
    if len(arms) == 1:
        return arms[0], ()
    rng = generator(spec.seed, "bandit", round_number)
    arm, why = choose_arm(arms, played(state, pool, get), rng)
    return arm, (why,)


def played(state: State, pool: Pool, get: Callable[[str], bytes]) -> list[Played]:
    """What earlier rounds paid: the share of their labels that the model of the round had wrong."""
    rounds = []
    for query, details in zip(state.queries, state.details, strict=True):
        labels = {i: state.annotations[i].label for i in query.ids if i in state.annotations}
        known = {i: label for i, label in labels.items() if label is not None}
        if KEPT not in details or not known:
            continue
        predicted = array_of(get(details[KEPT]))
        wrong = [int(predicted[pool.row(i)]) != label for i, label in known.items()]
        rounds.append(Played(query.strategy, float(np.mean(wrong)), len(wrong)))
    return rounds
