"""Agreement of a map with a region: 1 is best, 0 is worst, whatever the measure."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from foveal.core.errors import unknown_name

Measure = Callable[[Tensor, Tensor], Tensor]


def soft_dice(cam: Tensor, region: Tensor) -> Tensor:
    """Dice of two fuzzy sets, 2 sum(map * region) / (sum map + sum region).

    A diffuse map over a small region scores near zero however well it is placed; report the
    correlation with region size beside it.

    Args:
        cam: (n, *S) maps in [0, 1].
        region: (n, *S) regions in [0, 1].
    Returns:
        (n,) in [0, 1]; 0 where map or region is empty.
    Source:
        Uddin et al. 2026, arXiv:2602.13308 (the measure of EG-AL).
    """
    both = (cam * region).flatten(1).sum(1)
    total = cam.flatten(1).sum(1) + region.flatten(1).sum(1)
    return _ratio(2 * both, total)


def dice(cam: Tensor, region: Tensor, threshold: float = 0.5) -> Tensor:
    """Dice of the map above a threshold and the region above one half.

    Args and Returns: as `soft_dice`; threshold in (0, 1).
    """
    return soft_dice((cam >= threshold).to(cam.dtype), _binary(region))


def iou(cam: Tensor, region: Tensor, threshold: float = 0.5) -> Tensor:
    """Intersection over union of the map above a threshold and the region above one half.

    Args and Returns: as `soft_dice`; threshold in (0, 1).
    """
    hot, inside = cam >= threshold, _binary(region).bool()
    return _ratio(_count(hot & inside), _count(hot | inside))


def energy_inside(cam: Tensor, region: Tensor) -> Tensor:
    """Share of the map's sum that lies in the region.

    Args and Returns: as `soft_dice`.

    Source:
        Wang et al. 2020, arXiv:1910.01279 (energy-based pointing game).
    """
    return _ratio((cam * region).flatten(1).sum(1), cam.flatten(1).sum(1))


def pointing_game(cam: Tensor, region: Tensor) -> Tensor:
    """1 where the map's highest position lies in the region, else 0.

    Of several equally high positions the share inside counts; an all-zero map points nowhere.

    Args and Returns: as `soft_dice`.

    Source:
        Zhang et al. 2018, doi:10.1007/s11263-017-1059-x.
    """
    flat = cam.flatten(1)
    top = flat.amax(1, keepdim=True)
    peaks = (flat == top) & (top > 0)
    return _ratio(_count(peaks & _binary(region).bool().flatten(1)), _count(peaks))


def relevance_rank(cam: Tensor, region: Tensor) -> Tensor:
    """Share of the k highest positions of the map that lie in the region of k positions.

    A position where the map is zero is no hit, however few are higher.

    Args and Returns: as `soft_dice`.

    Source:
        Arras et al. 2022, arXiv:2003.07258 (relevance rank accuracy).
    """
    flat, inside = cam.flatten(1), _binary(region).flatten(1)
    size = inside.sum(1, keepdim=True)
    # Ties resolve against the map: equal values outside the region rank first.
    order = torch.argsort(inside, dim=1, stable=True)
    order = order.gather(
        1, torch.argsort(flat.gather(1, order), dim=1, descending=True, stable=True)
    )
    position = torch.arange(flat.shape[1], device=flat.device)
    found = (position < size) & (flat.gather(1, order) > 0)
    return _ratio((inside.gather(1, order) * found).sum(1), size[:, 0])


MEASURES: Mapping[str, Measure] = {
    "soft_dice": soft_dice,
    "dice": dice,
    "iou": iou,
    "energy_inside": energy_inside,
    "pointing_game": pointing_game,
    "relevance": relevance_rank,
}


def agreement(measure: str) -> Measure:
    """A measure by name.

    Raises:
        UnknownName: with the nearest miss.
    """
    if measure not in MEASURES:
        raise unknown_name("agreement measure", measure, MEASURES)
    return MEASURES[measure]


def _binary(region: Tensor) -> Tensor:
    return (region >= 0.5).to(region.dtype)


def _count(truth: Tensor) -> Tensor:
    return truth.flatten(1).sum(1).float()


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole.clamp_min(1e-12), torch.zeros_like(part))
