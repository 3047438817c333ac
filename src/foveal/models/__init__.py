"""Models: networks that say where they look, trained on classes and regions, and their evidence."""

from foveal.models.backbones import Backbone, build_backbone
from foveal.models.compute import machine, pick_device, use_threads
from foveal.models.inputs import FeatureStore, Inputs, cached_features
from foveal.models.learn import learn
from foveal.models.learner import Learner, learner_from_bytes
from foveal.models.lessons import Lessons
from foveal.models.predict import Pass, expected_regions, look, maps, predict
from foveal.models.regions import Expected, GivenRegions

__all__ = [
    "Backbone",
    "Expected",
    "FeatureStore",
    "GivenRegions",
    "Inputs",
    "Learner",
    "Lessons",
    "Pass",
    "build_backbone",
    "cached_features",
    "expected_regions",
    "learn",
    "learner_from_bytes",
    "look",
    "machine",
    "maps",
    "pick_device",
    "predict",
    "use_threads",
]
