"""A project in which people outline and a U-Net learns it: what counts as read and teaches."""

import csv

import pytest

from foveal.annotate.desk import open_desk
from foveal.annotate.records import take_in
from foveal.core.errors import DataError, SpecError
from foveal.core.shapes import Box, Shapes
from foveal.data.exchange.labels import LabeledImage
from foveal.loop.live import Worker
from foveal.loop.live.init import collection_of, project_spec
from foveal.loop.live.model_file import onnx_of
from foveal.store.project import ProjectStore
from live_discs import SIZE, ScriptedReader, blind, live_spec, make_project, until_waiting

OUTLINES = {
    "task": "segmentation",
    "data": {"image_size": 32, "leaks": "report"},
    "segment": {"widths": [8, 16]},
    "train": {"epochs": 4, "precision": "32"},
    "acquire": {"strategy": "pixel_entropy", "skip_near_duplicates": False},
}


@pytest.fixture
def images(tmp_path):
    return blind(tmp_path / "images")


@pytest.mark.parametrize("bare", ["", "square"])
def test_what_is_drawn_teaches_and_is_measured_with_an_interval(images, bare):
    """Also where readers draw nothing on every other image."""
    make_project(images, images / "p", OUTLINES)
    reader = ScriptedReader(images, bare=bare)
    with ProjectStore.open(images / "p") as store:
        pool, worker = collection_of(project_spec(store), store.folder), Worker(store)
        assert until_waiting(worker) == ["cold"]
        for _ in range(2):
            reader.read(store, pool, 9)
            assert until_waiting(worker) == ["train", "ask"]
        live = store.live()
        last = live.trained[-1]
        low, high = last.details["interval"]["dice"]
        assert 0 <= low <= last.metrics["test"]["dice"] <= high <= 1
        assert live.queries[-1].strategy == "pixel_entropy"
        cases = live.details[-1]["cases"]
        assert set(cases) == set(live.queries[-1].ids)
        assert all(store.blobs.get(case["cam"]) for case in cases.values())
        assert all("predicted" not in case for case in cases.values())  # it knows no classes
        card = store.blobs.get(last.details["exports"]["card"]).decode()
        assert "2-D U-Net with 8, 16 channels" in card
        assert "backbone" not in card
        with pytest.raises(DataError, match="--format model"):
            onnx_of(live, project_spec(store), store.blobs, store.folder)


def test_a_label_without_a_mask_is_still_to_be_outlined(images):
    """Every third image has both, every third a class alone."""
    with (images / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row |= {"label": "" if i % 3 == 2 else row["label"], "mask": "" if i % 3 else row["mask"]}
    with (images / "labels.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    begun = make_project(images, images / "p", OUTLINES)
    assert begun.imported == sum(bool(row["mask"]) for row in rows)
    with ProjectStore.open(images / "p") as store:
        assert all(resolution.regions for _, resolution in store.live().lessons())
        assert until_waiting(Worker(store)) == ["train", "ask"]


def test_a_file_of_classes_alone_teaches_no_outlines(images):
    make_project(images, images / "p", OUTLINES)
    with ProjectStore.open(images / "p") as store:
        desk = open_desk(store)
        first, second, *_ = (s.uri for s in desk.images.samples().values())
        found = [
            LabeledImage(first, SIZE, SIZE, "disc", None),
            LabeledImage(second, SIZE, SIZE, "disc", Shapes(SIZE, SIZE, (Box(4, 4, 9, 9),))),
        ]
        kept, problems = take_in(store, desk.images, found, "ann")
    (problem,) = problems
    assert kept == 1
    assert "says nothing of a region" in problem


def test_outlines_need_a_tool(images):
    with pytest.raises(SpecError, match="leave --live tools out"):
        make_project(images, images / "p", OUTLINES, tools=())
    assert not (images / "p").exists()
    assert live_spec(tools=()).tools == ()
