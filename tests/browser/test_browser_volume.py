"""Slices of volumes in a real browser: scrolling, the key slice, copying from the nearest slice."""

import numpy as np
import pytest
from hand import Hand
from serving import run_foveal, start, stop

from foveal.data.exchange.labels import from_csv
from nifti_files import write_nifti

WIDTH, HEIGHT, SLICES, VOLUMES = 80, 64, 5, 3
DRAWN = (20.0, 15.0, 50.0, 40.0)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A project of whole volumes, read slice by slice."""
    folder = tmp_path_factory.mktemp("volumes")
    rng = np.random.default_rng(0)
    for k in range(VOLUMES):
        values = rng.integers(-200, 300, (WIDTH, HEIGHT, SLICES)).astype(np.int16)
        write_nifti(folder / f"scan_{k}.nii.gz", values, np.diag([0.8, 0.8, 3.0, 1.0]))
    project = folder / "project"
    settings = ["--set", "data.test_fraction=0", "--set", "data.image_size=64"]
    settings += ["--set", "data.leaks=report", "--live", "train_every=1000"]
    run_foveal("init", project, "--images", folder, "--classes", "no,yes", *settings)
    running = start(project, "--no-worker")
    yield running
    stop(running)


def test_regions_are_copied_from_the_nearest_slice_of_the_same_volume(page, served, tmp_path):
    """Read to the end: the first slice of each volume is drawn on, all others are copied."""
    told, asked = {}, []
    page.on("response", lambda r: told.update(r.json()) if r.url.endswith("/next") else None)
    page.on("request", lambda r: asked.append(r.url))
    page.reload()
    copied, sent_ahead = 0, 0
    for _ in range(VOLUMES * SLICES):
        page.locator("[data-testid=viewer][data-phase=reading]").wait_for()
        case = dict(told)
        key, neighbor = case["key_slice"], case["neighbor"]
        assert page.get_by_test_id("slice-words").inner_text() == (
            f"Slice {key + 1} of {SLICES}, the key slice"
        )
        shown = f"cases/{case['case']}/pixels?slice={key}&"
        sent_ahead += not any(shown in url for url in asked)
        button = page.get_by_test_id("copy-previous")
        if neighbor is None:
            assert button.is_disabled()
            page.keyboard.press("b")
            Hand(page, WIDTH, HEIGHT).drag(DRAWN[:2], DRAWN[2:])
        else:
            assert neighbor["slice"] != key
            assert button.inner_text() == f"Copy slice {neighbor['slice'] + 1}"
            page.get_by_test_id("slice").fill(str(neighbor["slice"]))
            page.get_by_test_id("facts").filter(has_text="Your regions of this slice").wait_for()
            page.keyboard.press("k")
            page.get_by_test_id("slice-words").filter(has_text="the key slice").wait_for()
            page.keyboard.press("c")
            copied += 1
        page.get_by_test_id("region-0").wait_for()
        page.wait_for_function(
            "() => performance.getEntriesByType('resource').some("
            f"one => one.name.includes('{case['case']}/ahead'))"
        )
        page.keyboard.press("2")
        page.keyboard.press("Enter")
        while told.get("case") == case["case"] and not told.get("done"):
            page.wait_for_timeout(20)
    assert copied == (SLICES - 1) * VOLUMES
    assert sent_ahead == VOLUMES * SLICES - 1  # of all but the first
    run_foveal("export", served.folder, "--format", "csv", "--out", tmp_path / "labels.csv")
    found, problems = from_csv((tmp_path / "labels.csv").read_bytes())
    assert (len(found), problems) == (VOLUMES * SLICES, [])
    by_volume = {}
    for one in found:
        by_volume.setdefault(one.image.partition("#")[0], set()).add(one.shapes.to_bytes())
    assert [len(kept) for kept in by_volume.values()] == [1] * VOLUMES
