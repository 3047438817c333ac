"""Labels of other tools: what goes out comes in again, and nonsense is named and left out."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.core.errors import DataError
from foveal.core.shapes import Box, Mask, Polygon, Shapes, pack_runs, rasterize
from foveal.data.exchange.labels import (
    LabeledImage,
    from_coco,
    from_csv,
    from_cvat,
    from_label_studio,
    matched,
    to_coco,
    to_csv,
    to_cvat,
    to_label_studio,
)
from foveal.data.exchange.labels.coco import decode_rle
from foveal.data.exchange.labels.label_studio import decode_brush, encode_brush

CLASSES = ("benign", "malignant, large", "=1+1")
WAYS = {
    "csv": (to_csv, from_csv),
    "coco": (lambda records: to_coco(records, CLASSES), from_coco),
    "cvat": (lambda records: to_cvat(records, CLASSES), from_cvat),
    "label-studio": (to_label_studio, from_label_studio),
}
NAMES_ITS_ANNOTATOR = {"csv", "label-studio"}


@st.composite
def shapes_of(draw, width, height):
    """Boxes, polygons and masks within an image."""

    def number(most):
        return st.floats(0, most, allow_nan=False, width=32)

    kept = []
    for kind in draw(st.lists(st.sampled_from(["box", "polygon", "mask"]), max_size=3)):
        if kind == "box":
            x0, x1 = sorted(draw(st.tuples(number(width), number(width))))
            y0, y1 = sorted(draw(st.tuples(number(height), number(height))))
            if x1 - x0 > 1e-3 and y1 - y0 > 1e-3:
                kept.append(Box(x0, y0, x1, y1))
        elif kind == "polygon":
            corner = st.tuples(number(width), number(height))
            kept.append(Polygon(tuple(draw(st.lists(corner, min_size=3, max_size=6)))))
        else:
            seed = draw(st.integers(0, 99))
            mask = np.random.default_rng(seed).random((height, width)) < draw(st.floats(0, 1))
            kept.append(Mask(pack_runs(mask)))
    return Shapes(width, height, tuple(kept))


@st.composite
def labeled(draw):
    """A few pictures; names may hold what spreadsheets and XML take for their own."""
    records = []
    for i in range(draw(st.integers(1, 3))):
        width, height = draw(st.integers(2, 24)), draw(st.integers(2, 24))
        name = draw(st.sampled_from(["a b", "=x", "ü<&>", 'q"', "scan.nii.gz#k:"]))
        records.append(
            LabeledImage(
                f"folder/{name}{i}.png",
                width,
                height,
                draw(st.sampled_from(CLASSES)),
                draw(st.one_of(st.none(), shapes_of(width, height))),
                annotator=draw(st.sampled_from(["", "ann", "-b"])),
                seconds=draw(st.sampled_from([0.0, 2.5])),
            )
        )
    return records


@pytest.mark.parametrize("name", WAYS)
@given(records=labeled())
@settings(max_examples=40, deadline=None)
def test_classes_and_regions_come_back(name, records):
    out, back = WAYS[name]
    found, problems = back(out(records))
    assert problems == []
    assert [(one.image, one.label) for one in found] == [(one.image, one.label) for one in records]
    for one, was in zip(found, records, strict=True):
        assert (one.width, one.height) == (was.width, was.height)
        if name in NAMES_ITS_ANNOTATOR:
            assert (one.annotator, one.seconds) == (was.annotator, was.seconds)
        if name == "csv":
            assert (one.shapes is None) == (was.shapes is None)
        else:
            assert (one.shapes is None) == (not was.drawn)
        assert len(one.drawn) == len(was.drawn)
        for new, old in zip(one.drawn, was.drawn, strict=True):
            match old:
                case Box(x0, y0, x1, y1):
                    got = (new.x0, new.y0, new.x1, new.y1)
                    np.testing.assert_allclose(got, (x0, y0, x1, y1), atol=1e-6)
                case Polygon(points):
                    np.testing.assert_allclose(new.points, points, atol=1e-6)
                case Mask():
                    assert new.runs == pack_runs(rasterize(replace(was.shapes, shapes=(old,))))


def coco_by_the_book(text, height, width):
    """COCO's text as its format says: low bits first, each run a difference to two before."""
    counts, at = [], 0
    while at < len(text):
        bits = []
        while True:
            code = ord(text[at]) - 48
            at += 1
            bits += [code >> k & 1 for k in range(5)]
            if not code & 32:
                break
        value = sum(bit << k for k, bit in enumerate(bits)) - (bits[-1] << len(bits))
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    flat = np.concatenate([np.full(n, i % 2, bool) for i, n in enumerate(counts)])
    return flat.reshape(width, height).T


