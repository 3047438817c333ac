"""Constraints on a batch: caps, shares, pins, exclusions, and what it may cost.

Each constraint is one cap, "at most so many picks share a code", and one walk down a ranking
honors them all. Where the caps put the budget out of reach, the softest cap that stands in the
way is raised by the smallest step that frees a candidate: first the balance of classes and the
shares of strata, then the cap per patient in a batch, that over all rounds, the cap per study, and
near-duplicates last, since a second copy of one image teaches least. Where units are asked as a
whole, the same walk goes over units, and each cap counts them.
"""

from foveal.acquire.constraints.batch import Ask, Batch, choose, walk
from foveal.acquire.constraints.caps import FREE, Cap, caps_of
from foveal.acquire.constraints.knapsack import affordable_set, knapsack
from foveal.acquire.constraints.pins import check_pins, positions_of
from foveal.acquire.constraints.purse import Purse, check_costs, places, purse_of
from foveal.acquire.constraints.remarks import remarks
from foveal.acquire.constraints.rules import Balance, Constraints, Shares, Whole
from foveal.acquire.constraints.units import (
    Reduce,
    Units,
    by_first_pick,
    left_aside,
    reduced,
    units_of,
    whole_units,
)

__all__ = [
    "FREE",
    "Ask",
    "Balance",
    "Batch",
    "Cap",
    "Constraints",
    "Purse",
    "Reduce",
    "Shares",
    "Units",
    "Whole",
    "affordable_set",
    "by_first_pick",
    "caps_of",
    "check_costs",
    "check_pins",
    "choose",
    "knapsack",
    "left_aside",
    "places",
    "positions_of",
    "purse_of",
    "reduced",
    "remarks",
    "units_of",
    "walk",
    "whole_units",
]
