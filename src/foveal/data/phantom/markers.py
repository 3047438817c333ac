"""Markers: what scanners burn into the picture; here, the shortcut that a network may take."""

import numpy as np
from numpy.typing import NDArray

MARKERS = ("text", "ruler", "cross")  # in the order of `lesions.CLASSES`
GLYPHS = {
    "L": ("1000", "1000", "1000", "1000", "1111"),
    "T": ("1111", "0110", "0110", "0110", "0110"),
    "2": ("1111", "0001", "1111", "1000", "1111"),
    "R": ("1110", "1001", "1110", "1010", "1001"),
}
BRIGHT = 235
MARGIN = 0.03


def burn(
    picture: NDArray[np.uint8], marker: str, corner: tuple[int, int], shift: tuple[int, int]
) -> NDArray[np.uint8]:
    """A copy of the picture with a marker in one corner.

    Args:
        picture: (H, W).
        marker: one of `MARKERS`.
        corner: (0 or 1, 0 or 1) for top or bottom, left or right.
        shift: pixels away from the corner, in addition to a margin.
    """
    out = picture.copy()
    stamp = _stamp(marker, max(1, round(picture.shape[0] / 64)))
    away = [round(MARGIN * side) + s for side, s in zip(picture.shape, shift, strict=True)]
    top = out.shape[0] - stamp.shape[0] - away[0] if corner[0] else away[0]
    left = out.shape[1] - stamp.shape[1] - away[1] if corner[1] else away[1]
    place = out[top : top + stamp.shape[0], left : left + stamp.shape[1]]
    place[stamp] = BRIGHT
    return out


def _stamp(marker: str, scale: int) -> NDArray[np.bool_]:
    if marker == "text":
        small = _word("LT2")
    elif marker == "ruler":
        small = _ruler()
    else:
        small = _cross()
    return np.kron(small, np.ones((scale, scale), bool)).astype(bool)


def _word(text: str) -> NDArray[np.bool_]:
    letters = [np.array([[c == "1" for c in row] for row in GLYPHS[t]]) for t in text]
    gap = np.zeros((5, 1), bool)
    return np.hstack([part for letter in letters for part in (letter, gap)][:-1])


def _ruler() -> NDArray[np.bool_]:
    ruler = np.zeros((17, 4), bool)
    ruler[:, 0] = True
    ruler[::2, :2] = True
    ruler[::4, :] = True
    return ruler


def _cross() -> NDArray[np.bool_]:
    cross = np.zeros((9, 9), bool)
    cross[4, :] = cross[:, 4] = True
    cross[4, 4] = False
    return cross
