"""Looking: where a learner sees the class it predicts, where it expects it, and how these agree."""

from collections.abc import Callable, Collection

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import FloatArray, IntArray
from foveal.explain import agreement, normalize_map, resize_map
from foveal.models.inputs import Inputs
from foveal.models.learner import Learner
from foveal.models.network import Output
from foveal.models.regions import AtlasRegions, Expected, OutlinedRegions, PredictedRegions
from foveal.models.stream import AS_USUAL, Columns, Pass, stream


def expected_regions(learner: Learner) -> Expected | None:
    """What a learner itself expects: its region head, its atlas, its outlines, or nothing."""
    if learner.region_head is not None:
        return PredictedRegions(learner.region_head.to(learner.device))
    if learner.atlas is not None:
        return AtlasRegions(learner.atlas)
    if learner.network.outline is not None:
        return OutlinedRegions()
    return None


@torch.inference_mode()
def maps(
    learner: Learner,
    inputs: Inputs,
    rows: IntArray,
    size: tuple[int, int],
    expected: Expected | None = None,
    how: Pass = AS_USUAL,
) -> tuple[FloatArray, FloatArray | None]:
    """Maps of the predicted class, and expected regions, on the image grid.

    Returns:
        (n, *size) maps in [0, 1], and (n, *size) regions in [0, 1] or None. For a few samples at
        a time: both are held in memory.
    """
    cams, regions = [], []
    for seen in stream(learner, inputs, rows, how):
        cam = predicted_map(learner, seen.out)
        cams.append(resize_map(normalize_map(cam), size).cpu().numpy())
        if expected is not None:
            region = expected(seen.out, seen.rows).float().nan_to_num()
            regions.append(resize_map(region, size).cpu().numpy())
    return np.concatenate(cams), np.concatenate(regions) if regions else None


@torch.inference_mode()
def look(
    learner: Learner,
    inputs: Inputs,
    rows: IntArray,
    references: Callable[[IntArray], FloatArray],
    measures: Collection[str] = ("soft_dice", "pointing_game"),
    how: Pass = AS_USUAL,
) -> dict[str, FloatArray]:
    """How well maps of the predicted class agree with reference regions, on the image grid.

    Args:
        references: gives (b, S, S) regions in [0, 1] of some rows, NaN where unknown.
    Returns:
        (n,) by measure; NaN where the reference is unknown or empty, for there is nothing to hit.
    """
    columns = Columns(len(rows))
    for seen in stream(learner, inputs, rows, how):
        region = torch.from_numpy(references(seen.rows)).float().to(learner.device)
        cam = resize_map(normalize_map(predicted_map(learner, seen.out)), tuple(region.shape[1:]))
        something = region.nan_to_num().flatten(1).sum(1) > 0
        for name in measures:
            value = agreement(name)(cam, region.nan_to_num())
            columns.put(name, seen.start, torch.where(something, value, torch.nan))
    return columns.arrays


def predicted_map(learner: Learner, out: Output) -> Tensor:
    """(n, h, w) Grad-CAM of the predicted class, not normalized."""
    return predicted_evidence(learner, out).relu()


def predicted_evidence(learner: Learner, out: Output) -> Tensor:
    """(n, h, w) evidence for the predicted class, of any sign: its map before ReLU."""
    return learner.network.evidence(out, out.logits.argmax(1)).float()
