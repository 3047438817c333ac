"""Rehearsal: a strategy meets made-up evidence, so that errors are heard before any training."""

from collections.abc import Mapping

import numpy as np

from foveal import acquire as acquisition
from foveal.core.arrays import AnyArray
from foveal.core.evidence import PIXELWISE, Evidence
from foveal.core.spec import ExperimentSpec
from foveal.loop.wants import MAPPED, check_parameters, parameters_of, plans_of, wanted
from foveal.models import check_needs

# What `predict` fills, for two samples that do not exist.
PROBS = np.array([[0.6, 0.4], [0.2, 0.8]])
MADE_UP: Mapping[str, AnyArray] = {
    "probs": PROBS,
    "mc_probs": np.stack([PROBS, PROBS[::-1]]),
    "view_probs": np.stack([PROBS, PROBS[::-1]]),
    "embedding": np.eye(2),
    "backbone_embedding": np.eye(2),
    "misalignment": np.array([0.25, 0.75]),
    "region_size": np.array([0.1, 0.2]),
    "explanation_gradient": np.eye(2),
    "predicted_loss": np.array([0.5, 1.5]),
    "discriminator": np.array([0.25, 0.75]),
    "critic": np.array([-1.0, 1.0]),
    "deepfool_distance": np.array([0.5, 1.5]),
    "bim_distance": np.array([0.5, 1.5]),
    **{name: np.array([0.25, 0.5]) for name in PIXELWISE},
}
BESIDE: Mapping[str, AnyArray] = {
    "probs": PROBS,
    "embedding": np.eye(2),
    "backbone_embedding": np.eye(2),
    "label": np.array([1, 0]),
}
HEAD: Mapping[str, AnyArray] = {"weight": np.eye(2), "bias": np.zeros(2)}


def rehearse(spec: ExperimentSpec) -> None:
    """Raise what the spec's strategy would raise in the first round.

    Raises:
        UnknownName: no such strategy.
        SpecError: an unknown setting of it, or one of the wrong type or range.
        EvidenceError: it needs what no run, or no run with these settings, can fill.
    """
    check_parameters(spec)
    for plan in plans_of(spec):
        check_needs(plan.needs, spec)
    _, places = wanted(spec)
    mapped = spec.regions.source != "none" or spec.task == "segmentation"
    hidden = frozenset() if mapped else MAPPED
    arrays = {key: array for key, array in MADE_UP.items() if key not in hidden}
    context = {
        place: Evidence((f"{place} a", f"{place} b"), HEAD if place == "head" else BESIDE)
        for place in places
    }
    for plan in plans_of(spec):
        acquisition.acquire(
            Evidence(("a", "b"), arrays),
            plan.name,
            1,
            parameters=parameters_of(spec, plan),
            context=context,
        )
