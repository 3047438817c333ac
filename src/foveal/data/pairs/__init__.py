"""Pairs of time points: aligned, made comparable, and cut into pictures of change."""

from foveal.data.pairs.prepare import PairSettings, Prepared, compared, prepare
from foveal.data.pairs.register import Registration, register, similarity
from foveal.data.pairs.slices import Slices, decoded_difference
from foveal.data.pairs.table import Pair, read_pairs
from foveal.data.pairs.write import Done, notes_of, prepare_pairs

__all__ = [
    "Done",
    "Pair",
    "PairSettings",
    "Prepared",
    "Registration",
    "Slices",
    "compared",
    "decoded_difference",
    "notes_of",
    "prepare",
    "prepare_pairs",
    "read_pairs",
    "register",
    "similarity",
]
