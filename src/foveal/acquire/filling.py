"""Filling a batch: a ranking or a selector's wish within caps and purse, one by one or by units."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.acquire.constraints import (
    Ask,
    Batch,
    Cap,
    Purse,
    Reduce,
    Units,
    affordable_set,
    by_first_pick,
    choose,
    knapsack,
    left_aside,
    reduced,
    remarks,
    walk,
)
from foveal.core.arrays import FloatArray, IntArray
from foveal.core.pool import SampleId


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What a batch must keep to: caps, purse and pins, in units where samples are asked together.

    `start` are the pinned ones. Candidates stand in hash order, so that a stable sort leaves equals
    to chance.
    """

    caps: Sequence[Cap]
    purse: Purse
    start: Sequence[int]
    relax: bool
    units: Units | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """Positions of the samples asked, most wanted first, and what is to be told of the batch.

    `unit_score` (n,) is the score of each candidate's unit, where a scorer ranks units.
    """

    positions: list[int]
    notes: tuple[str, ...]
    unit_score: FloatArray | None = None


def by_score(score: FloatArray, limits: Limits, reduce: Reduce, ids: Sequence[SampleId]) -> Filled:
    """A scorer's batch.

    Args:
        score: (n,) of candidates; higher is sooner.
        limits: what the batch keeps to.
        reduce: how the scores of a unit become one.
        ids: (n,) the candidates, for notes.
    """
    units = limits.units
    if units is None:
        batch = _best(score, limits)
        return Filled(batch.picked, _remarks(batch, limits))
    wish = reduced(score, units, reduce)
    batch = _best(wish, limits)
    notes = (*left_aside(_falling(wish), units, limits.purse, ids), *_remarks(batch, limits))
    return Filled(units.members(batch.picked, _falling(score)), notes, wish[units.codes])


def by_set(ask: Ask, n: int, samples: int, limits: Limits, ids: Sequence[SampleId]) -> Filled:
    """A selector's batch; units come in the order in which it first picks from them.

    Args:
        ask: positions of candidates and k to k of these positions, most wanted first.
        n: candidates.
        samples: how many the purse holds, at least about.
        limits: what the batch keeps to.
        ids: (n,) the candidates, for notes.
    """
    units = limits.units
    if units is None:
        batch = _set(ask, n, limits)
        return Filled(batch.picked, _remarks(batch, limits))
    everyone = np.arange(n)
    picks = ask(everyone, min(n, samples))
    first = by_first_pick(picks, units)
    batch = walk(first, limits.caps, limits.purse, relax=limits.relax, start=limits.start)
    within = np.concatenate([picks, np.setdiff1d(everyone, picks)])
    notes = (*left_aside(first, units, limits.purse, ids), *_remarks(batch, limits))
    return Filled(units.members(batch.picked, within), notes)


def _best(score: FloatArray, limits: Limits) -> Batch:
    caps, purse, relax, start = limits.caps, limits.purse, limits.relax, limits.start
    if purse.timed:
        return knapsack(score, caps, purse, relax=relax, start=start)
    return walk(_falling(score), caps, purse, relax=relax, start=start)


def _set(ask: Ask, n: int, limits: Limits) -> Batch:
    caps, purse, relax, start = limits.caps, limits.purse, limits.relax, limits.start
    if purse.timed:
        return affordable_set(ask, caps, purse, relax=relax, start=start)
    return choose(ask, caps, n, purse.nominal, relax=relax, start=start)


def _falling(score: FloatArray) -> IntArray:
    """Positions from the highest score down; equals in their order."""
    return np.argsort(-score, kind="stable")


def _remarks(batch: Batch, limits: Limits) -> tuple[str, ...]:
    return remarks(batch, limits.caps, limits.purse, limits.start)
