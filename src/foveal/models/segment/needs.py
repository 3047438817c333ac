"""Needs: what a spec must switch on for some evidence of a segmenter."""

from collections.abc import Callable, Collection, Mapping

from foveal.core.errors import EvidenceError
from foveal.core.spec import ExperimentSpec, check_views

Check = Callable[[ExperimentSpec], None]


def check_segment_needs(needs: Collection[str], spec: ExperimentSpec) -> None:
    """Raise unless a run with this spec can fill what a strategy needs; for before any training.

    Args:
        needs: evidence of the pool. Names that need no switch pass, also unknown ones: those are
            `segment_evidence`'s to refuse.
    Raises:
        EvidenceError: naming the setting that switches the evidence on.
        SpecError: where views would be flips although sides matter.
    """
    for need in sorted(set(needs) & SWITCHES.keys()):
        SWITCHES[need](spec)


def _draws(spec: ExperimentSpec) -> None:
    if spec.model.dropout == 0 and spec.train.members == 1:
        raise EvidenceError(
            "`pixel_bald` needs several draws, but `model.dropout` is 0 and `train.members` is 1; "
            "set `model.dropout` above 0 (0.2 is usual), or `train.members` to 5 for an ensemble"
        )
    if spec.train.members == 1 and spec.train.draws == 1:
        raise EvidenceError(
            "`pixel_bald` needs several draws, but `train.draws` is 1, and a single draw agrees "
            "with itself; set `train.draws` to 20"
        )


# What must be switched on for some evidence; all other evidence can always be filled, but that of
# differences only for images of three channels.
SWITCHES: Mapping[str, Check] = {
    "pixel_bald": _draws,
    "released_bald": _draws,
    "pixel_view_variance": check_views,
}
