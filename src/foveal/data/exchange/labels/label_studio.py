"""Label Studio's JSON: a choice for the class; rectangles, polygons, brush strokes for regions."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import numpy as np

from foveal.core.arrays import BoolArray
from foveal.core.errors import DataError
from foveal.core.shapes import Box, Mask, Polygon, Shape, Shapes, pack_runs, rasterize
from foveal.data.exchange.labels.record import (
    Gathering,
    LabeledImage,
    Read,
    check_bytes,
    named,
    seconds_of,
    shapes_of,
    size_of,
)

IMAGE = "image"
WORD_BITS = 8
MOST_BYTES_A_VALUE, HEADER_BYTES = 3, 64
RUN_BITS = (3, 4, 8, 16)  # sizes of run lengths that a code of two bits chooses from
WORDS = frozenset({"choices", "textarea", "rating", "number", "datetime", "taxonomy"})
STORED = re.compile(
    r"/data/(?:upload/(?:\d+/)?[0-9a-f]{8}-(?P<upload>[^/]+)|local-files/\?d=(?P<local>.+))$"
)
CHANNELS = 4  # a stroke is stored as RGBA, its alpha being the mask


def to_label_studio(records: Iterable[LabeledImage]) -> bytes:
    """Tasks to be imported, one a picture, with the answer as an annotation."""
    tasks = []
    for one in records:
        task: dict[str, Any] = {"data": {IMAGE: one.image}}
        if one.label is not None:
            results = [_choice(one), *(_written(shape, one) for shape in one.drawn)]
            told: dict[str, Any] = {"result": results, "completed_by": {"email": one.annotator}}
            told |= {"lead_time": one.seconds}
            task["annotations"] = [told]
        tasks.append(task)
    return json.dumps(tasks, separators=(",", ":")).encode()


def from_label_studio(data: bytes) -> Read:
    """Tasks as exported (JSON, not JSON-MIN); of several annotations the last one that stands.

    Raises:
        DataError: if it is no list of tasks.
    """
    try:
        tasks = json.loads(check_bytes(data))
        if not isinstance(tasks, list):
            raise TypeError("no list")
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(
            "a Label Studio file must be a list of tasks (export it as JSON), but is not"
        ) from error
    gathering = Gathering()
    for number, task in enumerate(tasks, 1):
        if isinstance(task, Mapping) and not task.get("annotations"):
            continue
        gathering.take(f"task {number}", lambda task=task: _read(task))  # type: ignore[misc]
    return gathering.result()


def encode_brush(mask: BoolArray) -> list[int]:
    """Label Studio's runs of an (H, W) mask, as bytes.

    A stream of bits: 32 for the number of values, 5 for bits a value, four times 4 for the sizes of
    run lengths (each less one); then for every run a 1, two bits for which size, the length less
    one, and the value.
    """
    flat = np.concatenate([[True], np.ravel(mask)[1:] != np.ravel(mask)[:-1], [True]])
    edges = np.flatnonzero(flat)
    bits = [_bits(mask.size * CHANNELS, 32), _bits(WORD_BITS - 1, 5)]
    bits += [_bits(size - 1, 4) for size in RUN_BITS]
    values = np.ravel(mask)[edges[:-1]].tolist()
    for (start, end), value in zip(pairwise(edges.tolist()), values, strict=True):
        left = (end - start) * CHANNELS
        while left:
            length = min(left, 2 ** RUN_BITS[-1])
            which = next(i for i, size in enumerate(RUN_BITS) if length <= 2**size)
            bits += ["1", _bits(which, 2), _bits(length - 1, RUN_BITS[which])]
            bits.append(_bits(255 if value else 0, WORD_BITS))
            left -= length
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8))


def decode_brush(runs: Sequence[int], height: int, width: int) -> BoolArray:
    """(H, W) mask of Label Studio's runs; ValueError if they are not whole."""
    # A stroke that says every value anew has eight bits for each, and a few for their number.
    if len(runs) > MOST_BYTES_A_VALUE * height * width * CHANNELS + HEADER_BYTES:
        raise ValueError("a stroke is longer than its picture")
    stream = _Bits(bytes(runs))
    count = stream.take(32)
    if count != height * width * CHANNELS:
        raise ValueError(f"a stroke holds {count} values, not those of {width} x {height} pixels")
    word = stream.take(5) + 1
    sizes = [stream.take(4) + 1 for _ in range(4)]
    if 8 * len(runs) * 2 ** max(sizes) < count:
        raise ValueError("a stroke is too short for its picture")
    out = np.zeros(count, np.uint8)
    at = 0
    while at < count:
        run = stream.take(1)
        end = at + 1 + stream.take(sizes[stream.take(2)])
        if end > count:
            raise ValueError("a stroke is longer than its picture")
        if run:
            out[at:end] = stream.take(word) & 255
        else:
            out[at:end] = [stream.take(word) & 255 for _ in range(end - at)]
        at = end
    return np.asarray(out.reshape(height, width, CHANNELS)[:, :, -1] > 127)


