"""Crafts by task."""

from foveal.core.spec import ExperimentSpec
from foveal.loop.bench import Bench
from foveal.loop.classify import Classification
from foveal.loop.craft import Craft


def craft_of(spec: ExperimentSpec, bench: Bench) -> Craft:
    """The craft of a spec's task."""
    if spec.task == "classification":
        return Classification(spec, bench)
    from foveal.loop.segmenting import Segmentation  # MONAI takes a second to import

    return Segmentation(spec, bench)
