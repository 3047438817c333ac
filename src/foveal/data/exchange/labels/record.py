"""LabeledImage: what was said of one picture, in words that every format can be made of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from foveal.core.arrays import BoolArray
from foveal.core.errors import DataError
from foveal.core.shapes import Box, Mask, Polygon, Shape, Shapes, parse_shapes, rasterize

MOST_BYTES = 2**28  # of a file that is read
MOST_PIXELS = 2**26  # of a picture that a file speaks of
MOST_SECONDS = 86_400.0  # of one reading: other tools count for as long as a page is open
RULINGS = frozenset({"adjudication", "imported"})  # purposes of answers that outweigh readers'
REPEAT = "repeat"  # of one that was asked for to see whether a reader agrees with themselves


@dataclass(frozen=True, slots=True)
class LabeledImage:
    """One picture; `image` as the manifest names it, `label` None unless the verdict is labeled.

    `shapes` is None where nothing is known of a region, and without shapes where somebody who could
    have drawn one saw nothing to draw. `purpose` and `assisted` are those of `core.annotation`,
    where a format keeps them.
    """

    image: str
    width: int
    height: int
    label: str | None
    shapes: Shapes | None
    verdict: str = "labeled"
    annotator: str = ""
    seconds: float = 0.0
    at: str = ""
    purpose: str = ""
    assisted: bool = False

    @property
    def drawn(self) -> tuple[Shape, ...]:
        """What was drawn; () also where nothing is known."""
        return () if self.shapes is None else self.shapes.shapes

    @property
    def region(self) -> BoolArray:
        """(H, W) pixels that were drawn."""
        return rasterize(Shapes(self.width, self.height, self.drawn))


UNFIT = (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError)
Read = tuple[list[LabeledImage], list[str]]


@dataclass(slots=True)
class Gathering:
    """Pictures of a file being read, and what is wrong with which; nothing is ever raised twice."""

    found: list[LabeledImage] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def take(self, name: str, make: Callable[[], LabeledImage]) -> None:
        """Add a picture, or the reason why it cannot be used."""
        try:
            self.found.append(make())
        except UNFIT as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else error
            self.problems.append(f"{name}: {what}"[:300])

    def result(self) -> Read:
        """Pictures and problems."""
        return self.found, self.problems


def check_bytes(data: bytes) -> bytes:
    """The bytes; DataError if they are too many."""
    if len(data) > MOST_BYTES:
        raise DataError(
            f"a file of labels must have at most {MOST_BYTES} bytes, but has {len(data)}; split it"
        )
    return data


def size_of(width: Any, height: Any) -> tuple[int, int]:
    """A picture's size; ValueError if it is none."""
    w, h = int(width), int(height)
    if w < 1 or h < 1 or w * h > MOST_PIXELS:
        raise ValueError(f"a picture of {w} x {h} pixels cannot be")
    return w, h


def shapes_of(width: int, height: int, shapes: Sequence[Shape]) -> Shapes | None:
    """Shapes that other programs drew, held to what a reader could have drawn here.

    Coordinates a little outside are brought to the border: other tools allow them. None if there
    are none: a class alone does not say that there is nothing to see.
    """
    if not shapes:
        return None
    drawn = Shapes(width, height, tuple(_inside(shape, width, height) for shape in shapes))
    return parse_shapes(drawn.as_dict(), width, height)


def seconds_of(value: Any) -> float:
    """Reading time; 0 where none is told, or one that cannot be."""
    try:
        seconds = float(value or 0)
    except (TypeError, ValueError):
        return 0.0
    return seconds if 0 <= seconds <= MOST_SECONDS else 0.0


def named(label: str | None, image: Mapping[str, Any]) -> str:
    """A class; ValueError if there is none."""
    if not label:
        raise ValueError(f"no class is named among {sorted(image)[:6]}")
    return str(label)


def matched(
    found: Sequence[LabeledImage], known: Mapping[str, str]
) -> tuple[dict[str, LabeledImage], list[str]]:
    """Read pictures by the samples they belong to, and what could not be matched.

    Of several answers about a picture the last ruling stands, be it that the picture is bad, else
    the last answer with a class that its reader did not take back. Repeats are passed over.

    Args:
        known: sample ids by image name as the manifest has it. A picture is found by this name,
            else by its file name where only one picture has it.
    """
    by_file: dict[str, list[str]] = {}
    for name, its in known.items():
        by_file.setdefault(PurePosixPath(name).name, []).append(its)
    result: dict[str, LabeledImage] = {}
    problems = []
    for one in sorted(_telling(found), key=_rules):
        name = one.image.replace("\\", "/")
        near = by_file.get(PurePosixPath(name).name, [])
        sample = known.get(name) or (near[0] if len(near) == 1 else None)
        if sample is None:
            how = (
                "several pictures have its name"
                if near
                else "the project has no such picture that can be read"
            )
            problems.append(f"{PurePosixPath(name).name}: {how}")
        elif sample in result and result[sample].image != one.image:
            problems.append(f"{PurePosixPath(name).name}: it comes from two folders; one was taken")
        else:
            result[sample] = one
    return result, problems


def _telling(found: Sequence[LabeledImage]) -> list[LabeledImage]:
    """Rulings, and the last answers of readers if they name a class."""
    last: dict[tuple[object, ...], LabeledImage] = {}
    for number, one in enumerate(found):
        if one.purpose != REPEAT:
            key = (one.image, one.annotator or number, _rules(one))
            last.pop(key, None)
            last[key] = one
    return [one for one in last.values() if _rules(one) or one.verdict == "labeled"]


def _rules(one: LabeledImage) -> bool:
    """Whether an answer outweighs those of readers, as in `store.resolution`."""
    return one.purpose in RULINGS and one.verdict in ("labeled", "bad")


def _inside(shape: Shape, width: int, height: int) -> Shape:
    """The shape, what lies a little outside brought to the border; nothing is made of nonsense."""
    match shape:
        case Box(x0, y0, x1, y1):
            _check_near((x0, x1), width)
            _check_near((y0, y1), height)
            box = Box(max(x0, 0.0), max(y0, 0.0), min(x1, width), min(y1, height))
            if not (box.x0 < box.x1 and box.y0 < box.y1):
                raise ValueError("a box lies outside its picture, or has no width or height")
            return box
        case Polygon(points):
            _check_near([x for x, _ in points], width)
            _check_near([y for _, y in points], height)
            return Polygon(
                tuple((min(max(x, 0.0), width), min(max(y, 0.0), height)) for x, y in points)
            )
        case Mask():
            return shape


def _check_near(numbers: Iterable[float], size: int) -> None:
    """Raise ValueError for numbers that are not finite, or whole pictures away."""
    for number in numbers:
        if not -size <= number <= 2 * size:
            raise ValueError(f"a coordinate of {number} lies far outside the picture")