class _Bits:
    """Reads numbers from a stream of bits."""

    def __init__(self, data: bytes) -> None:
        self._bits = np.unpackbits(np.frombuffer(data, np.uint8)).tolist()
        self._at = 0

    def take(self, count: int) -> int:
        """The next number of so many bits; ValueError at the end of the stream."""
        end = self._at + count
        if end > len(self._bits):
            raise ValueError("a stroke is cut off")
        value = 0
        for bit in self._bits[self._at : end]:
            value = value << 1 | bit
        self._at = end
        return value


def _bits(value: int, count: int) -> str:
    return format(value, f"0{count}b")


def _choice(one: LabeledImage) -> dict[str, Any]:
    return {
        "type": "choices",
        "from_name": "class",
        "to_name": IMAGE,
        "original_width": one.width,
        "original_height": one.height,
        "value": {"choices": [one.label]},
    }


def _written(shape: Shape, one: LabeledImage) -> dict[str, Any]:
    across, down = 100 / one.width, 100 / one.height
    label = [one.label]
    value: dict[str, Any]
    match shape:
        case Box(x0, y0, x1, y1):
            value = {"x": x0 * across, "y": y0 * down, "rotation": 0}
            value |= {"width": (x1 - x0) * across, "height": (y1 - y0) * down}
            kind, value = "rectanglelabels", value | {"rectanglelabels": label}
        case Polygon(points):
            kind = "polygonlabels"
            value = {"points": [[x * across, y * down] for x, y in points], kind: label}
        case Mask():
            mask = rasterize(Shapes(one.width, one.height, (shape,)))
            kind = "brushlabels"
            value = {"format": "rle", "rle": encode_brush(mask), kind: label}
    size = {"original_width": one.width, "original_height": one.height}
    return {"type": kind, "from_name": "region", "to_name": IMAGE, **size, "value": value}


def _read(task: Mapping[str, Any]) -> LabeledImage:
    told = [one for one in task["annotations"] if not one.get("was_cancelled")]
    if not told:
        raise ValueError("all of its annotations were cancelled")
    results = told[-1]["result"]
    labels = {
        str(c) for one in results if one["type"] == "choices" for c in one["value"]["choices"]
    }
    drawn = [one for one in results if one["type"] not in WORDS]
    strange = sorted({one["type"] for one in drawn} - KINDS.keys())
    if strange:  # without it the picture would say that there is nothing to see
        raise ValueError(f"it has a region of the kind {strange[0]!r}, which cannot be kept")
    labels = labels or {str(name) for one in drawn for name in one["value"][one["type"]]}
    if len(labels) > 1:
        raise ValueError("it names several classes, and a picture can have one")
    sized = next((one for one in results if "original_width" in one), None)
    if sized is None:
        raise ValueError("the size of the picture is told nowhere; it needs a region")
    width, height = size_of(sized["original_width"], sized["original_height"])
    shapes = [KINDS[one["type"]](one["value"], width, height) for one in drawn]
    return LabeledImage(
        _picture(str(task["data"].get(IMAGE) or next(iter(task["data"].values())))),
        width,
        height,
        named(next(iter(labels), None), task),
        shapes_of(width, height, shapes),
        annotator=_email(told[-1]),
        seconds=seconds_of(told[-1].get("lead_time")),
    )


def _picture(written: str) -> str:
    """What a picture was called before Label Studio took it: uploads get 8 digits before their
    name, and what lies in its folders is named by an address.
    """
    stored = STORED.search(written)
    return unquote(stored["upload"] or stored["local"]) if stored else written


def _email(told: Mapping[str, Any]) -> str:
    by = told.get("completed_by")
    return str(by.get("email", "")) if isinstance(by, Mapping) else ""


def _box(value: Mapping[str, Any], width: int, height: int) -> Shape:
    if float(value.get("rotation") or 0) != 0:
        raise ValueError("a rectangle is turned; draw it as a polygon")
    x, y = float(value["x"]) * width / 100, float(value["y"]) * height / 100
    w, h = float(value["width"]) * width / 100, float(value["height"]) * height / 100
    return Box(x, y, x + w, y + h)


def _polygon(value: Mapping[str, Any], width: int, height: int) -> Shape:
    points = value["points"]
    return Polygon(tuple((float(x) * width / 100, float(y) * height / 100) for x, y in points))


def _brush(value: Mapping[str, Any], width: int, height: int) -> Shape:
    return Mask(pack_runs(decode_brush(value["rle"], height, width)))


KINDS = {"rectanglelabels": _box, "polygonlabels": _polygon, "brushlabels": _brush}
