"""write_phantom: patients, scanners and their habits, written as images, masks and a manifest.

The planted shortcut: scanners of site A burn in a marker that agrees with the class in 95 % of the
images, as if its staff measured what they already suspected; site B burns in any. Most candidates
come from site A. In val and test the marker says nothing about the class, whatever the site. A
network trained on classes alone learns the marker and fails the test; one that is shown the
lesions need not.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import BoolArray
from foveal.core.chance import generator
from foveal.core.errors import SpecError
from foveal.core.files import write_whole
from foveal.data.phantom.lesions import CLASSES, Lesion, add_lesion, draw_lesion
from foveal.data.phantom.markers import MARKERS, burn
from foveal.data.phantom.tissue import Anatomy, draw_anatomy, echo_levels, speckle
from foveal.data.png import encode_png

CLASS_SHARES = (0.42, 0.24, 0.34)
SPLIT_SHARES = {"train": 0.62, "val": 0.13, "test": 0.25}
IMAGES_PER_PATIENT = (0.55, 0.30, 0.15)  # one, two, three
SITE_A_SHARE = 0.8
AGREEMENT = 0.95
MIN_SAMPLES, MIN_SIZE = 12, 32


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the manifest; the fields are its columns."""

    image: str
    label: str
    mask: str
    patient: str
    split: str
    site: str
    marker: str


def write_phantom(folder: Path, samples: int = 600, seed: int = 0, size: int = 128) -> Path:
    """Write a phantom data set; the same arguments give the same bytes.

    Args:
        folder: where `labels.csv`, `images/` and `masks/` are written; the table comes last, so
            where it is, the set is whole.
        samples: number of images.
        seed: of all chance.
        size: side of the images in pixels.
    Returns:
        The path of `labels.csv`.
    Raises:
        SpecError: if too few or too small images are asked for.
    """
    if samples < MIN_SAMPLES or size < MIN_SIZE:
        raise SpecError(
            f"a phantom needs at least {MIN_SAMPLES} samples of {MIN_SIZE} pixels, not {samples} "
            f"of {size}"
        )
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    entries = plan_entries(samples, seed)
    for entry, picture, mask in _pictures(entries, seed, size):
        (folder / entry.image).write_bytes(encode_png(picture))
        (folder / entry.mask).write_bytes(encode_png(mask.astype(np.uint8) * np.uint8(255)))
    table = folder / "labels.csv"
    write_whole(table, _csv(entries))
    return table


def plan_entries(samples: int, seed: int) -> list[Entry]:
    """The manifest: patients with one to three images, classes, sites and markers."""
    rng = generator(seed, "phantom patients")
    entries: list[Entry] = []
    patient = 0
    while len(entries) < samples:
        patient += 1
        label = str(rng.choice(CLASSES, p=CLASS_SHARES))
        split = _split_for(len(entries) / samples)
        count = 1 + int(rng.choice(3, p=IMAGES_PER_PATIENT))
        site = "A" if rng.random() < SITE_A_SHARE else "B"
        for _ in range(min(count, samples - len(entries))):
            name = f"{len(entries) + 1:04d}.png"
            marker = _marker(label, site, split, rng)
            entries.append(
                Entry(
                    f"images/{name}", label, f"masks/{name}", f"p{patient:04d}", split, site, marker
                )
            )
    return entries


def _split_for(progress: float) -> str:
    """Patients come in random order, so the first share of them is as good as any."""
    for name, end in zip(SPLIT_SHARES, np.cumsum([*SPLIT_SHARES.values()]), strict=True):
        if progress < end:
            return name
    return "test"


def _marker(label: str, site: str, split: str, rng: np.random.Generator) -> str:
    agrees = rng.random() < AGREEMENT
    any_marker = str(rng.choice(MARKERS))
    if split != "train" or site != "A":
        return any_marker
    right = MARKERS[CLASSES.index(label)]
    others = [marker for marker in MARKERS if marker != right]
    return right if agrees else str(rng.choice(others))


def _pictures(
    entries: Sequence[Entry], seed: int, size: int
) -> Iterator[tuple[Entry, NDArray[np.uint8], BoolArray]]:
    patient = ""
    for i, entry in enumerate(entries):
        if entry.patient != patient:
            patient = entry.patient
            rng = generator(seed, f"phantom {patient}")
            anatomy, lesion = draw_anatomy(rng), draw_lesion(entry.label, rng)
        chance = generator(seed, "phantom image", i)
        picture, mask = _picture(anatomy, _moved(lesion, chance), size, chance)
        corner = int(chance.integers(2)), int(chance.integers(2))
        shift = int(chance.integers(size // 16)), int(chance.integers(size // 16))
        yield entry, burn(picture, entry.marker, corner, shift), mask


def _picture(
    anatomy: Anatomy, lesion: Lesion, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], BoolArray]:
    levels, mask = add_lesion(echo_levels(anatomy, size, rng), lesion, rng)
    return speckle(levels, anatomy.gain_db, rng), mask


def _moved(lesion: Lesion, rng: np.random.Generator) -> Lesion:
    """The same lesion in another view: shifted, tilted, a little larger or smaller."""
    z, x = lesion.center
    a, b = lesion.half_axes
    scale = rng.uniform(0.9, 1.1)
    return replace(
        lesion,
        center=(z + rng.normal(0, 0.015), float(np.clip(x + rng.normal(0, 0.05), 0.25, 0.75))),
        half_axes=(a * scale, b * scale),
        tilt=lesion.tilt + rng.normal(0, 0.1),
    )


def _csv(entries: Sequence[Entry]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f.name for f in fields(Entry)])
    writer.writerows(astuple(entry) for entry in entries)
    return text.getvalue().encode()
