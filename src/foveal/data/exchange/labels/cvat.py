"""CVAT for images 1.1: the class of a picture as a tag, regions as boxes, polygons and masks."""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as Xml  # only ever given text without a document type, see below

import numpy as np

from foveal.core.errors import DataError
from foveal.core.shapes import Box, Mask, Polygon, Shape, Shapes, pack_runs, rasterize, unpack_runs
from foveal.data.exchange.labels.record import (
    Gathering,
    LabeledImage,
    Read,
    check_bytes,
    named,
    shapes_of,
    size_of,
)

FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")


def to_cvat(records: Iterable[LabeledImage], classes: Sequence[str]) -> bytes:
    """CVAT's XML; pictures that were not labeled are listed empty."""
    root = Xml.Element("annotations")
    Xml.SubElement(root, "version").text = "1.1"
    labels = Xml.SubElement(Xml.SubElement(Xml.SubElement(root, "meta"), "task"), "labels")
    for name in classes:
        label = Xml.SubElement(labels, "label")
        Xml.SubElement(label, "name").text = name
        Xml.SubElement(label, "attributes")
    for number, one in enumerate(records):
        size = {"width": str(one.width), "height": str(one.height)}
        image = Xml.SubElement(root, "image", {"id": str(number), "name": one.image} | size)
        if one.label is None:
            continue
        Xml.SubElement(image, "tag", label=one.label, source="manual")
        for shape in one.drawn:
            kind, marks = _written(shape, one)
            common = {"label": one.label, "source": "manual", "occluded": "0", "z_order": "0"}
            Xml.SubElement(image, kind, common | marks)
    Xml.indent(root)
    written: bytes = Xml.tostring(root, "utf-8", xml_declaration=True)
    return written


def from_cvat(data: bytes) -> Read:
    """Pictures of a CVAT file; the class is that of the tag, else of the shapes.

    Raises:
        DataError: if it is no such XML, or has a document type (which can make a small file huge).
    """
    if any(word in check_bytes(data).upper() for word in FORBIDDEN):
        raise DataError(
            "a CVAT file must not declare a document type or entities, but does; export it anew"
        )
    try:
        text = data.decode("utf-8-sig")  # no other encoding could hide what is forbidden
        root = Xml.fromstring(text)  # noqa: S314 - without entities there is nothing to expand
    except (Xml.ParseError, UnicodeDecodeError, ValueError) as error:
        raise DataError("a CVAT file must be XML in UTF-8, but cannot be read") from error
    if root.tag != "annotations":
        raise DataError("a CVAT file must be `CVAT for images 1.1`, but its root is another one")
    gathering = Gathering()
    for number, image in enumerate(root.iter("image"), 1):
        if len(image):
            gathering.take(f"image {number}", lambda image=image: _read(image))  # type: ignore[misc]
    return gathering.result()


def _written(shape: Shape, one: LabeledImage) -> tuple[str, dict[str, str]]:
    match shape:
        case Box(x0, y0, x1, y1):
            return "box", {"xtl": f"{x0!r}", "ytl": f"{y0!r}", "xbr": f"{x1!r}", "ybr": f"{y1!r}"}
        case Polygon(points):
            return "polygon", {"points": ";".join(f"{x!r},{y!r}" for x, y in points)}
        case Mask():
            mask = rasterize(Shapes(one.width, one.height, (shape,)))
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            top, left = (int(rows[0]), int(columns[0])) if len(rows) else (0, 0)
            bottom, right = (int(rows[-1]), int(columns[-1])) if len(rows) else (0, 0)
            inner = mask[top : bottom + 1, left : right + 1]
            return "mask", {
                "rle": ", ".join(map(str, pack_runs(inner))),
                "left": str(left),
                "top": str(top),
                "width": str(inner.shape[1]),
                "height": str(inner.shape[0]),
            }


def _read(image: Xml.Element) -> LabeledImage:
    width, height = size_of(image.attrib["width"], image.attrib["height"])
    tags = {tag.attrib["label"] for tag in image.iter("tag")}
    drawn = [part for part in image if part.tag != "tag"]
    strange = sorted({part.tag for part in drawn} - {"box", "polygon", "mask"})
    if strange:  # without it the picture would say that there is nothing to see
        raise ValueError(f"it has a shape of the kind {strange[0]!r}; draw it as a polygon")
    labels = tags or {part.attrib["label"] for part in drawn}
    if len(labels) > 1:
        raise ValueError("it names several classes, and a picture can have one")
    shapes = [_shape(part, width, height) for part in drawn]
    label = named(next(iter(labels), None), image.attrib)
    return LabeledImage(
        image.attrib["name"], width, height, label, shapes_of(width, height, shapes)
    )


def _shape(part: Xml.Element, width: int, height: int) -> Shape:
    marks = part.attrib
    if float(marks.get("rotation", 0)) != 0:
        raise ValueError("a shape is turned; draw it as a polygon")
    if part.tag == "box":
        return Box(*(float(marks[key]) for key in ("xtl", "ytl", "xbr", "ybr")))
    if part.tag == "polygon":
        pairs = (point.split(",") for point in marks["points"].split(";"))
        return Polygon(tuple((float(x), float(y)) for x, y in pairs))
    left, top, w, h = (int(marks[key]) for key in ("left", "top", "width", "height"))
    if min(left, top) < 0 or min(w, h) < 1 or left + w > width or top + h > height:
        raise ValueError("a mask leaves the picture")
    runs = [int(n) for n in marks["rle"].split(",")]
    if min(runs) < 0 or sum(runs) != w * h:
        raise ValueError("the runs of a mask do not fill its box")
    mask = np.zeros((height, width), bool)
    mask[top : top + h, left : left + w] = unpack_runs(runs, h, w)
    return Mask(pack_runs(mask))
