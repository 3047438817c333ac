"""Sets: functions of sets of candidates and their greedy maximization.

Any similarity of one's own can be used: `maximize(QueryCoverage(similarity), k)`.
"""

from foveal.acquire.sets.concave import Concave, ConcaveOverModular
from foveal.acquire.sets.coverage import Coverage, QueryCoverage
from foveal.acquire.sets.graph_cut import GraphCutGain, Modular
from foveal.acquire.sets.greedy import Optimizer, SetFunction, by_parts, maximize
from foveal.acquire.sets.items import Items, features, gradients, similarity, total_similarity
from foveal.acquire.sets.log_det import LogDet, LogDetDifference

__all__ = [
    "Concave",
    "ConcaveOverModular",
    "Coverage",
    "GraphCutGain",
    "Items",
    "LogDet",
    "LogDetDifference",
    "Modular",
    "Optimizer",
    "QueryCoverage",
    "SetFunction",
    "by_parts",
    "features",
    "gradients",
    "maximize",
    "similarity",
    "total_similarity",
]
