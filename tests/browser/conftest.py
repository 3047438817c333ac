"""A project that is served as people serve it, and a real browser in front of it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hand import write_phantom

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
START = "from foveal.cli import main; main()"
PATIENCE = 120  # seconds until a server has started, on a busy machine


class Served(NamedTuple):
    """A running server: its address, and the word that opens the first session."""

    folder: Path
    address: str
    token: str
    process: "subprocess.Popen[str]"


def run_foveal(*arguments: Any) -> str:
    """What a command prints; it must succeed."""
    command = [sys.executable, "-c", START, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def start(folder: Path, *more: str, port: int = 0) -> Served:
    """`foveal serve` in a process of its own."""
    command = [sys.executable, "-c", START, "serve", str(folder), "--port", str(port), *more]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout is not None
    began = time.monotonic()
    told = ""
    while time.monotonic() - began < PATIENCE and process.poll() is None:
        told += process.stdout.readline()
        if found := re.search(r"(http://localhost:\d+)/#token=(\S+)", told):
            return Served(folder, found[1], found[2], process)
    process.kill()
    raise AssertionError(f"the server did not start: {told}")


def stop(served: Served) -> None:
    """Ctrl-C."""
    if served.process.poll() is None:
        os.kill(served.process.pid, signal.SIGINT)
        served.process.wait(60)
    assert served.process.stdout is not None
    served.process.stdout.close()


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
