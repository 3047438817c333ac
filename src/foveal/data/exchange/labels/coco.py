"""COCO: classes and regions as annotations; a picture without a region has one without a box."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.errors import DataError
from foveal.core.shapes import Box, Mask, Polygon, Shape, Shapes, pack_runs, rasterize, unpack_runs
from foveal.data.exchange.labels.record import (
    UNFIT,
    Gathering,
    LabeledImage,
    Read,
    check_bytes,
    named,
    shapes_of,
    size_of,
)


def to_coco(records: Iterable[LabeledImage], classes: Sequence[str]) -> bytes:
    """COCO's JSON. Pictures that were not labeled are listed without annotations.

    A class without a region is an annotation with area 0 and without a segmentation, marked by
    `"attributes": {"whole_image": true}`, which is how readers keep the class of the picture.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, one in enumerate(records, 1):
        size = {"width": one.width, "height": one.height}
        images.append({"id": number, "file_name": one.image, **size})
        if one.label is None:
            continue
        for body in [_written(shape, one) for shape in one.drawn] or [_whole()]:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": classes.index(one.label) + 1,
                    **body,
                }
            )
    categories = [{"id": i, "name": name} for i, name in enumerate(classes, 1)]
    whole = {"images": images, "annotations": annotations, "categories": categories}
    return json.dumps(whole, separators=(",", ":")).encode()


def from_coco(data: bytes) -> Read:
    """Pictures of a COCO file; the class of a picture is that of its annotations.

    Raises:
        DataError: if it is no COCO file.
    """
    try:
        whole = json.loads(check_bytes(data))
        names = {one["id"]: str(one["name"]) for one in whole["categories"]}
        images, told = list(whole["images"]), list(whole["annotations"])
    except (*UNFIT, RecursionError) as error:
        raise DataError(
            "a COCO file must hold lists of images, annotations and categories, but does not; "
            "export it anew as COCO 1.0"
        ) from error
    gathering = Gathering()
    by_image = _by_image(images, told, gathering.problems)
    for number, image in enumerate(images, 1):
        mine = by_image.pop(_key(image), [])
        if mine:
            gathering.take(f"image {number}", lambda i=image, m=mine: _read(i, m, names))  # type: ignore[misc]
    return gathering.result()


def _by_image(
    images: Sequence[Any], told: Sequence[Any], problems: list[str]
) -> dict[str, list[Mapping[str, Any]]]:
    """Annotations by the picture they are of; those of none are problems."""
    by_image: dict[str, list[Mapping[str, Any]]] = {}
    for number, image in enumerate(images, 1):
        if _key(image) in by_image or _key(image) == "":
            problems.append(f"image {number}: it has no id, or one that another image has")
        by_image.setdefault(_key(image), [])
    by_image.pop("", None)
    for number, one in enumerate(told, 1):
        mine = by_image.get(_key(one, "image_id"))
        if mine is None:
            problems.append(f"annotation {number}: there is no image it could be of")
        else:
            mine.append(one)
    return by_image


def _key(one: Any, name: str = "id") -> str:
    """An id as text, "" if there is none: a number and its text are one id."""
    found = one.get(name) if isinstance(one, Mapping) else None
    return str(found) if isinstance(found, int | str) else ""


def decode_rle(counts: str | Sequence[int], height: int, width: int) -> BoolArray:
    """(H, W) mask of COCO's runs, which go down the columns; compressed if they are text."""
    runs = _uncompressed(counts) if isinstance(counts, str) else [int(n) for n in counts]
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"runs cover {sum(runs)} pixels of {height * width}")
    return unpack_runs(runs, width, height).T


def encode_rle(mask: BoolArray) -> list[int]:
    """COCO's runs of an (H, W) mask."""
    return list(pack_runs(np.ascontiguousarray(mask.T)))


def _written(shape: Shape, one: LabeledImage) -> dict[str, Any]:
    match shape:
        case Box(x0, y0, x1, y1):
            corners = [x0, y0, x1, y0, x1, y1, x0, y1]
            box = [x0, y0, x1 - x0, y1 - y0]
            return _body(box, (x1 - x0) * (y1 - y0), [corners], {"box": True})
        case Polygon(points):
            xs, ys = zip(*points, strict=True)
            box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
            area = abs(
                sum(
                    x0 * y1 - x1 * y0
                    for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True)
                )
                / 2
            )
            return _body(box, area, [[float(n) for point in points for n in point]])
        case Mask():
            mask = rasterize(Shapes(one.width, one.height, (shape,)))
            runs = {"counts": encode_rle(mask), "size": [one.height, one.width]}
            return _body(_box_of(mask), int(mask.sum()), runs)


def _body(
    box: Sequence[float], area: float, segmentation: object, attributes: object = None
) -> dict[str, Any]:
    body = {"bbox": list(box), "area": area, "segmentation": segmentation, "iscrowd": 0}
    return body | ({"attributes": attributes} if attributes else {})


def _whole() -> dict[str, Any]:
    return _body([0, 0, 0, 0], 0, [], {"whole_image": True})


def _box_of(mask: BoolArray) -> list[float]:
    if not mask.any():
        return [0, 0, 0, 0]
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    x, y = int(columns[0]), int(rows[0])
    return [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1]


def _read(
    image: Mapping[str, Any], told: Sequence[Mapping[str, Any]], names: Mapping[Any, str]
) -> LabeledImage:
    width, height = size_of(image["width"], image["height"])
    found = {names[one["category_id"]] for one in told}
    if len(found) > 1:
        raise ValueError("its annotations name several classes, and a picture can have one")
    shapes = [shape for one in told for shape in _shapes(one, width, height)]
    label = named(next(iter(found), None), image)
    drawn = shapes_of(width, height, shapes)
    return LabeledImage(str(image["file_name"]), width, height, label, drawn)


def _shapes(one: Mapping[str, Any], width: int, height: int) -> list[Shape]:
    marks = one.get("attributes") or {}
    if isinstance(marks, Mapping) and marks.get("whole_image"):
        return []
    drawn = one.get("segmentation")
    if isinstance(drawn, Mapping):
        if list(drawn.get("size", (height, width))) != [height, width]:
            raise ValueError(f"its runs are of another size, {drawn['size']}, than its picture")
        return [Mask(pack_runs(decode_rle(drawn["counts"], height, width)))]
    if drawn and not (isinstance(marks, Mapping) and marks.get("box")):
        return [Polygon(_points(part)) for part in drawn]
    x, y, w, h = (float(n) for n in one["bbox"])
    if not drawn and w == h == 0:  # the class of the whole picture
        return []
    return [Box(x, y, x + w, y + h)]


def _points(flat: Sequence[float]) -> tuple[tuple[float, float], ...]:
    numbers = [float(n) for n in flat]
    if len(numbers) % 2:
        raise ValueError("a polygon has an odd number of coordinates")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _uncompressed(text: str) -> list[int]:
    """COCO's text: six bits a character from '0' on, a sign-extended difference to two before."""
    runs: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            bits = ord(text[at]) - 48
            if not 0 <= bits < 64 or shift > 60:
                raise ValueError("compressed runs hold a character that cannot be there")
            value |= (bits & 31) << shift
            more = bool(bits & 32)
            at, shift = at + 1, shift + 5
            if not more and bits & 16:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs
