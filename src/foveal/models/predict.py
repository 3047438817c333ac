"""Evidence in one streaming pass: every array a strategy asks for, none it does not."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import EvidenceError
from foveal.core.evidence import Evidence
from foveal.core.pool import SampleId
from foveal.explain import agreement, normalize_map
from foveal.models.fills import FILLS, Source
from foveal.models.heads import LinearHead
from foveal.models.inputs import Inputs
from foveal.models.labeledness import critic, discriminator
from foveal.models.learner import Learner
from foveal.models.looking import predicted_evidence
from foveal.models.losses import explanation_gradient
from foveal.models.needs import KNOWN
from foveal.models.regions import Expected
from foveal.models.stream import AS_USUAL, Columns, Pass, Seen, stream

COMPARED = frozenset({"misalignment", "region_size", "explanation_gradient"})
# Both look at all embeddings at once, so they come after the stream.
SIDES: Mapping[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "discriminator": discriminator,
    "critic": critic,
}


@torch.inference_mode()
def predict(
    learner: Learner,
    inputs: Inputs,
    rows: IntArray,
    ids: Sequence[SampleId],
    needs: Collection[str],
    expected: Expected | None = None,
    measure: str = "soft_dice",
    how: Pass = AS_USUAL,
    *,
    draws: int = 20,
    views: Sequence[Inputs] = (),
    labeled: FloatArray | None = None,
) -> Evidence:
    """Evidence for some samples; memory does not depend on how many, beyond the evidence itself.

    `probs` are an ensemble's mean; maps, embedding, and what is made of these or of the inputs are
    those of its first member. Images are seen as they are: without augmentation, and without
    dropout but in `mc_probs`.

    `misalignment` is 1 - agreement of the predicted class's map with the expected region, both on
    the map's grid; with it comes `region_size`, the expected region's share of the image. Where
    nothing is expected (the region is empty) there is nothing to be looked at wrongly, so such
    samples get the median of the others and are asked for neither sooner nor later. A map that is
    zero everywhere has misalignment 1. `explanation_gradient` (n, D) is the gradient of the
    explanation loss with respect to the weights of the predicted class, were the expected region
    the expert's; 0 where nothing is expected.

    `mc_probs` (T, n, C) are `draws` draws of dropout, or an ensemble's members, or where there are
    both, `draws` draws of each member in turn. A draw is one sample of the weights: the same for
    all samples, and the same whenever this learner is asked.

    Args:
        rows: (n,) positions in `inputs`; `ids` names them.
        needs: of `KNOWN`; `check_needs` tells before any training what must be switched on.
        expected: gives regions; without it what is compared with them is left out even if needed.
        draws: of each network, for `mc_probs` where there is dropout.
        views: for `view_probs`: other views of the same images, or features of these. The first
            view is always `inputs`.
        labeled: for `discriminator` and `critic`: (m, D) embedding of the labeled samples.
    Raises:
        EvidenceError: for a need that nobody fills, or not with this learner and these arguments.
    """
    unknown = sorted(set(needs) - KNOWN)
    if unknown:
        raise EvidenceError(f"`predict` fills {sorted(KNOWN)}, but {unknown} was asked for")
    fingerprint = learner.fingerprint()
    seed = int(fingerprint, 16)  # what is drawn is the learner's own, and as repeatable as it is
    sides = _labeled_side(needs, labeled)
    source = Source(learner, how, draws, views, seed)
    fills = {name: FILLS[name](source) for name in FILLS if name in needs}
    if sides is not None:
        fills["embedding"] = FILLS["embedding"](source)
    wants_map = expected is not None and bool(COMPARED & set(needs))
    teaches = "explanation_gradient" in needs
    compare = _comparison(learner, expected if wants_map else None, measure, teaches)
    columns = Columns(len(rows))
    for seen in stream(learner, inputs, rows, how):
        for name, fill in fills.items():
            columns.put(name, seen.start, fill(seen))
        for name, values in compare(seen).items():
            columns.put(name, seen.start, values)
    if "misalignment" in columns.arrays:
        _fill_with_median(columns.arrays["misalignment"])
    if sides is not None and len(rows):
        _add_sides(columns.arrays, needs, sides, seed)
    return Evidence(tuple(ids), columns.arrays, fingerprint)


def head_evidence(learner: Learner) -> Evidence:
    """The last layer as evidence, one row a class: `weight` (C, D) and `bias` (C,).

    `embedding @ weight.T + bias` are the logits of the (first) network for the embedding that
    `predict` gives, to the precision in which it saw.

    Raises:
        EvidenceError: unless the head is linear.
    """
    head = learner.network.head
    if not isinstance(head, LinearHead):
        raise EvidenceError(
            "the last layer's weights need a linear head, but this learner classifies by distance "
            "to prototypes; set `model.head: linear`, or choose a strategy without `head_weight`"
        )
    arrays = {"weight": head.linear.weight, "bias": head.linear.bias}
    return Evidence(
        learner.classes,
        {name: value.detach().float().cpu().numpy().copy() for name, value in arrays.items()},
        learner.fingerprint(),
    )


def _comparison(
    learner: Learner, expected: Expected | None, measure: str, teaches: bool
) -> Callable[[Seen], dict[str, Tensor]]:
    """Compares maps with expected regions, where there are any."""
    agree = agreement(measure)

    def compare(seen: Seen) -> dict[str, Tensor]:
        if expected is None:
            return {}
        region = expected(seen.out, seen.rows).float()
        evidence = predicted_evidence(learner, seen.out)
        found = {
            "misalignment": _misalignment(evidence.relu(), region, agree),
            "region_size": region.nan_to_num().flatten(1).mean(1),
        }
        if teaches:
            found["explanation_gradient"] = explanation_gradient(seen.out, evidence, region)
        return found

    return compare


def _misalignment(cam: Tensor, region: Tensor, agree: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """(n,) in [0, 1]; NaN where nothing is expected."""
    known = region.nan_to_num()
    value = 1 - agree(normalize_map(cam), known)
    return torch.where(known.flatten(1).sum(1) > 0, value, torch.nan)


def _fill_with_median(values: FloatArray) -> None:
    missing = np.isnan(values)
    values[missing] = 0.5 if missing.all() else np.median(values[~missing])


def _labeled_side(needs: Collection[str], labeled: FloatArray | None) -> FloatArray | None:
    """The labeled embeddings, if they are needed."""
    wanted = sorted(SIDES.keys() & set(needs))
    if wanted and labeled is None:
        raise EvidenceError(
            f"{wanted} need the embedding of the labeled samples, but `labeled` was not given; "
            "hand `predict` labeled=predict(..., needs=('embedding',)).arrays['embedding']"
        )
    return labeled if wanted else None


def _add_sides(
    arrays: dict[str, FloatArray], needs: Collection[str], labeled: FloatArray, seed: int
) -> None:
    pool = torch.from_numpy(arrays["embedding"])
    if "embedding" not in needs:
        del arrays["embedding"]
    known = torch.from_numpy(np.array(labeled, dtype=np.float32))
    for name in SIDES.keys() & set(needs):
        arrays[name] = SIDES[name](known, pool, seed).numpy()
