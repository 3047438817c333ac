"""Crafts by task."""

from collections.abc import Callable, Mapping

from foveal.core.spec import ExperimentSpec
from foveal.loop.bench import Bench
from foveal.loop.classify import Classification
from foveal.loop.craft import Craft
from foveal.loop.segmenting import Segmentation

CRAFTS: Mapping[str, Callable[[ExperimentSpec, Bench], Craft]] = {
    "classification": Classification,
    "segmentation": Segmentation,
}


def craft_of(spec: ExperimentSpec, bench: Bench) -> Craft:
    """The craft of a spec's task."""
    return CRAFTS[spec.task](spec, bench)
