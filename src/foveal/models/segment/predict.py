"""Evidence of a segmenter in one streaming pass: pixels are reduced before the next batch."""

from collections.abc import Collection, Sequence

import torch

from foveal.core.arrays import IntArray
from foveal.core.errors import EvidenceError
from foveal.core.evidence import Evidence
from foveal.core.pool import SampleId
from foveal.core.segment_spec import SegmentSpec
from foveal.models.inputs import Inputs
from foveal.models.segment.fills import FILLS, Source
from foveal.models.segment.segmenter import Segmenter
from foveal.models.segment.stream import PIXEL_PASS, stream_pixels
from foveal.models.segment.views import PixelView
from foveal.models.stream import Columns, Pass


@torch.inference_mode()
def segment_evidence(
    segmenter: Segmenter,
    inputs: Inputs,
    rows: IntArray,
    ids: Sequence[SampleId],
    needs: Collection[str],
    segment: SegmentSpec,
    how: Pass = PIXEL_PASS,
    draws: int = 20,
    views: Sequence[PixelView] = (),
    labeled_rows: IntArray | None = None,
) -> Evidence:
    """Evidence for some samples; memory does not depend on how many, beyond the evidence itself.

    p is the probability of foreground of a pixel, an ensemble's mean; H its binary entropy in
    nats, at most ln 2. Of one number for each sample:

    probs (n, 2): 1 - q and q, the mean of the highest `segment.top_share` of p: that the sample
    shows any foreground. embedding (n, D): the first member's bottleneck, mean over positions.
    region_size: share of pixels with p of at least `segment.threshold`.

    pixel_entropy: mean of H. pixel_entropy_top: mean of the highest `top_share` of H.
    pixel_entropy_target: mean of H where p is at least `segment.target`; pixel_entropy_boundary:
    where |p - 1/2| is at most `segment.band`, so from H(1/2 - band) to ln 2; both 0 where there is
    no such pixel. boundary_share: share of pixels in that band. pixel_confidence: mean of
    max(p, 1 - p). pixel_margin: mean of |2 p - 1|.

    pixel_bald: mean of the mutual information of a pixel's class and the weights, over `draws`
    draws of dropout of each member, or over the members of an ensemble without dropout. A draw is
    one sample of the weights: the same for all samples, and whenever this segmenter is asked.
    pixel_view_variance: mean over views and pixels of the squared distance of p, turned back, from
    its mean over views; of foreground alone, which is also the mean over both classes.

    difference_entropy: mean of H |d| / max |d|, with d the signed difference in the third channel;
    difference_energy: mean of |d|. baseline_cosine, baseline_information: mean similarity and mean
    mutual information of the first channel and those of `labeled_rows` (`baseline.py`).

    released_entropy, released_confidence, released_bald: sums over pixels of -p ln p, of p, and of
    the mutual information's foreground term, as released code has them; to reproduce it only.

    Args:
        rows: (n,) positions in `inputs`; `ids` names them.
        needs: of `FILLS`; `check_needs` tells before any training what must be on.
        draws: of each network that has dropout.
        views: other views of the images, `pixel_views(spec)`; the first is always the image.
        labeled_rows: positions in `inputs` of the labeled samples.
    Raises:
        EvidenceError: for a need that nobody fills, or not with these arguments.
    Source:
        arXiv:2401.16298 (target and boundary), arXiv:1112.5745 (BALD), arXiv:2306.16918 (views),
        arXiv:2511.18007 (difference, baseline).
    """
    unknown = sorted(set(needs) - FILLS.keys())
    if unknown:
        raise EvidenceError(
            f"`segment_evidence` fills {sorted(FILLS)}, but {unknown} was asked for"
        )
    fingerprint = segmenter.fingerprint()
    seed = int(fingerprint, 16)  # what is drawn is the segmenter's own, as repeatable as it is
    source = Source(segmenter, inputs, segment, how, draws, views, labeled_rows, seed)
    fills = {name: FILLS[name](source) for name in FILLS if name in needs}
    columns = Columns(len(rows))
    for seen in stream_pixels(segmenter, inputs, rows, how):
        for name, fill in fills.items():
            columns.put(name, seen.start, fill(seen))
    return Evidence(tuple(ids), columns.arrays, fingerprint)
