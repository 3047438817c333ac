"""A scripted reader in a real browser draws the true regions of BUSI; the model learns beside.

The test part is labeled beforehand, as where a reference exists; of all other images the project
knows nothing but the pixels.

python results/live/through_the_browser.py ../shared/data/busi --out results/live/busi.json
"""

import argparse
import csv
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "browser"))
from hand import Hand
from serving import ARGUMENTS, BROWSERS, run_foveal, start, stop

from foveal.core.spec import DataSpec
from foveal.data import load_pool
from foveal.store.project import ProjectStore

CORNERS = 32  # of the polygon that is drawn around a region
READY = "() => { const s = document.querySelector('[data-testid=save]'); return s && !s.disabled }"


def prepare(data: Path, folder: Path) -> dict[str, dict[str, str]]:
    """Images and a manifest that tells of the test part alone; the truth by name of the image."""
    rows = list(csv.DictReader((data / "labels.csv").open()))
    for name in {Path(row[k]).parts[0] for row in rows for k in ("image", "mask") if row[k]}:
        if (data / name).is_dir():
            shutil.copytree(data / name, folder / name)
    loaded = load_pool(data / "labels.csv", DataSpec(source="", val_fraction=0.0))
    part = {s.uri: p for s, p in zip(loaded.pool.samples, loaded.pool.parts, strict=True)}
    with (folder / "pool.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("image", "label", "mask", "patient", "split"))
        for row in rows:
            kept = part.get(row["image"], "excluded")
            if kept == "excluded":
                continue
            told = (row["label"], row["mask"]) if kept == "test" else ("", "")
            group = row.get("group") or row.get("patient") or ""
            table.writerow((row["image"], *told, group, "test" if kept == "test" else "train"))
    return {row["image"]: row for row in rows}


def around(mask: np.ndarray) -> list[tuple[float, float]]:
    """A polygon around the largest part of a mask: the farthest pixel in each direction."""
    y, x = np.nonzero(mask)
    cy, cx = y.mean(), x.mean()
    angle = np.arctan2(y - cy, x - cx)
    away = np.hypot(y - cy, x - cx)
    corners = []
    for low in np.linspace(-np.pi, np.pi, CORNERS, endpoint=False):
        near = (angle >= low) & (angle < low + 2 * np.pi / CORNERS)
        if near.any():
            far = np.flatnonzero(near)[away[near].argmax()]
            corners.append((float(x[far]) + 0.5, float(y[far]) + 0.5))
    return corners


class Reader:
    """Reads the case that is on the screen, as the truth says."""

    def __init__(
        self, page: Page, data: Path, truth: dict[str, dict[str, str]], names: dict[str, str]
    ):
        self.page, self.data, self.truth, self.names = page, data, truth, names
        self.case: dict[str, Any] = {}
        self.overlaps: list[float] = []
        page.on("response", self._heard)

    def _heard(self, response: Any) -> None:
        if response.url.endswith("/next") and response.status == 200:
            self.case = response.json()

    def read(self) -> None:
        """One case: a class by its key, a polygon by the mouse, Enter."""
        page = self.page
        page.wait_for_function(READY)
        page.get_by_test_id("cover").wait_for(state="hidden")
        row = self.truth[self.names[self.case["sample"]]]
        before = self.case["case"]
        page.keyboard.press(str(self.classes.index(row["label"]) + 1))
        if row["mask"]:
            mask = np.asarray(Image.open(self.data / row["mask"]).convert("L")) > 127
            if mask.any():
                page.keyboard.press("p")
                hand = Hand(page, self.case["width"], self.case["height"])
                hand.click(*around(mask))
                page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        while self.case.get("case") == before:
            if page.get_by_test_id("save").inner_text().startswith("Next"):
                page.keyboard.press("Enter")
            page.wait_for_timeout(50)

    classes = ("benign", "malignant", "normal")


def main() -> None:
    """Prepare, read, and tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder, project = Path(made), Path(made) / "busi"
        truth = prepare(asked.data, folder)
        told = ["--classes", ",".join(Reader.classes), "--live", "train_every=10"]
        told += ["--live", "queue=20", "--live", "test_target=0"]
        run_foveal("init", project, "--pool", folder / "pool.csv", *told)
        served = start(project)
        try:
            result = _read(served, asked, truth)
        finally:
            stop(served)
    asked.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def _read(served: Any, asked: Any, truth: dict[str, dict[str, str]]) -> dict[str, Any]:
    from foveal.annotate.dashboard import dashboard_of
    from foveal.annotate.desk import open_desk

    with ProjectStore.open(served.folder) as store:
        names = {s.id: s.uri for s in open_desk(store).images.samples().values()}
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=path, args=ARGUMENTS) as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        reader = Reader(page, asked.data, truth, names)
        page.goto(f"{served.address}/#token={served.token}")
        page.get_by_test_id("screen-read").wait_for(timeout=60_000)
        began = time.monotonic()
        for _ in range(asked.cases):
            reader.read()
        page.get_by_test_id("save-state").filter(has_text="Saved").wait_for()
        wall = time.monotonic() - began
        page.wait_for_timeout(8000)
    with ProjectStore.open(served.folder) as store:
        live = store.live()
        findings = store.verify()
    told = dashboard_of(live)
    mine = [one for one in live.history if one.purpose != "imported"]
    return {
        "command": " ".join(["python", *sys.argv]),
        "cases": len(mine),
        "seconds_per_case": round(sum(one.seconds for one in mine) / len(mine), 2),
        "minutes_in_all": round(wall / 60, 2),
        "curve": told["curve"],
        "train_seconds": [round(r.durations["train"], 2) for r in live.trained],
        "findings": list(findings),
    }


if __name__ == "__main__":
    main()
