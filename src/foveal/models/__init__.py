"""Models: networks that say where they look, trained on classes and regions, and their evidence."""

from foveal.models.backbones import Backbone, build_backbone
from foveal.models.compute import machine, pick_device, use_threads
from foveal.models.inputs import FeatureStore, Inputs, cached_features
from foveal.models.learn import learn
from foveal.models.learner import Learner, learner_from_bytes
from foveal.models.lessons import Lessons
from foveal.models.looking import expected_regions, look, maps
from foveal.models.needs import check_needs
from foveal.models.onnx import to_onnx
from foveal.models.predict import head_evidence, predict
from foveal.models.pretrained import pretrained_embedding
from foveal.models.regions import Expected, GivenRegions
from foveal.models.stream import Pass
from foveal.models.views import View, Viewed, other_views

__all__ = [
    "Backbone",
    "Expected",
    "FeatureStore",
    "GivenRegions",
    "Inputs",
    "Learner",
    "Lessons",
    "Pass",
    "View",
    "Viewed",
    "build_backbone",
    "cached_features",
    "check_needs",
    "expected_regions",
    "head_evidence",
    "learn",
    "learner_from_bytes",
    "look",
    "machine",
    "maps",
    "other_views",
    "pick_device",
    "predict",
    "pretrained_embedding",
    "to_onnx",
    "use_threads",
]
