"""The gallery: a picture for each shown pick, drawn from journal and blobs alone."""

from dataclasses import replace

import numpy as np
from PIL import Image

from foveal.explain import strip
from foveal.loop.ask import SHOWN
from foveal.loop.gallery import draw_gallery
from foveal.loop.panels import TILE
from foveal.store import Blobs


def cases_of(record):
    return [case for rounds in record["gallery"] for case in rounds["cases"]]


def test_every_round_that_was_asked_shows_its_first_picks(finished):
    _, state, record, _ = finished
    assert [r["round"] for r in record["gallery"]] == [1, 2]  # the seed set was asked of nobody
    for rounds in record["gallery"]:
        query = state.queries[rounds["round"]]
        assert [case["id"] for case in rounds["cases"]] == list(query.ids[:SHOWN])


def test_panels_are_png_strips_inside_the_folder(finished):
    _, _, record, folder = finished
    empty = np.zeros((TILE, TILE), np.float32)
    whole = strip(np.zeros((TILE, TILE, 3)), empty, None, empty)
    for case in cases_of(record):
        path = (folder / case["panel"]).resolve()
        assert path.is_relative_to(folder.resolve())
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert (image.height, image.width) == whole.shape[:2]
            assert np.asarray(image).std() > 0
            assert not image.info  # no metadata travels with it


def test_a_case_says_what_was_told_and_why(finished, bench):
    _, state, record, _ = finished
    truth = bench.collection.truth
    for case in cases_of(record):
        assert case["label"] == bench.pool.classes[truth.label(case["id"])]
        assert case["predicted"] in bench.pool.classes
        assert 0.5 <= case["confidence"] <= 1
        assert case["why"]
        query = next(q for q in state.queries if case["id"] in q.ids)
        at = query.ids.index(case["id"])
        assert case["scores"]["score"] == query.scores["score"][at]


def test_drawing_again_gives_the_same_bytes(finished, bench, tmp_path):
    _, state, record, folder = finished
    again = draw_gallery(state, bench, Blobs(folder / "blobs"), tmp_path)
    assert again == record["gallery"]
    for case in cases_of(record):
        assert (tmp_path / case["panel"]).read_bytes() == (folder / case["panel"]).read_bytes()


def test_a_pick_without_an_answer_is_shown_without_one(finished, bench, tmp_path):
    _, state, _, folder = finished
    unanswered = replace(state, annotations={})
    cases = cases_of(
        {"gallery": draw_gallery(unanswered, bench, Blobs(folder / "blobs"), tmp_path)}
    )
    assert {case["label"] for case in cases} == {None}
    assert all((tmp_path / case["panel"]).is_file() for case in cases)
