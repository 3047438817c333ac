"""Lesions of one image pasted into another: more shapes and places to learn from, train only.

What was pasted is made up, so validation and test images must never pass here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from foveal.core.arrays import BoolArray, FloatArray
from foveal.core.errors import EvidenceError

EDGE = 0.5  # soft masks count as lesion from here on
BORDER = 3  # pixels around a lesion that are copied with it, and over which it fades out
LARGEST_TURN = np.pi  # radians, in the plane of the last two axes
SCALES = (0.8, 1.25)
TRIES = 24  # places looked at before an image is left as it is
BODY_SHARE = 0.08  # of the brightest pixels' level; darker is background


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A lesion with its surroundings.

    Attributes:
        pixels: (C, *s) in [0, 1].
        mask: (*s) lesion in [0, 1].
        weight: (*s) in [0, 1]: how much of the pixels is copied; 1 on the lesion, 0 from BORDER
            pixels away from it.
    """

    pixels: FloatArray
    mask: FloatArray
    weight: FloatArray


def paste_lesions(
    images: FloatArray,
    masks: FloatArray,
    donor_images: FloatArray,
    donor_masks: FloatArray,
    rng: np.random.Generator,
    share: float = 0.5,
    ratio: ArrayLike = 1.0,
    turn: bool = True,
) -> tuple[FloatArray, FloatArray]:
    """Training images, a share of which has got a lesion of a donor.

    The lesion is one connected part of a donor's mask, flipped, turned and scaled at random,
    brought to the brightness of where it comes to lie, and faded in over its border. It lies wholly
    in the body (as far as brightness tells) and touches no lesion that is there. An image for which
    no such place is found within TRIES stays as it is.

    Args:
        images: (b, C, *S) in [0, 1]; S has two or three axes, the last two in the plane of a slice.
        masks: (b, *S) in [0, 1].
        donor_images: (d, C, *R) in [0, 1]; R has as many axes as S and may be of another size.
        donor_masks: (d, *R) in [0, 1].
        rng: chance.
        share: expected share of the images that get a lesion, in [0, 1].
        ratio: size of an image's pixel over that of a donor's, in each axis; broadcast to
            (b, d, axes). At 2, a lesion covers half as many pixels along each axis.
        turn: False for images whose sides and orientation mean something.
    Returns:
        images (b, C, *S) and masks (b, *S), new arrays; inputs are not written to.
    Raises:
        EvidenceError: if shapes do not fit, or `share` or `ratio` is out of range.
    """
    _check(images, masks, donor_images, donor_masks, share)
    axes = masks.ndim - 1
    shape = len(images), len(donor_images), axes
    ratios = np.broadcast_to(np.asarray(ratio, np.float64), shape)
    if not (np.isfinite(ratios).all() and (ratios > 0).all()):
        raise EvidenceError("`ratio` must be positive and finite, but is not everywhere")
    givers = [d for d, mask in enumerate(donor_masks) if (mask >= EDGE).any()]
    images, masks = images.copy(), masks.copy()
    for i in range(len(images)):
        if rng.random() >= share or not givers:
            continue
        donor = givers[int(rng.integers(len(givers)))]
        found = lesion_of(donor_images[donor], donor_masks[donor], rng)
        moved = moved_lesion(found, ratios[i, donor], rng, turn)
        corner = place_for(images[i], masks[i], moved, rng)
        if corner is not None:
            images[i], masks[i] = pasted(images[i], masks[i], moved, corner)
    return images, masks


def lesion_of(image: FloatArray, mask: FloatArray, rng: np.random.Generator) -> Patch:
    """One connected part of a mask, any with the same chance, cut out with its surroundings.

    Args:
        image: (C, *R).
        mask: (*R) with a value of at least EDGE.
    """
    parts, n = ndimage.label(mask >= EDGE, np.ones((3,) * mask.ndim))
    part = parts == 1 + int(rng.integers(n))
    # Soft edges belong to the lesion; those of its neighbors do not.
    near = ndimage.binary_dilation(part, iterations=BORDER) & ((parts == 0) | part)
    soft = np.where(near, mask, 0)
    margin = BORDER + 1
    padded = [np.pad(a, margin, mode="edge") for a in (soft, part)]
    soft, part = np.where(np.pad(np.ones_like(part), margin), padded[0], 0), padded[1]
    part &= np.pad(np.ones(mask.shape, bool), margin)
    widths = ((0, 0), *((margin, margin),) * mask.ndim)
    pixels = np.pad(image, widths, mode="edge")
    (box,) = ndimage.find_objects(part.astype(np.int8))
    span = tuple(slice(s.start - margin, s.stop + margin) for s in box)
    away = ndimage.distance_transform_edt(~part[span])
    weight = np.clip(1 - away / (BORDER + 1), 0, 1)
    return Patch(pixels[(slice(None), *span)], soft[span], weight)


