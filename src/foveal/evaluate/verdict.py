"""Verdict: all that is said over the runs of a comparison together."""

from collections.abc import Sequence
from typing import Any

from foveal.evaluate.contrasts import compare
from foveal.evaluate.penalty import penalties
from foveal.evaluate.runs import Run
from foveal.evaluate.summary import summarize
from foveal.evaluate.winner import winners


def verdict(runs: Sequence[Run]) -> dict[str, Any]:
    """The parts of results.json that are worked out from its runs.

    Args:
        runs: see `runs.table_of`.

    Returns:
        {"summary", "tests", "penalty", "winner"}, see `summarize`, `compare`, `penalties` and
        `winners`.

    Raises:
        EvidenceError: if a strategy and seed occur twice, or a curve is malformed.
    """
    return {
        "summary": summarize(runs),
        "tests": compare(runs),
        "penalty": penalties(runs),
        "winner": winners(runs),
    }