def coco_text(counts):
    """Runs as COCO's text, the other way round."""
    text = ""
    for i, count in enumerate(counts):
        value, more = count - (counts[i - 2] if i > 2 else 0), True
        while more:
            code = value & 31
            value >>= 5
            more = value != (-1 if code & 16 else 0)
            text += chr(48 + (code | (32 if more else 0)))
    return text


@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_compressed_runs_are_those_of_coco(seed, height, width):
    mask = np.random.default_rng(seed).random((height, width)) < 0.3
    mask[:, : width // 2] |= seed % 2 == 0  # long runs too
    text = coco_text(list(pack_runs(np.ascontiguousarray(mask.T))))
    assert np.array_equal(coco_by_the_book(text, height, width), mask)
    assert np.array_equal(decode_rle(text, height, width), mask)


def brush_by_the_book(data, height, width):
    """Label Studio's strokes, read off a string of bits as its own converter does."""
    bits = "".join(f"{byte:08b}" for byte in data)
    at = 0

    def take(count):
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    count, word = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    out = []
    while len(out) < count:
        run = take(1)
        length = take(sizes[take(2)]) + 1
        out += [take(word)] * length if run else [take(word) for _ in range(length)]
    return np.array(out).reshape(height, width, 4)[:, :, 3] > 127


@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_strokes_are_those_of_label_studio(seed, height, width):
    mask = np.random.default_rng(seed).random((height, width)) < 0.3
    data = encode_brush(mask)
    assert np.array_equal(brush_by_the_book(data, height, width), mask)
    assert np.array_equal(decode_brush(data, height, width), mask)


def test_a_long_run_is_cut_into_several():
    mask = np.zeros((300, 300), bool)
    mask[100:280] = True
    assert np.array_equal(brush_by_the_book(encode_brush(mask), 300, 300), mask)


def test_a_table_keeps_busy_masks_and_the_rows_after_them():
    checkered = np.indices((600, 600)).sum(0) % 2 == 0
    busy = Shapes(600, 600, (Mask(pack_runs(checkered)),))
    records = [LabeledImage(f"{i}.png", 600, 600, "benign", busy) for i in range(2)]
    found, problems = from_csv(to_csv(records))
    assert problems == []
    assert [len(one.shapes.shapes[0].runs) for one in found] == [len(busy.shapes[0].runs)] * 2


COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 10}],
    "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}],
    "categories": [{"id": 1, "name": "benign"}],
}
GOOD = {"image_id": 2, "category_id": 1, "bbox": [1, 1, 5, 5]}


@pytest.mark.parametrize(
    "bad",
    [
        {"bbox": [float("nan"), 1, 5, 5]},
        {"bbox": [1, 1, float("inf"), 5]},
        {"bbox": [50, 50, 5, 5]},
        {"bbox": "wide"},
        {"category_id": 7},
        {"segmentation": [[1, 2, 3]]},
        {"segmentation": [[1, 1, 1e9, 1, 1, 9]]},
        {"segmentation": {"counts": [5, 5], "size": [10, 20]}},
        {"segmentation": {"counts": [0, 200], "size": [20, 10]}},
        {"segmentation": {"counts": "\x01", "size": [10, 20]}},
        {"segmentation": [[1.5] * 60_000]},
        {"image_id": 9},
        {"image_id": [1]},
    ],
)
def test_one_bad_annotation_is_a_problem_and_the_rest_goes_on(bad):
    whole = json.loads(json.dumps(COCO))
    whole["annotations"][0] |= bad
    whole["images"].append({"id": 2, "file_name": "b.png", "width": 20, "height": 10})
    whole["annotations"].append(GOOD)
    found, problems = from_coco(json.dumps(whole).encode())
    assert len(problems) == 1
    assert [one.image for one in found] == ["b.png"]