def moved_lesion(
    patch: Patch, ratio: FloatArray, rng: np.random.Generator, turn: bool = True
) -> Patch:
    """The lesion flipped, turned in the plane of the last two axes, and scaled.

    Args:
        patch: on the donor's grid.
        ratio: (axes,) size of an image's pixel over that of a donor's.
        rng: chance.
        turn: False: scaled only.
    """
    axes = patch.mask.ndim
    scale = rng.uniform(*SCALES)
    flips = rng.choice([-1.0, 1.0], axes) if turn else np.ones(axes)
    angle = rng.uniform(-LARGEST_TURN, LARGEST_TURN) if turn else 0.0
    back = np.eye(axes)
    back[-2:, -2:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    # From pixels of the image around the lesion's center to pixels of the donor.
    back = np.diag(flips) @ back @ np.diag(np.asarray(ratio, np.float64) / scale)
    size = np.array(patch.mask.shape)
    reach = np.abs(np.linalg.inv(back)) @ size
    shape = tuple(np.maximum(np.ceil(reach), 3).astype(int).tolist())
    offset = (size - 1) / 2 - back @ ((np.array(shape) - 1) / 2)

    def resampled(array: FloatArray, mode: str) -> FloatArray:
        out: FloatArray = ndimage.affine_transform(
            array, back, offset, shape, order=1, mode=mode, cval=0.0
        )
        return out

    pixels = np.stack([resampled(channel, "nearest") for channel in patch.pixels])
    mask, weight = (resampled(a, "constant") for a in (patch.mask, patch.weight))
    return Patch(pixels, mask, np.where(mask > 0, np.maximum(weight, mask), weight))


def place_for(
    image: FloatArray, mask: FloatArray, patch: Patch, rng: np.random.Generator
) -> tuple[int, ...] | None:
    """Where the patch's first pixel goes: wholly in the body, clear of lesions; None if nowhere."""
    free = _body(image) & ~ndimage.binary_dilation(mask > 0, iterations=BORDER)
    used = patch.weight > 0
    spans = ndimage.find_objects(used.astype(np.int8))
    if not spans or not free.any():
        return None
    first = np.array([s.start for s in spans[0]])
    inner = used[spans[0]]
    room = np.array(free.shape) - inner.shape
    if (room < 0).any():
        return None
    centers = np.argwhere(free)
    for center in centers[rng.integers(len(centers), size=TRIES)]:
        corner = center - np.array(inner.shape) // 2
        if (corner < 0).any() or (corner > room).any():
            continue
        window = tuple(slice(c, c + n) for c, n in zip(corner, inner.shape, strict=True))
        if free[window][inner].all():
            return tuple((corner - first).tolist())
    return None


def pasted(
    image: FloatArray, mask: FloatArray, patch: Patch, corner: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """Image and mask with the patch; nothing changes where its weight is 0.

    Each channel of the patch is shifted by what its surroundings differ from those of the place.

    Args:
        image: (C, *S) in [0, 1].
        mask: (*S) in [0, 1].
        patch: what is pasted.
        corner: place of its first pixel; may lie outside where the weight is 0.
    """
    here, there = _overlap(patch.mask.shape, mask.shape, corner)
    weight, drawn = patch.weight[here], patch.mask[here]
    pixels, under = patch.pixels[(slice(None), *here)], image[(slice(None), *there)]
    around = (weight > 0) & (drawn < EDGE)
    shift = np.zeros(len(image))
    if around.any():
        shift = np.median(under[:, around], axis=1) - np.median(pixels[:, around], axis=1)
    shifted = pixels + shift.reshape(-1, *(1,) * mask.ndim)
    image, mask = image.copy(), mask.copy()
    blended = np.clip(under + weight * (shifted - under), 0, 1)
    image[(slice(None), *there)] = np.where(weight > 0, blended, under)
    mask[there] = np.maximum(mask[there], drawn)
    return image, mask


def _body(image: FloatArray) -> BoolArray:
    """(*S) True where the image shows something, dark parts inside it included."""
    level = image.mean(axis=0)
    low, high = np.quantile(level, [0.01, 0.99])
    shown = level > low + BODY_SHARE * (high - low)
    if not shown.any():
        return np.zeros(level.shape, bool)
    parts, n = ndimage.label(shown)
    if n > 1:
        shown = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return np.asarray(ndimage.binary_fill_holes(shown), bool)


def _overlap(
    small: tuple[int, ...], large: tuple[int, ...], corner: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part of a patch that lies in an image, in the indices of each."""
    ends = [(max(0, -c), min(s, n - c)) for s, n, c in zip(small, large, corner, strict=True)]
    here = tuple(slice(a, max(a, b)) for a, b in ends)
    there = tuple(slice(h.start + c, h.stop + c) for h, c in zip(here, corner, strict=True))
    return here, there


def _check(
    images: FloatArray,
    masks: FloatArray,
    donor_images: FloatArray,
    donor_masks: FloatArray,
    share: float,
) -> None:
    for name, pictures, drawn in (
        ("images", images, masks),
        ("donor_images", donor_images, donor_masks),
    ):
        if pictures.ndim < 4 or drawn.shape != (len(pictures), *pictures.shape[2:]):
            raise EvidenceError(
                f"`{name}` must have shape (n, C, *S) with two axes S or more, and its masks "
                f"(n, *S), but have {pictures.shape} and {drawn.shape}"
            )
    if images.ndim != donor_images.ndim or images.shape[1] != donor_images.shape[1]:
        raise EvidenceError(
            f"images and donors must have the same axes and channels, but have {images.shape} and "
            f"{donor_images.shape}"
        )
    if not 0 <= share <= 1:
        raise EvidenceError(f"`share` must lie in [0, 1], not {share}")
