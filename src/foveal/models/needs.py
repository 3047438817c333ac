"""Needs: the evidence that `predict` fills, and what a spec must switch on for some of it."""

from collections.abc import Callable, Collection, Mapping

from foveal.core.errors import EvidenceError
from foveal.core.evidence import PIXELWISE
from foveal.core.spec import ExperimentSpec, check_views

KNOWN = frozenset(
    {
        "probs",
        "embedding",
        "backbone_embedding",
        "misalignment",
        "region_size",
        "explanation_gradient",
        "mc_probs",
        "view_probs",
        "predicted_loss",
        "discriminator",
        "critic",
        "deepfool_distance",
        "bim_distance",
    }
)

# What the task `segmentation` fills; its `probs` are those of a picture without and with a finding.
# `embedding` stands in for `backbone_embedding`, for no backbone was pretrained.
SEGMENTED = PIXELWISE | {"probs", "embedding", "backbone_embedding", "region_size"}
CLASSWISE = (KNOWN | {"head_weight", "head_bias"}) - SEGMENTED

Check = Callable[[ExperimentSpec], None]


def check_needs(needs: Collection[str], spec: ExperimentSpec) -> None:
    """Raise unless a run with this spec can fill what a strategy needs; for before any training.

    Args:
        needs: evidence of the pool (`mc_probs`) or of the head (`head_weight`). Names that need no
            switch pass, also unknown ones: those are `predict`'s to refuse.
    Raises:
        EvidenceError: naming the setting that switches the evidence on, or the task it belongs to.
        SpecError: where views would be flips although sides matter.
    """
    switches = SWITCHES if spec.task == "classification" else SEGMENT_SWITCHES
    for need in sorted(needs):
        _check_task(need, spec)
        if need in switches:
            switches[need](spec)


def _check_task(need: str, spec: ExperimentSpec) -> None:
    if need in PIXELWISE and spec.task != "segmentation":
        raise EvidenceError(
            f"`{need}` is a score over pixels and needs task: segmentation, but `task` is "
            f"{spec.task}; set `task: segmentation`, or choose a strategy that reads `probs`"
        )
    if need in CLASSWISE and spec.task == "segmentation":
        raise EvidenceError(
            f"`{need}` comes from a network for classes and needs task: classification, but `task` "
            "is segmentation; choose a strategy that reads scores over pixels, `probs` or "
            "`embedding`"
        )


def _draws(spec: ExperimentSpec) -> None:
    need = "mc_probs" if spec.task == "classification" else "pixel_bald"
    if spec.model.dropout == 0 and spec.train.members == 1:
        raise EvidenceError(
            f"`{need}` needs several draws, but `model.dropout` is 0 and `train.members` is 1; "
            "set `model.dropout` above 0 (0.5 is usual), or `train.members` to 5 for an ensemble"
        )
    if spec.train.members == 1 and spec.train.draws == 1:
        raise EvidenceError(
            f"`{need}` needs several draws, but `train.draws` is 1, and a single draw agrees with "
            "itself; set `train.draws` to 20"
        )


def _regions(spec: ExperimentSpec) -> None:
    if spec.regions.source == "none":
        raise EvidenceError(
            "`misalignment`, `region_size` and `explanation_gradient` need an expected region, but "
            "`regions.source` is none; set it to predicted, atlas or weak"
        )


def _linear(spec: ExperimentSpec) -> None:
    if spec.model.head != "linear":
        raise EvidenceError(
            "`head_weight`, `head_bias` and `explanation_gradient` are about the last layer of a "
            f"linear head, but `model.head` is {spec.model.head}; set it to linear"
        )


def _linear_with_regions(spec: ExperimentSpec) -> None:
    _regions(spec)
    _linear(spec)


# What must be switched on for some evidence; all other evidence can always be filled.
SWITCHES: Mapping[str, Check] = {
    "mc_probs": _draws,
    "view_probs": check_views,
    "misalignment": _regions,
    "region_size": _regions,
    "explanation_gradient": _linear_with_regions,
    "head_weight": _linear,
    "head_bias": _linear,
}
SEGMENT_SWITCHES: Mapping[str, Check] = {
    "pixel_bald": _draws,
    "released_bald": _draws,
    "pixel_view_variance": check_views,
}