def test_ids_that_are_none_or_come_twice_are_problems():
    whole = json.loads(json.dumps(COCO))
    whole["images"] += [{"id": [1], "file_name": "b"}, {"id": 1, "file_name": "c"}, 5]
    whole["annotations"].append("no object")
    found, problems = from_coco(json.dumps(whole).encode())
    assert [one.image for one in found] == ["a.png"]
    assert len(problems) == 4


@pytest.mark.parametrize(
    "tasks",
    [
        [{"annotations": [1], "data": {}}],
        [{"annotations": [{"result": "x"}], "data": {"image": "a"}}],
        [{"annotations": [{"result": []}], "data": {"image": "a"}}],
        [
            {
                "annotations": [
                    {
                        "result": [
                            {"type": "choices", "value": {"choices": ["x"]}},
                            {"type": "ellipselabels", "original_width": 4, "original_height": 4},
                        ]
                    }
                ],
                "data": {"image": "a"},
            }
        ],
        [7],
    ],
)
def test_tasks_that_are_none_are_problems(tasks):
    good = json.loads(to_label_studio([LabeledImage("b.png", 4, 4, "benign", Shapes(4, 4))]))
    found, problems = from_label_studio(json.dumps(tasks + good).encode())
    assert (len(found), len(problems)) == (1, 1)


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("/data/upload/3/1a2b3c4d-scan-03.png", "scan-03.png"),
        ("http://here:8080/data/upload/1a2b3c4d-a%20b.png", "a b.png"),
        ("/data/local-files/?d=images/%C3%BC%20b.png", "images/ü b.png"),
        ("images/1a2b3c4d-50%25.png", "images/1a2b3c4d-50%25.png"),
    ],
)
def test_pictures_in_label_studio_are_called_as_they_were_before(stored, name):
    record = LabeledImage(stored, 4, 4, "benign", None)
    ((found,), problems) = from_label_studio(to_label_studio([record]))
    assert (found.image, problems) == (name, [])


def test_a_stroke_that_claims_a_huge_picture_is_refused_before_memory_is_taken():
    with pytest.raises(ValueError, match=r"too short|cut off"):
        decode_brush(encode_brush(np.ones((2, 2), bool))[:4] + [0] * 8, 2, 2)
    data = (8000 * 8000 * 4).to_bytes(4) + bytes(8)
    with pytest.raises(ValueError, match="too short"):
        decode_brush(list(data), 8000, 8000)


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (from_coco, b'{"images": [1'),
        (from_coco, b"[1, 2]"),
        (from_coco, b"[" * 100_000),
        (from_label_studio, b'{"a": 1}'),
        (from_cvat, b"<annotations><image"),
        (from_cvat, b"<html/>"),
        (from_cvat, b'<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>'),
        (from_cvat, '<?xml version="1.0"?><annotations/>'.encode("utf-16")),
        (from_csv, b"a,b\n1,2\n"),
        (from_csv, b"\xff\xfe\x00"),
    ],
)
def test_files_that_are_none_of_their_kind_are_refused(read, data):
    with pytest.raises(DataError, match="must"):
        read(data)


@pytest.mark.parametrize("seconds", ["nan", "-1", "inf", "x", "1e308", "86401"])
@pytest.mark.parametrize("at", ["=cmd()", "yesterday"])
def test_readings_and_times_that_cannot_be_count_as_none(seconds, at):
    good = "2026-01-02T03:04:05+00:00"
    lines = ["image,width,height,class,seconds,at", f"a.png,4,4,x,{seconds},{at}"]
    found, problems = from_csv("\n".join([*lines, f"b.png,4,4,x,1,{good}"]).encode())
    assert problems == []
    assert [(one.seconds, one.at) for one in found] == [(0.0, ""), (1.0, good)]


