"""Acquisition: which candidates are worth an expert's minutes next, and why."""

from foveal.acquire.constraints import Constraints
from foveal.acquire.engine import acquire
from foveal.acquire.registry import (
    Chosen,
    Scored,
    Strategy,
    get,
    load,
    located,
    names,
    scorer,
    selector,
)

__all__ = [
    "Chosen",
    "Constraints",
    "Scored",
    "Strategy",
    "acquire",
    "get",
    "load",
    "located",
    "names",
    "scorer",
    "selector",
]
