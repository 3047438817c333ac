"""Crafts by task."""

from foveal.core.spec import ExperimentSpec
from foveal.loop.bench import Bench
from foveal.loop.classify import Classification
from foveal.loop.craft import Craft


def craft_of(spec: ExperimentSpec, bench: Bench) -> Craft:
    """The craft of a spec's task."""
    return Classification(spec, bench)
