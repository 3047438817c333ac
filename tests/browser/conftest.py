"""A served project and a real browser in front of it."""

import shutil

import pytest
from hand import write_phantom
from serving import ARGUMENTS, BROWSERS, run_foveal, start, stop


@pytest.fixture(scope="session")
def chromium():
    """A browser; tests skip where there is none, or no page was built."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium is installed; tests/browser/chromium.sh installs one")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    """16-bit images of discs and squares, and what they show."""
    return write_phantom(tmp_path_factory.mktemp("phantom"))


@pytest.fixture(scope="module")
def served(phantom, tmp_path_factory):
    """A server with its worker, on a project in which nobody has read yet."""
    folder = tmp_path_factory.mktemp("live") / "phantom"
    run_foveal(
        "init",
        folder,
        "--images",
        phantom.folder,
        "--classes",
        "disc,square",
        "--live",
        "train_every=8",
        "--live",
        "queue=10",
        "--live",
        "test_every=5",
        "--set",
        "model.adapter=16",
        "--set",
        "data.image_size=64",
        "--set",
        "acquire.strategy=margin",
        "--set",
        "data.leaks=report",
        "--set",
        "data.intensity=percentile",
    )
    running = start(folder)
    yield running
    stop(running)


@pytest.fixture
def page(chromium, served):
    """A page that is logged in on a screen of its own, where no error goes unnoticed."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    word = run_foveal("accounts", served.folder, "invite", "admin").strip()
    page.goto(f"{served.address}{word}")
    page.get_by_test_id("screen-read").wait_for(timeout=30_000)
    yield page
    context.close()
    assert wrong == []
