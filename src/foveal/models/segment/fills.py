"""Fills: one column of evidence each, from what a segmenter sees in a batch of images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from foveal.core.arrays import IntArray
from foveal.core.chance import integer_seed
from foveal.core.errors import EvidenceError
from foveal.core.segment_spec import SegmentSpec
from foveal.models.compute import autocast
from foveal.models.inputs import Inputs
from foveal.models.segment.baseline import (
    directions,
    labeled_bins,
    mean_direction,
    mean_information,
)
from foveal.models.segment.network import Keep, keep_draws
from foveal.models.segment.pixels import (
    binary_entropy,
    foreground_term,
    mean_of,
    mean_of_top,
    mean_where,
    relative_difference,
    share_of,
    signed_difference,
    sum_of,
)
from foveal.models.segment.segmenter import Segmenter
from foveal.models.segment.stream import Seen, see_pixels
from foveal.models.segment.views import PixelView
from foveal.models.stream import Pass

LONGITUDINAL = 3  # channels: baseline, follow-up, difference


class Drawn(NamedTuple):
    """Means over draws, (b, *S): of probabilities, of their entropies, of foreground terms."""

    probs: Tensor
    entropy: Tensor
    foreground: Tensor


@dataclass(eq=False)
class Source:
    """What evidence is made from, beside the batch; the arguments of `segment_evidence`."""

    segmenter: Segmenter
    inputs: Inputs
    segment: SegmentSpec
    how: Pass
    draws: int
    views: Sequence[PixelView]
    labeled_rows: IntArray | None
    seed: int
    _last: tuple[Seen, Drawn] | None = None

    @cached_property
    def keep(self) -> list[list[list[Tensor]]]:
        """Draws of dropout of each member in turn; an ensemble without dropout has none."""
        members = self.segmenter.members
        if len(members) > 1 and members[0].dropout == 0:
            return [[] for _ in members]
        seeds = [integer_seed(self.seed, "dropout draws", i) for i in range(len(members))]
        return [keep_draws(m, self.draws, s) for m, s in zip(members, seeds, strict=True)]

    def drawn(self, seen: Seen) -> Drawn:
        """What all draws say of a batch; drawn once, however many columns are made of it."""
        if self._last is None or self._last[0] is not seen:
            self._last = (seen, self._draw(seen))
        return self._last[1]

    def _draw(self, seen: Seen) -> Drawn:
        """Sums grow draw by draw: two draws are never in memory together."""
        sums = [torch.zeros_like(seen.probs) for _ in Drawn._fields]
        count = 0
        for probs in self._draws_of(seen):
            terms = (probs, binary_entropy(probs), foreground_term(probs))
            for total, term in zip(sums, terms, strict=True):
                total += term
            count += 1
        return Drawn(*(total / count for total in sums))

    def _draws_of(self, seen: Seen) -> Iterator[Tensor]:
        for i, keeps in enumerate(self.keep):
            if not keeps:
                yield seen.member_probs[i]
            for keep in keeps:
                yield self._one(seen, i, keep)

    def _one(self, seen: Seen, member: int, keep: Keep) -> Tensor:
        """(b, *S) probabilities of one draw; the encoder has run before."""
        with autocast(self.segmenter.device, self.how.precision):
            logits = self.segmenter.members[member].decode(seen.members[member].levels, keep)
        return logits.float().sigmoid()


Fill = Callable[[Seen], Tensor]


def _probs(source: Source) -> Fill:
    """(b, 2): that a sample shows no foreground, and that it shows some."""

    def fill(seen: Seen) -> Tensor:
        some = mean_of_top(seen.probs, source.segment.top_share)
        return torch.stack([1 - some, some], 1)

    return fill


def _embedding(_source: Source) -> Fill:
    return lambda seen: seen.members[0].embedding


def _region_size(source: Source) -> Fill:
    return lambda seen: share_of(seen.probs >= source.segment.threshold)


def _entropy(_source: Source) -> Fill:
    return lambda seen: mean_of(seen.entropy)


def _entropy_top(source: Source) -> Fill:
    return lambda seen: mean_of_top(seen.entropy, source.segment.top_share)


def _entropy_target(source: Source) -> Fill:
    return lambda seen: mean_where(seen.entropy, seen.probs >= source.segment.target)


def _near_boundary(source: Source, seen: Seen) -> Tensor:
    return (seen.probs - 0.5).abs() <= source.segment.band


def _entropy_boundary(source: Source) -> Fill:
    return lambda seen: mean_where(seen.entropy, _near_boundary(source, seen))


def _boundary_share(source: Source) -> Fill:
    return lambda seen: share_of(_near_boundary(source, seen))


def _confidence(_source: Source) -> Fill:
    return lambda seen: mean_of(torch.maximum(seen.probs, 1 - seen.probs))


def _margin(_source: Source) -> Fill:
    return lambda seen: mean_of((2 * seen.probs - 1).abs())


def _bald(source: Source) -> Fill:
    _need_draws(source)

    def fill(seen: Seen) -> Tensor:
        drawn = source.drawn(seen)
        return mean_of((binary_entropy(drawn.probs) - drawn.entropy).clamp_min(0))

    return fill


def _view_variance(source: Source) -> Fill:
    """Of foreground alone; summed over both classes it would be twice, their mean the same."""
    if not source.views:
        raise EvidenceError(
            "`pixel_view_variance` needs other views of the images, but there are none; hand "
            "`segment_evidence` views=pixel_views(spec)"
        )

    def fill(seen: Seen) -> Tensor:
        images = seen.images.cpu().numpy()
        views = [seen.probs]
        for view in source.views:
            shown = torch.from_numpy(view.show(images, seen.rows).copy()).to(seen.images.device)
            outs = see_pixels(source.segmenter, shown, source.how.precision)
            views.append(view.undo(Seen(seen.start, seen.rows, shown, outs).probs))
        return mean_of(torch.stack(views).var(0, correction=0))

    return fill


def _difference_entropy(source: Source) -> Fill:
    _need_difference("difference_entropy", source)
    return lambda seen: mean_of(seen.entropy * relative_difference(seen.images))


def _difference_energy(source: Source) -> Fill:
    _need_difference("difference_energy", source)
    return lambda seen: mean_of(signed_difference(seen.images).abs())


def _baseline_cosine(source: Source) -> Fill:
    rows = _labeled("baseline_cosine", source)
    size, device = source.how.batch_size, source.segmenter.device
    mean = mean_direction(source.inputs, rows, size, device)
    return lambda seen: directions(seen.images) @ mean


def _baseline_information(source: Source) -> Fill:
    rows = _labeled("baseline_information", source)
    size, device = source.how.batch_size, source.segmenter.device
    bins = labeled_bins(source.inputs, rows, size, device)
    return lambda seen: mean_information(seen.images, bins)


def _released_entropy(_source: Source) -> Fill:
    return lambda seen: sum_of(foreground_term(seen.probs))


def _released_confidence(_source: Source) -> Fill:
    return lambda seen: sum_of(seen.probs)


def _released_bald(source: Source) -> Fill:
    _need_draws(source)

    def fill(seen: Seen) -> Tensor:
        drawn = source.drawn(seen)
        return sum_of(foreground_term(drawn.probs) - drawn.foreground)

    return fill


def _need_draws(source: Source) -> None:
    draws = sum(len(keeps) or 1 for keeps in source.keep)  # refuses where nothing can be drawn
    if draws < 2:
        raise EvidenceError(
            "`pixel_bald` and `released_bald` need several draws, but `draws` is 1, and a single "
            "draw agrees with itself; 20 is usual"
        )


def _need_difference(name: str, source: Source) -> None:
    if source.segmenter.channels != LONGITUDINAL:
        raise EvidenceError(
            f"`{name}` needs images of three channels, baseline, follow-up and difference, but "
            f"these have {source.segmenter.channels}; choose a strategy without it, or pair the "
            "scans of a patient"
        )


def _labeled(name: str, source: Source) -> IntArray:
    if source.labeled_rows is None or len(source.labeled_rows) == 0:
        raise EvidenceError(
            f"`{name}` compares with the labeled samples, but there are none; hand "
            "`segment_evidence` labeled_rows=their rows in the inputs"
        )
    return source.labeled_rows


FILLS: Mapping[str, Callable[[Source], Fill]] = {
    "probs": _probs,
    "embedding": _embedding,
    "region_size": _region_size,
    "pixel_entropy": _entropy,
    "pixel_entropy_top": _entropy_top,
    "pixel_entropy_target": _entropy_target,
    "pixel_entropy_boundary": _entropy_boundary,
    "boundary_share": _boundary_share,
    "pixel_confidence": _confidence,
    "pixel_margin": _margin,
    "pixel_bald": _bald,
    "pixel_view_variance": _view_variance,
    "difference_entropy": _difference_entropy,
    "difference_energy": _difference_energy,
    "baseline_cosine": _baseline_cosine,
    "baseline_information": _baseline_information,
    "released_entropy": _released_entropy,
    "released_confidence": _released_confidence,
    "released_bald": _released_bald,
}
