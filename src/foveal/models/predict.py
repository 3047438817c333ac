"""Evidence in one streaming pass: every array a strategy asks for, none it does not."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from foveal.core.arrays import FloatArray, IntArray
from foveal.core.errors import EvidenceError
from foveal.core.evidence import Evidence
from foveal.core.pool import SampleId
from foveal.explain import agreement, normalize_map, resize_map
from foveal.models.compute import Progress, autocast, silent
from foveal.models.inputs import Inputs, to_tensor
from foveal.models.learner import Learner
from foveal.models.network import Output
from foveal.models.regions import AtlasRegions, Expected, PredictedRegions

KNOWN = frozenset({"probs", "embedding", "misalignment", "region_size"})


@dataclass(frozen=True, slots=True)
class Pass:
    """How to stream: batch size, precision, and who watches."""

    batch_size: int = 128
    precision: str = "auto"
    progress: Progress = silent


@dataclass(slots=True)
class _Columns:
    """Evidence as it grows: (n, ...) arrays filled batch by batch, never more than n rows."""

    n: int
    arrays: dict[str, FloatArray] = field(default_factory=dict)

    def put(self, name: str, start: int, values: Tensor) -> None:
        block = values.float().cpu().numpy()
        if name not in self.arrays:
            self.arrays[name] = np.empty((self.n, *block.shape[1:]), np.float32)
        self.arrays[name][start : start + len(block)] = block


@torch.inference_mode()
def predict(
    learner: Learner,
    inputs: Inputs,
    rows: IntArray,
    ids: Sequence[SampleId],
    needs: Collection[str],
    expected: Expected | None = None,
    measure: str = "soft_dice",
    how: Pass = Pass(),
) -> Evidence:
    """Evidence for some samples; memory does not depend on how many, beyond the evidence itself.

    `misalignment` is 1 - agreement of the predicted class's map with the expected region, both on
    the map's grid; with it comes `region_size`, the expected region's share of the image. Where
    nothing is expected (the region is empty) there is nothing to be looked at wrongly, so such
    samples get the median of the others and are asked for neither sooner nor later. A map that is
    zero everywhere has misalignment 1.

    Args:
        rows: (n,) positions in `inputs`; `ids` names them.
        needs: of probs, embedding, misalignment, region_size.
        expected: gives regions; without it `misalignment` is left out even if needed.
    Raises:
        EvidenceError: for a need that nobody fills.
    """
    unknown = sorted(set(needs) - KNOWN)
    if unknown:
        raise EvidenceError(f"`predict` fills {sorted(KNOWN)}, but {unknown} was asked for")
    agree = agreement(measure)
    wants_map = expected is not None and bool({"misalignment", "region_size"} & set(needs))
    columns = _Columns(len(rows))
    for start, out, part in _stream(learner, inputs, rows, how):
        if "probs" in needs:
            columns.put("probs", start, out.logits.float().softmax(1))
        if "embedding" in needs:
            columns.put("embedding", start, out.embedding)
        if wants_map and expected is not None:
            region = expected(out, part).float()
            cam = learner.network.cam(out.acts, out.embedding, out.logits.argmax(1))
            columns.put("misalignment", start, _misalignment(cam, region, agree))
            columns.put("region_size", start, region.nan_to_num().flatten(1).mean(1))
    if "misalignment" in columns.arrays:
        _fill_with_median(columns.arrays["misalignment"])
    return Evidence(tuple(ids), columns.arrays, learner.fingerprint())


def expected_regions(learner: Learner) -> Expected | None:
    """What a learner itself expects: its region head, or its atlas, or nothing."""
    if learner.region_head is not None:
        return PredictedRegions(learner.region_head.to(learner.device))
    if learner.atlas is not None:
        return AtlasRegions(learner.atlas)
    return None


@torch.inference_mode()
def maps(
    learner: Learner,
    inputs: Inputs,
    rows: IntArray,
    size: tuple[int, int],
    expected: Expected | None = None,
    how: Pass = Pass(),
) -> tuple[FloatArray, FloatArray | None]:
    """Maps of the predicted class, and expected regions, on the image grid.

    Returns:
        (n, *size) maps in [0, 1], and (n, *size) regions in [0, 1] or None. For a few samples at
        a time: both are held in memory.
    """
    cams, regions = [], []
    for _, out, part in _stream(learner, inputs, rows, how):
        cam = learner.network.cam(out.acts, out.embedding, out.logits.argmax(1))
        cams.append(resize_map(normalize_map(cam.float()), size).cpu().numpy())
        if expected is not None:
            region = expected(out, part).float().nan_to_num()
            regions.append(resize_map(region, size).cpu().numpy())
    return np.concatenate(cams), np.concatenate(regions) if regions else None


@torch.inference_mode()
def look(
    learner: Learner,
    inputs: Inputs,
    rows: IntArray,
    references: Callable[[IntArray], FloatArray],
    measures: Collection[str] = ("soft_dice", "pointing_game"),
    how: Pass = Pass(),
) -> dict[str, FloatArray]:
    """How well maps of the predicted class agree with reference regions, on the image grid.

    Args:
        references: gives (b, S, S) regions in [0, 1] of some rows, NaN where unknown.
    Returns:
        (n,) by measure; NaN where the reference is unknown or empty, for there is nothing to hit.
    """
    columns = _Columns(len(rows))
    for start, out, part in _stream(learner, inputs, rows, how):
        region = torch.from_numpy(references(part)).float().to(out.logits.device)
        cam = learner.network.cam(out.acts, out.embedding, out.logits.argmax(1))
        cam = resize_map(normalize_map(cam.float()), tuple(region.shape[1:]))
        something = region.nan_to_num().flatten(1).sum(1) > 0
        for name in measures:
            value = agreement(name)(cam, region.nan_to_num())
            columns.put(name, start, torch.where(something, value, torch.nan))
    return columns.arrays


def _stream(
    learner: Learner, inputs: Inputs, rows: IntArray, how: Pass
) -> Iterator[tuple[int, Output, IntArray]]:
    network = learner.network.eval()
    full = network.backbone is not None
    for start in range(0, len(rows), how.batch_size):
        part = rows[start : start + how.batch_size]
        with autocast(learner.device, how.precision if full else "32"):
            out = network(to_tensor(inputs, part, learner.device))
        yield start, out, part
        how.progress(start + len(part), len(rows))


def _misalignment(cam: Tensor, region: Tensor, agree: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """(n,) in [0, 1]; NaN where nothing is expected."""
    known = region.nan_to_num()
    value = 1 - agree(normalize_map(cam.float()), known)
    return torch.where(known.flatten(1).sum(1) > 0, value, torch.nan)


def _fill_with_median(values: FloatArray) -> None:
    missing = np.isnan(values)
    values[missing] = 0.5 if missing.all() else np.median(values[~missing])
