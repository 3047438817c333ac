"""Every screen in a real browser: sizes, focus, keys of disputes, and what is told without luck."""

import json
import re

import numpy as np
import pytest
from hand import HEIGHT, WIDTH, Hand
from serving import run_foveal, start, stop

from foveal.core.annotation import Annotation
from foveal.core.region import encode_region
from foveal.core.shapes import Box, Shapes, rasterize
from foveal.store.live import quarantined
from foveal.store.project import ProjectStore

SCREENS = ("read", "dashboard", "disputes", "quarantine", "accounts")
SIZES = ((640, 400), (420, 800), (1024, 768), (1280, 800))
READING = "[data-testid=viewer][data-phase=reading]"
PASSWORD = "correct horse battery"
FOCUSED = "() => document.activeElement.dataset.testid ?? document.activeElement.tagName"
OVERLAPS = """() => [...document.querySelectorAll('header *, main *, aside *')]
  .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .filter(one => !one.closest('.card, .panel, .pane')).map(one => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def served(phantom, tmp_path_factory):
    """A project with three disputes, an image that cannot be read and one that was called bad."""
    folder = tmp_path_factory.mktemp("live") / "phantom"
    settings = ("--set", "data.image_size=64", "--set", "data.leaks=report")
    classes = ("--classes", "disc,square", "--live", "overlap_readers=2")
    told = (*classes, "--live", "overlap_share=1", *settings)
    run_foveal("init", folder, "--images", phantom.folder, *told)
    drawn = Shapes(WIDTH, HEIGHT, (Box(20, 20, 40, 40),))
    with ProjectStore.open(folder) as store:
        for name in ("ann", "bob"):
            store.accounts.add(name, "reader")
        store.accounts.add("lea", "lead", PASSWORD)
        store.accounts.add("admin", "admin")
        left = [i for i, part in store.live().parts.items() if part == "unlabeled"]
        for n, sample in enumerate(left[:3]):
            for label, name in enumerate(("ann", "bob")):
                one = said(sample, name, label, "labeled", f"{name}-answer-{n}")
                store.save(one, encode_region(rasterize(drawn)), drawn.to_bytes())
        for name in ("ann", "bob"):
            store.save(said(left[3], name, None, "bad", f"{name}-bad-one"), None, None)
        store.append([quarantined(left[4], "the image could not be read")])
    running = start(folder, "--no-worker")
    yield running
    stop(running)


def said(sample, reader, label, verdict, key):
    at = "2026-01-05T09:30:00+00:00"
    kind = "box" if verdict == "labeled" else "none"
    return Annotation(sample, reader, verdict, label, region_kind=kind, seconds=2.0, at=at, key=key)


def go(page, name):
    page.get_by_test_id(f"nav-{name}").click()
    page.get_by_test_id(f"screen-{name}").wait_for()


def disputed(page):
    go(page, "disputes")
    page.locator(READING).wait_for()


def count_of_regions(page, words):
    page.get_by_test_id("ruled-regions").filter(has_text=words).wait_for()


def test_no_screen_is_wider_than_the_window_and_each_has_one_heading_that_is_heard(page):
    for name in SCREENS:
        if name != "read":
            go(page, name)
        assert page.locator("h1").count() == 1
        assert page.evaluate("() => document.activeElement.tagName") == "H1"
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width
            assert page.evaluate(OVERLAPS) == [], (name, width)


def test_disputes_are_one_column_in_a_narrow_window(page):
    disputed(page)
    for width, beside in ((640, False), (1280, True)):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(100)
        image = page.get_by_test_id("overlay-current").bounding_box()
        ruling = page.get_by_test_id("settle").bounding_box()
        assert (ruling["x"] >= image["x"] + image["width"]) == beside
        assert (ruling["y"] >= image["y"] + image["height"]) == (not beside)


def test_disputes_draw_by_key_take_back_a_corner_and_keep_the_focus(page, served):
    disputed(page)
    before = page.get_by_test_id("dispute-list").locator("button").count()
    assert page.get_by_test_id("dispute-why").inner_text() == "Readers name different classes."
    hand = Hand(page)
    page.keyboard.press("p")
    hand.click((20, 20), (50, 20), (50, 50), (90, 70))
    page.keyboard.press("Control+z")
    page.keyboard.press("Enter")
    count_of_regions(page, "1 region drawn")
    page.get_by_test_id("class-square").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUSED) == "class-square"
    assert page.get_by_test_id("class-square").get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(600)  # the draft is written a quarter of a second after the last change
    page.reload()
    page.locator(READING).wait_for()
    count_of_regions(page, "1 region drawn")
    assert page.get_by_test_id("class-square").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Enter")
    listed = page.get_by_test_id("dispute-list").locator("button")
    page.wait_for_function(
        "n => document.querySelectorAll('[data-testid=dispute-list] button').length === n",
        arg=before - 1,
    )
    assert listed.count() == before - 1
    with ProjectStore.open(served.folder) as store:
        (ruled,) = store.live().ruled.values()
        kept = json.loads(store.blobs.get(ruled.shapes))["shapes"]
    assert (ruled.annotator, ruled.label) == ("admin", 1)
    corners = np.array(kept[0]["points"])
    np.testing.assert_allclose(corners, [(20, 20), (50, 20), (50, 50)], atol=0.75)


def test_a_refused_ruling_is_told_and_can_be_given_again(page):
    disputed(page)
    refused = {"error": {"code": "full", "message": "The disk is full."}}
    page.route("**/settle", lambda route: route.fulfill(status=507, json=refused))
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_test_id("notice").filter(has_text="Not saved. The disk is full.").wait_for()
    page.locator(READING).wait_for()


def test_a_refused_answer_is_told_beside_the_buttons(page):
    page.locator(READING).wait_for()
    refused = {"error": {"code": "data", "message": "The region leaves the image."}}
    page.route("**/answer", lambda route: route.fulfill(status=422, json=refused))
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    told = page.locator(".verdicts [role=alert]").filter(has_text="The region leaves the image.")
    told.wait_for()
    page.get_by_test_id("refusal-more").click()
    page.get_by_test_id("forget-refused").click()
    told.wait_for(state="detached")


def test_lists_of_regions_keep_the_focus_of_keys_and_none_of_the_mouse(page):
    page.locator(READING).wait_for()
    hand = Hand(page)
    page.keyboard.press("b")
    hand.drag((10, 10), (30, 30))
    hand.drag((50, 30), (80, 60))
    page.get_by_test_id("region-0").locator("button").first.focus()
    page.keyboard.press("Enter")
    page.locator("[data-testid=region-0].chosen").wait_for()
    within = "() => document.activeElement.closest('li')?.dataset.testid ?? 'none'"
    assert page.evaluate(within) == "region-0"
    page.get_by_test_id("delete-0").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("region-1").wait_for(state="detached")
    assert page.evaluate(FOCUSED) == "delete-0"
    page.get_by_test_id("region-0").locator("button").first.click()
    page.wait_for_timeout(50)
    assert page.evaluate(within) == "none"  # so that Enter saves
    page.keyboard.press("Escape")
    page.get_by_test_id("delete-0").click()


def test_what_is_left_out_says_why_who_and_when(page):
    go(page, "quarantine")
    rows = page.get_by_test_id("quarantine").locator("tbody tr")
    rows.first.wait_for()
    unread, bad = rows.all_inner_texts()
    assert "could not be read" in unread
    assert "Take in again" in unread
    assert re.search(r"bad image.*ann, bob, Jan 5, 2026", bad, re.DOTALL)
    assert "Take in again" not in bad


@pytest.mark.parametrize("away", ["login", "project"])
def test_a_login_without_a_network_says_so_and_goes_on_with_it(chromium, served, away):
    page = chromium.new_context().new_page()
    page.goto(served.address)
    page.get_by_test_id("login-name").fill("lea")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.route(f"**/api/v1/{away}", lambda route: route.abort())
    page.keyboard.press("Enter")
    page.get_by_test_id("login-message").filter(has_text="Check the network").wait_for()
    page.unroute(f"**/api/v1/{away}")
    page.keyboard.press("Enter")
    page.get_by_test_id("screen-read").wait_for()
    page.context.close()


def test_a_logout_without_a_network_says_that_one_is_still_logged_in(page):
    page.get_by_test_id("who").click()
    page.route("**/logout", lambda route: route.abort())
    page.get_by_test_id("logout").click()
    page.get_by_test_id("logout-message").filter(has_text="You are still logged in").wait_for()
    page.unroute("**/logout")
    page.get_by_test_id("logout").click()
    page.get_by_test_id("screen-login").wait_for()
    assert page.locator("dialog[open]").count() == 0


def test_dialogs_end_with_the_session(page):
    go(page, "dashboard")
    page.get_by_test_id("card-curve").wait_for()
    page.get_by_test_id("help-button").click()
    assert "last corner" in page.get_by_test_id("help").inner_text()
    page.context.clear_cookies()
    page.get_by_test_id("screen-login").wait_for()  # with the next look at the figures
    assert page.locator("dialog[open]").count() == 0
