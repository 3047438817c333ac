"""Thirty cases read in a real browser by mouse and keyboard; what is exported is what was drawn."""

import time

import numpy as np
import pytest
from hand import HEIGHT, WIDTH, Hand
from serving import run_foveal

from foveal.annotate.desk import open_desk
from foveal.core.region import decode_region
from foveal.core.shapes import Box, Polygon, rasterize
from foveal.data.exchange.labels import from_coco, from_csv
from foveal.store.project import ProjectStore

CASES = 30
TOLERANCE = 0.75  # pixels of the image: the mouse moves in whole pixels of the screen
BRUSH = 9  # pixels of the image across
READING = "[data-testid=viewer][data-phase=reading]"


class Desk:
    """The reading screen, and what the server told it of the case it shows."""

    def __init__(self, page, phantom, folder):
        self.page, self.phantom = page, phantom
        with ProjectStore.open(folder) as store:
            self.names = {s.id: s.uri for s in open_desk(store).images.samples().values()}
        self.case = None
        page.on("response", self._heard)

    def _heard(self, response):
        if response.url.endswith("/next") and response.status == 200:
            told = response.json()
            self.case = None if told.get("done") else told

    def ready(self):
        self.page.wait_for_function(
            "() => document.querySelector('[data-testid=save]') "
            "&& !document.querySelector('[data-testid=save]').disabled"
        )
        self.page.get_by_test_id("cover").wait_for(state="hidden")

    def lesion(self):
        return self.phantom.shows[self.names[self.case["sample"]]]

    def save(self):
        """Enter, and once more if the model's map is shown after the answer."""
        before = self.case["case"]
        self.page.keyboard.press("Enter")
        for _ in range(600):
            if self.case is None or self.case["case"] != before:
                return
            if self.page.get_by_test_id("save").inner_text().startswith("Next"):
                self.page.keyboard.press("Enter")
            self.page.wait_for_timeout(50)
        raise AssertionError("no other case came")


