"""Winner: the best of many strategies, and what is left of its lead when it was not chosen by it.

The best of many is partly the luckiest. Chosen on all seeds but one and read on that one, it is as
good as it would be for someone who takes it at its word.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from foveal.core.arrays import FloatArray
from foveal.evaluate.runs import LOWER_IS_BETTER, Curve, Run, area, by_seed, final, table_of


def winners(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """The arm with the best mean area under the curve, by metric.

    Arms that read hidden masks (`oracle`) compete only if all do. Only seeds that all competing
    arms have are counted.

    Args:
        runs: see `runs.table_of`.

    Returns:
        {metric: {"arm", "by": "aubc", "of": number of competing arms, "value", "leave_one_out",
        "final", "final_leave_one_out"}}: mean area and mean final value of the arm, each beside its
        leave-one-seed-out estimate, which is None for a single seed. A metric of which the arms
        share no seed is left out.

    Raises:
        EvidenceError: if a strategy and seed occur twice, or a curve is malformed.
    """
    peeking = {run["strategy"] for run in runs if run.get("oracle")}
    found = {}
    for metric, curves in table_of(runs).items():
        honest = {name: own for name, own in curves.items() if name not in peeking} or curves
        entry = _winner(honest, -1 if metric in LOWER_IS_BETTER else 1)
        if entry is not None:
            found[metric] = entry
    return found


def leave_one_out(choose_by: FloatArray, read: FloatArray) -> float | None:
    """Mean over seeds of what is read of the arm that the other seeds choose.

    Args:
        choose_by: (A, S) of A arms and S seeds, higher is better; of equal arms the first is taken.
        read: (A, S) value to be estimated.

    Returns:
        A number between the least and the greatest value read; None for fewer than 2 seeds.
    """
    seeds = choose_by.shape[1]
    if seeds < 2:
        return None
    others = choose_by.sum(axis=1, keepdims=True) - choose_by
    return float(read[others.argmax(axis=0), np.arange(seeds)].mean())


def _winner(curves: dict[str, list[Curve]], sign: int) -> dict[str, Any] | None:
    by_arm = {name: by_seed(area, own) for name, own in curves.items()}
    by_arm = {name: areas for name, areas in by_arm.items() if areas}
    if not by_arm:
        return None
    seeds = sorted(set.intersection(*(set(areas) for areas in by_arm.values())))
    if not seeds:
        return None
    arms = list(by_arm)
    ends = [by_seed(final, curves[name]) for name in arms]
    areas = np.array([[by_arm[name][s] for s in seeds] for name in arms])
    finals = np.array([[end[s] for s in seeds] for end in ends])
    best = int((sign * areas).mean(axis=1).argmax())
    return {
        "arm": arms[best],
        "by": "aubc",
        "of": len(arms),
        "value": float(areas[best].mean()),
        "leave_one_out": leave_one_out(sign * areas, areas),
        "final": float(finals[best].mean()),
        "final_leave_one_out": leave_one_out(sign * areas, finals),
    }
