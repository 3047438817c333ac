"""Store: the journal of an experiment, its state, and the files it names."""

from foveal.store.blobs import Blobs
from foveal.store.events import SCHEMA_VERSION, Event, canonical_json, chain_hash
from foveal.store.journal import Journal
from foveal.store.records import Entry, TrainedRound, annotated, queried, trained
from foveal.store.state import State, fold

__all__ = [
    "SCHEMA_VERSION",
    "Blobs",
    "Entry",
    "Event",
    "Journal",
    "State",
    "TrainedRound",
    "annotated",
    "canonical_json",
    "chain_hash",
    "fold",
    "queried",
    "trained",
]