@pytest.fixture(scope="module")
def everything(chromium, phantom, served):
    """Thirty cases, read; what was drawn on each, by the name of its image."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    desk = Desk(page, phantom, served.folder)
    page.goto(f"{served.address}/#token={served.token}")
    page.get_by_test_id("screen-read").wait_for(timeout=60_000)
    assert "token" not in page.url
    drawn, rounds = {}, []
    for number in range(CASES):
        desk.ready()
        name, lesion = desk.names[desk.case["sample"]], desk.lesion()
        rounds.append(desk.case["round"])
        hand = Hand(page)
        by_mouse = number % 2 == 0
        kind = ("box", "polygon", "brush")[number % 3]
        if by_mouse:
            page.get_by_test_id(f"tool-{kind}").click()
            page.get_by_test_id(f"class-{lesion.label}").click()
        else:
            page.keyboard.press({"box": "b", "polygon": "p", "brush": "d"}[kind])
            page.keyboard.press("1" if lesion.label == "disc" else "2")
        drawn[name] = draw(kind, hand, lesion, page)
        desk.save()
        if number in (12, 20):  # the worker trains beside; a reader at work would not notice
            patience = time.monotonic() + 240  # on a busy machine
            while time.monotonic() < patience and trainings(served) < (1 if number == 12 else 2):
                page.wait_for_timeout(200)
    page.get_by_test_id("save-state").filter(has_text="Saved").wait_for()
    context.close()
    assert wrong == []
    return drawn, rounds


def trainings(served):
    with ProjectStore.open(served.folder) as store:
        live = store.live()
        return min(len(live.trained), len(live.queries) - 1)


def answers(served):
    with ProjectStore.open(served.folder) as store:
        return store.live().history


def draw(kind, hand, lesion, page):
    """Draws a lesion, and tells what should be found: the kind, the class, and the region."""
    x0, y0, x1, y1 = lesion[1:]
    if kind == "box":
        hand.drag((x0, y0), (x1, y1))
        return kind, lesion.label, np.array([x0, y0, x1, y1], float)
    if kind == "polygon":
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        hand.click(*corners)
        page.keyboard.press("Enter")
        return kind, lesion.label, np.array(corners, float)
    size = page.get_by_test_id("brush-size")
    size.fill(str(BRUSH))
    size.press("Tab")
    page.mouse.move(*hand.at(x0, y0))
    middle = (y0 + y1) / 2
    hand.drag((x0, middle), (x1, middle))
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    away = np.hypot(x - np.clip(x, x0, x1), y - middle)
    return kind, lesion.label, away <= BRUSH / 2


def test_what_was_drawn_is_what_is_exported(everything, served, tmp_path):
    drawn, _ = everything
    run_foveal("export", served.folder, "--format", "csv", "--out", tmp_path / "labels.csv")
    found, problems = from_csv((tmp_path / "labels.csv").read_bytes())
    assert problems == []
    assert {one.image for one in found} == set(drawn)
    assert len(found) == CASES
    for one in found:
        kind, label, region = drawn[one.image]
        assert one.label == label
        assert one.annotator == "admin"
        assert one.seconds > 0
        (shape,) = one.shapes.shapes
        if kind == "box":
            assert isinstance(shape, Box)
            corners = np.array([shape.x0, shape.y0, shape.x1, shape.y1])
            np.testing.assert_allclose(corners, region, atol=TOLERANCE)
        elif kind == "polygon":
            assert isinstance(shape, Polygon)
            np.testing.assert_allclose(np.array(shape.points), region, atol=TOLERANCE)
        else:
            # Of a painted stroke only pixels at its border may differ.
            differ = rasterize(one.shapes) != region
            assert differ.sum() < 0.25 * region.sum()
            grown = np.zeros_like(region)
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    grown |= np.roll(np.roll(region, dy, 0), dx, 1)
            assert not (rasterize(one.shapes) & ~grown).any()


def test_the_model_learned_and_asked_while_people_read(everything, served):
    _, rounds = everything
    with ProjectStore.open(served.folder) as store:
        live = store.live()
    assert len(live.trained) >= 2
    assert rounds[0] <= 1 < rounds[-1]
    assert [query.strategy for query in live.queries[2:]] == ["margin"] * len(live.queries[2:])
    assert live.references()
    assert live.trained[-1].metrics["test"]
    assert not set(live.queries[-1].ids) & {
        one.sample for one in live.history if one.round < live.queries[-1].round
    }


def test_leads_export_from_the_page(everything, page, tmp_path):
    drawn, _ = everything
    page.get_by_test_id("nav-dashboard").click()
    with page.expect_download() as waiting:
        page.get_by_test_id("export-coco").click()
    waiting.value.save_as(tmp_path / "coco.json")
    found, problems = from_coco((tmp_path / "coco.json").read_bytes())
    assert problems == []
    assert {one.image: one.label for one in found} == {
        n: label for n, (_, label, _) in drawn.items()
    }


def test_a_stroke_outlives_a_closed_browser(page):
    page.locator(READING).wait_for()
    page.keyboard.press("b")
    hand = Hand(page)
    hand.drag((10, 10), (40, 30))
    page.get_by_test_id("region-0").wait_for()
    page.wait_for_timeout(600)  # the draft is written a quarter of a second after the last change
    page.reload()
    page.get_by_test_id("screen-read").wait_for()
    page.locator(READING).wait_for()
    page.get_by_test_id("region-0").wait_for()


def test_without_a_network_answers_wait_over_a_reload_and_are_sent_once(page, served):
    page.locator(READING).wait_for()
    with ProjectStore.open(served.folder) as store:
        before = len(store.live().history)
    page.route("**/answer", lambda route: route.abort())
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_test_id("save-state").filter(has_text="Waiting").wait_for()
    page.reload()
    page.get_by_test_id("save-state").filter(has_text="Waiting").wait_for()
    with ProjectStore.open(served.folder) as store:
        assert len(store.live().history) == before
    page.unroute("**/answer")
    page.get_by_test_id("save-state").filter(has_text="Saved").wait_for(timeout=60_000)
    with ProjectStore.open(served.folder) as store:
        assert len(store.live().history) == before + 1
        assert store.verify() == ()


def test_what_is_being_drawn_is_part_of_the_answer(page, served):
    page.locator(READING).wait_for()
    before = len(answers(served))
    hand = Hand(page)
    page.keyboard.press("b")
    page.keyboard.press("1")
    page.mouse.move(*hand.at(12, 12))
    page.mouse.down()
    page.mouse.move(*hand.at(40, 30), steps=4)
    page.keyboard.press("Enter")
    page.mouse.up()
    patience = time.monotonic() + 30
    while len(answers(served)) == before and time.monotonic() < patience:
        page.wait_for_timeout(50)
    last = answers(served)[-1]
    assert last.region_kind == "box"
    with ProjectStore.open(served.folder) as store:
        assert decode_region(store.blobs.get(last.region)).sum() > 100


def test_answers_are_never_saved_under_the_name_of_who_logs_in_elsewhere(page, served):
    page.locator(READING).wait_for()
    run_foveal("accounts", served.folder, "add", "bob")
    word = run_foveal("accounts", served.folder, "invite", "bob").strip()
    other = page.context.new_page()
    other.goto(f"{served.address}{word}")
    other.get_by_test_id("screen-read").wait_for()
    before = len(answers(served))
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_test_id("screen-login").wait_for()
    assert len(answers(served)) == before
    other.close()
