"""Evidence: what the model says about each candidate, as named read-only arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from foveal.core.arrays import AnyArray, check_finite, check_probs, check_unit, read_only
from foveal.core.errors import EvidenceError
from foveal.core.pool import SampleId

Task = Literal["classification", "multilabel"]

# Every other array has samples first.
SAMPLE_AXIS: Mapping[str, int] = {"mc_probs": 1, "view_probs": 1}
PROBABILITIES = frozenset({"probs", "mc_probs", "view_probs"})
# (n,) scores that a network for pixels makes from its maps; CONTRIBUTING.md says what each is.
PIXELWISE = frozenset(
    {
        "pixel_entropy",
        "pixel_entropy_top",
        "pixel_entropy_target",
        "pixel_entropy_boundary",
        "pixel_confidence",
        "pixel_margin",
        "pixel_bald",
        "pixel_view_variance",
        "difference_entropy",
        "difference_energy",
        "baseline_cosine",
        "baseline_information",
        "released_entropy",
        "released_confidence",
        "released_bald",
    }
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Row i of every array belongs to ids[i]; arrays are finite and cannot be written.

    Known names and shapes: probs (n, C), mc_probs (T, n, C) of draws or members, view_probs
    (V, n, C) of views, probabilities; embedding (n, D); residual (n, C), the gradient of the loss
    with respect to the logits; misalignment (n,) in [0, 1]. CONTRIBUTING.md lists all.

    In the task `multilabel` a column is one finding that is there or not: probabilities lie in
    [0, 1], and rows need not sum to 1.

    Raises:
        EvidenceError: on repeated ids, wrong lengths, NaN, or rows that are no probabilities.
    """

    ids: tuple[SampleId, ...]
    arrays: Mapping[str, AnyArray]
    fingerprint: str = ""
    task: Task = "classification"

    def __post_init__(self) -> None:
        if len(set(self.ids)) != len(self.ids):
            raise EvidenceError("evidence ids must be unique, but one occurs twice")
        for name, array in self.arrays.items():
            self._check(name, array)
        frozen = {name: read_only(array) for name, array in self.arrays.items()}
        object.__setattr__(self, "arrays", frozen)

    def _check(self, name: str, array: AnyArray) -> None:
        axis = SAMPLE_AXIS.get(name, 0)
        if array.ndim <= axis or array.shape[axis] != len(self.ids):
            raise EvidenceError(
                f"`{name}` must have {len(self.ids)} rows on axis {axis}, one for each sample, "
                f"but has shape {array.shape}"
            )
        if name in PROBABILITIES:
            check = check_probs if self.task == "classification" else check_unit
            check(name, array)  # type: ignore[arg-type]
        else:
            check_finite(name, array)

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, positions: Sequence[int]) -> "Evidence":
        """The evidence of some samples, in the order asked."""
        index = np.asarray(positions, dtype=np.int64)
        picked = {k: np.take(a, index, axis=SAMPLE_AXIS.get(k, 0)) for k, a in self.arrays.items()}
        return Evidence(tuple(self.ids[i] for i in index), picked, self.fingerprint, self.task)
