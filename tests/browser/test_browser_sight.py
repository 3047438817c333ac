"""What is seen is what there is: pairs, lost graphics, polygons half drawn, a hand beside a pen."""

import csv

import numpy as np
import pytest
from hand import Hand
from PIL import Image
from serving import run_foveal, start, stop

WIDTH, HEIGHT, PAIRS = 60, 48, 4
READING = "[data-testid=viewer][data-phase=reading]"
CORNERS = [(10.0, 10.0), (40.0, 12.0), (30.0, 38.0)]

# Cornerstone keeps its canvases off the page, so they are noted when they are made.
NOTE_CONTEXTS = """
const taken = HTMLCanvasElement.prototype.getContext;
window.contexts = [];
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  const made = window.refused && kind.startsWith("webgl") ? null : taken.call(this, kind, ...rest);
  if (made && kind.startsWith("webgl")) window.contexts.push(made);
  return made;
};
"""
# Cornerstone draws in the frame after the one in which it is asked to.
PAINTED = """async () => {
  for (let k = 0; k < 3; k += 1) await new Promise((done) => requestAnimationFrame(done));
}"""
LOSE = """() => window.contexts.splice(0)
  .forEach((one) => one.getExtension("WEBGL_lose_context")?.loseContext())"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A project of pairs of time points; nothing is trained."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    rows = [["image", "pair"]]
    for k in range(PAIRS):
        times = rng.integers(20_000, 40_000, (1, HEIGHT, WIDTH, 3)).astype(np.uint16)
        times[0, 10:20, 10:20, 2] = 60_000
        np.savez(folder / f"pair_{k}.npz", images=times)
        rows.append([f"pair_{k}.npz#images:0", f"pair {k}"])
    with (folder / "pool.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    project = folder / "project"
    settings = ["--set", "data.test_fraction=0", "--set", "data.image_size=64"]
    settings += ["--set", "data.leaks=report", "--live", "train_every=1000"]
    run_foveal("init", project, "--pool", folder / "pool.csv", "--classes", "no,yes", *settings)
    running = start(project, "--no-worker")
    yield running
    stop(running)


@pytest.fixture
def reading(page):
    """The page with a case open, whose WebGL contexts are known."""
    page.add_init_script(NOTE_CONTEXTS)
    page.reload()
    page.locator(READING).wait_for()
    page.evaluate(PAINTED)
    return page


def pixels(page, tmp_path, pane="current"):
    """What is seen of a picture, without what is drawn over it."""
    path = tmp_path / "pane.png"
    page.get_by_test_id(f"pane-{pane}").screenshot(path=path)
    return np.asarray(Image.open(path).convert("L"), dtype=float)


def test_lost_graphics_come_back_with_what_was_seen(reading, tmp_path):
    page = reading
    page.keyboard.press("+")
    page.wait_for_timeout(200)
    before = pixels(page, tmp_path)
    assert before.std() > 10
    page.evaluate(LOSE)
    page.wait_for_function("() => window.contexts.length > 0")  # others were made
    page.get_by_test_id("cover").wait_for(state="hidden")
    page.wait_for_timeout(200)
    assert np.abs(pixels(page, tmp_path) - before).mean() < 1


def test_nothing_is_answered_while_the_browser_cannot_draw(reading):
    page = reading
    answers = []
    page.on("request", lambda r: answers.append(r.url) if r.url.endswith("/answer") else None)
    page.evaluate("() => (window.refused = true)")
    page.evaluate(LOSE)
    cover = page.get_by_test_id("cover")
    cover.filter(has_text="cannot draw pictures").wait_for()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert answers == []
    page.evaluate("() => (window.refused = false)")
    cover.wait_for(state="hidden")
    with page.expect_response(lambda r: r.url.endswith("/answer")) as saved:
        page.keyboard.press("Enter")
    assert saved.value.ok


def test_a_difference_is_shown_about_zero_and_keeps_the_view(reading, tmp_path):
    page = reading
    page.get_by_test_id("window-width").fill("9000")
    page.keyboard.press("Enter")
    for _ in range(4):
        page.keyboard.press("+")
    asked = []
    page.on("request", lambda r: asked.append(r.url) if "/pixels" in r.url else None)
    page.keyboard.press("g")
    page.get_by_test_id("pane-difference").wait_for()
    page.wait_for_timeout(300)
    assert [url.partition("which=")[2] for url in asked] == ["difference"]
    assert page.get_by_test_id("window-width").input_value() == "9000"
    assert "W 9000" in page.get_by_test_id("facts").inner_text()
    shown = pixels(page, tmp_path, "difference")
    middle = np.median(shown[shown > 0])
    assert 90 < middle < 130  # the noise around no change is the middle gray
    page.keyboard.press("g")
    page.get_by_test_id("pane-difference").wait_for(state="detached")


def test_a_difference_that_cannot_be_had_leaves_the_pair_as_it_was(reading, tmp_path):
    page = reading
    before = pixels(page, tmp_path)
    page.route("**/pixels*which=difference", lambda route: route.abort())
    page.keyboard.press("g")
    page.get_by_test_id("notice").filter(has_text="cannot be reached").wait_for()
    page.get_by_test_id("pane-difference").wait_for(state="detached")
    page.wait_for_timeout(200)
    assert np.abs(pixels(page, tmp_path) - before).mean() < 1


def test_a_polygon_half_drawn_outlives_a_move_of_the_image_and_a_reload(reading):
    page = reading
    page.keyboard.press("p")
    hand = Hand(page, WIDTH, HEIGHT)
    hand.click(*CORNERS[:2])
    page.keyboard.press("v")
    hand.drag((30.0, 30.0), (30.0, 30.0))
    assert page.get_by_test_id("regions").inner_text() == "None drawn"
    page.wait_for_timeout(400)  # a draft is written a moment after the last change
    page.reload()
    page.locator(READING).wait_for()
    Hand(page, WIDTH, HEIGHT).click(CORNERS[2])
    page.keyboard.press("Enter")
    assert page.get_by_test_id("region-0").inner_text() == "Polygon, 3 points"


POINTER = """([kind, type, x, y]) => document.querySelector("[data-testid=overlay-current]")
  .dispatchEvent(new PointerEvent(type, { pointerType: kind, pointerId: kind === "pen" ? 11 : 12,
    clientX: x, clientY: y, button: 0, buttons: 1, bubbles: true, isPrimary: true }))"""


def test_the_hand_beside_a_pen_draws_nothing(reading):
    page = reading
    page.evaluate("() => (HTMLElement.prototype.setPointerCapture = () => undefined)")
    hand = Hand(page, WIDTH, HEIGHT)
    page.keyboard.press("b")

    def at(kind, *events):
        for event, point in events:
            page.evaluate(POINTER, [kind, event, *hand.at(*point)])

    drawn = page.locator("[data-testid^=region-]")
    before = drawn.count()
    at("touch", ("pointerdown", (5.0, 40.0)), ("pointermove", (15.0, 46.0)))  # the palm first
    at("pen", ("pointerdown", (20.0, 10.0)), ("pointermove", (40.0, 30.0)))
    at("touch", ("pointermove", (18.0, 47.0)), ("pointerup", (18.0, 47.0)))
    at("pen", ("pointerup", (40.0, 30.0)))
    assert drawn.count() == before + 1
    assert drawn.nth(before).inner_text() == "Box, 20 × 20 px"
    at("touch", ("pointerdown", (5.0, 5.0)), ("pointermove", (15.0, 15.0)))
    at("touch", ("pointerup", (15.0, 15.0)))
    assert drawn.count() == before + 1
