"""Phantom images, and a reader's hand that draws on them in image coordinates."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 96, 72
MARGIN = 8  # CSS pixels that the page leaves free around an image, as its design says
COUNT = 44


class Lesion(NamedTuple):
    """A class, and the box around it in pixels."""

    label: str
    x0: int
    y0: int
    x1: int
    y1: int


class Phantom(NamedTuple):
    """A folder of images, and what each shows by its name."""

    folder: Path
    shows: dict[str, Lesion]


def write_phantom(folder: Path, count: int = COUNT, seed: int = 0) -> Phantom:
    """Bright discs and squares on noise, 12 of 16 bits used."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    shows = {}
    for i in range(count):
        label, r = ("disc", "square")[i % 2], int(rng.integers(8, 14))
        cx, cy = int(rng.integers(20, WIDTH - 20)), int(rng.integers(18, HEIGHT - 18))
        if label == "disc":
            inside = (x + 0.5 - cx) ** 2 + (y + 0.5 - cy) ** 2 <= r**2
        else:
            inside = (abs(x + 0.5 - cx) <= r) & (abs(y + 0.5 - cy) <= r)
        pixels = rng.integers(200, 1200, (HEIGHT, WIDTH)) + 2400 * inside
        name = f"phantom_{i:02}.png"
        Image.fromarray(pixels.astype(np.uint16)).save(folder / name)
        shows[name] = Lesion(label, cx - r, cy - r, cx + r, cy + r)
    return Phantom(folder, shows)


class Hand:
    """Draws with the mouse where the image has a point, as fitted into its picture."""

    def __init__(self, page: Any, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.page, self.width, self.height = page, width, height
        # The pointer's picture of the current time point, whatever its size on the screen is.
        self.pane = page.get_by_test_id("overlay-current").bounding_box()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where an image point lies on the screen; worked out here, not taken from the page."""
        across, down = self.pane["width"], self.pane["height"]
        scale = min((across - 2 * MARGIN) / self.width, (down - 2 * MARGIN) / self.height)
        return (
            self.pane["x"] + across / 2 + (x - self.width / 2) * scale,
            self.pane["y"] + down / 2 + (y - self.height / 2) * scale,
        )

    def drag(self, *points: tuple[float, float]) -> None:
        """Press at the first point, move through the others, let go at the last."""
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=4)
        self.page.mouse.up()

    def click(self, *points: tuple[float, float]) -> None:
        """Click one point after another."""
        for point in points:
            self.page.mouse.click(*self.at(*point))