def test_two_tables_read_at_once_do_not_spoil_each_other():
    busy = Shapes(600, 600, (Mask(pack_runs(np.indices((600, 600)).sum(0) % 2 == 0)),))
    large = to_csv([LabeledImage("a.png", 600, 600, "benign", busy)] * 2)
    stop = threading.Event()

    def small():
        while not stop.is_set():
            from_csv(b"image,width,height,class\nx.png,4,4,benign\n")

    beside = threading.Thread(target=small)
    beside.start()
    try:
        read = [from_csv(large) for _ in range(3)]
    finally:
        stop.set()
        beside.join()
    assert [(len(found), problems) for found, problems in read] == [(2, [])] * 3


def test_pictures_are_found_by_path_or_by_a_file_name_that_only_one_has():
    known = {"x/a.png": "1", "y/a.png": "2", "y/b.png": "3"}

    def one(name):
        return LabeledImage(name, 4, 4, "benign", Shapes(4, 4))

    found, problems = matched(
        [one("x/a.png"), one("else/b.png"), one("a.png"), one("c.png")], known
    )
    assert {sample: record.image for sample, record in found.items()} == {
        "1": "x/a.png",
        "3": "else/b.png",
    }
    assert len(problems) == 2
    assert len(matched([one("p/b.png"), one("q/b.png")], known)[1]) == 1


def test_the_last_ruling_stands_else_the_last_answer_with_a_class():
    def one(label, **more):
        return LabeledImage("a.png", 4, 4, label, Shapes(4, 4), **more)

    def standing(*records):
        found, problems = matched(records, {"a.png": "1"})
        assert problems == []
        return found["1"].label

    assert standing(one("disc"), one("square")) == "square"
    assert standing(one("disc"), one("square", purpose="repeat")) == "disc"
    assert standing(one(None, verdict="skipped"), one("disc"), one(None, verdict="bad")) == "disc"
    assert standing(one("disc", purpose="adjudication"), one("square")) == "disc"
    assert standing(one("disc", purpose="imported"), one("square", purpose="imported")) == "square"
    assert standing(one("disc"), one(None, verdict="bad", purpose="adjudication")) is None
    assert standing(one("disc", annotator="bob"), one("square", annotator="ann")) == "square"
    again = one(None, annotator="ann", verdict="unsure")
    assert standing(one("disc", annotator="bob"), one("square", annotator="ann"), again) == "disc"
    assert matched([one(None, verdict="unsure")], {"a.png": "1"}) == ({}, [])
    assert matched([one("disc", annotator="ann"), again], {"a.png": "1"}) == ({}, [])


def test_a_table_keeps_why_it_was_asked_and_whether_the_model_was_seen():
    record = LabeledImage("a.png", 4, 4, "x", Shapes(4, 4), purpose="overlap", assisted=True)
    assert from_csv(to_csv([record, replace(record, assisted=False)])) == (
        [record, replace(record, assisted=False)],
        [],
    )


@pytest.mark.parametrize(
    "shape",
    [
        '<ellipse label="x" cx="2" cy="2" rx="1" ry="1"/>',
        '<polyline label="x" points="1,1;2,2"/>',
        '<box label="x" xtl="1" ytl="1" xbr="3" ybr="3" rotation="30"/>',
    ],
)
def test_a_shape_that_cannot_be_kept_does_not_become_nothing_to_see(shape):
    tag = '<tag label="x"/>'
    images = "".join(
        f'<image id="{i}" name="{i}.png" width="4" height="4">{tag}{more}</image>'
        for i, more in enumerate((shape, ""))
    )
    found, problems = from_cvat(f"<annotations>{images}</annotations>".encode())
    assert ([one.image for one in found], len(problems)) == (["1.png"], 1)


def test_a_stroke_longer_than_its_picture_is_refused_before_it_is_unpacked():
    with pytest.raises(ValueError, match="longer than its picture"):
        decode_brush([0] * 10_000, 4, 4)
