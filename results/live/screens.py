"""Pictures of every screen for the guide, of made-up images.

python results/live/screens.py docs/live
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "browser"))
import shutil

from hand import Hand, Phantom, write_phantom
from serving import ARGUMENTS, BROWSERS, Served, run_foveal, start, stop

from foveal.annotate.desk import open_desk
from foveal.store.live import quarantined
from foveal.store.project import ProjectStore

READING = "[data-testid=viewer][data-phase=reading]"
CASES = 34
MOST_TRIES = 8
WIDE, TABLET = {"width": 1280, "height": 800}, {"width": 1024, "height": 768}


class Team:
    """Two readers who mostly agree, and the lead who looks on."""

    def __init__(self, browser: Browser, served: Served, phantom: Phantom, out: Path) -> None:
        self.browser, self.served, self.phantom, self.out = browser, served, phantom, out
        with ProjectStore.open(served.folder) as store:
            self.names = {s.id: s.uri for s in open_desk(store).images.samples().values()}

    def enter(self, name: str, size: dict[str, int] = WIDE, **more: Any) -> Page:
        """A page in which someone is logged in."""
        page = self.browser.new_context(viewport=size, **more).new_page()  # type: ignore[arg-type]
        word = run_foveal("accounts", self.served.folder, "invite", name).strip()
        page.goto(f"{self.served.address}{word}")
        page.get_by_test_id("screen-read").wait_for(timeout=60_000)
        return page

    def read(self, page: Page, cases: int, wrong: int = 0) -> None:
        """Answer some cases by box, every `wrong`-th of them falsely."""
        told: dict[str, Any] = {}
        page.on("response", lambda r: told.update(r.json()) if r.url.endswith("/next") else None)
        page.reload()
        for number in range(cases):
            self.until_reading(page, told)
            before = told["case"]
            self.draw(page, told, falsely=bool(wrong) and number % wrong == wrong - 1)
            page.keyboard.press("Enter")
            while told["case"] == before and not told.get("done"):
                if page.get_by_test_id("save").inner_text().startswith("Next"):
                    page.keyboard.press("Enter")
                page.wait_for_timeout(50)

    def until_reading(self, page: Page, told: dict[str, Any]) -> None:
        """Wait until a case can be read, and is known here."""
        page.locator(READING).wait_for()
        while "sample" not in told:
            page.wait_for_timeout(50)
        page.wait_for_timeout(100)

    def draw(self, page: Page, case: dict[str, Any], falsely: bool = False) -> None:
        """A class and a box on the case that is open."""
        lesion = self.phantom.shows[self.names[case["sample"]]]
        page.keyboard.press("1" if (lesion.label == "disc") != falsely else "2")
        page.keyboard.press("b")
        Hand(page).drag((lesion.x0, lesion.y0), (lesion.x1, lesion.y1))

    def shoot(self, page: Page, name: str) -> None:
        """A picture of the page."""
        page.bring_to_front()  # pages behind others draw nothing
        page.wait_for_timeout(900)
        page.screenshot(path=self.out / f"{name}.png")


def main(out: Path) -> None:
    """Serve, read, and take pictures."""
    out.mkdir(parents=True, exist_ok=True)
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with tempfile.TemporaryDirectory() as made, sync_playwright() as driver:
        (images := Path(made) / "images").mkdir()
        phantom, folder = write_phantom(images, 60), Path(made) / "phantom"
        live = (
            "train_every=8",
            "queue=12",
            "test_every=4",
            "overlap_readers=2",
            "overlap_share=0.4",
        )
        told = [part for one in live for part in ("--live", one)]
        told += ["--set", "data.image_size=64", "--set", "data.intensity=percentile"]
        classes = ("--classes", "disc,square")
        run_foveal("init", folder, "--images", images, *classes, *told)
        run_foveal("accounts", folder, "add", "ann", "--role", "reader")
        run_foveal("accounts", folder, "add", "bob", "--role", "reader")
        run_foveal("accounts", folder, "add", "admin", "--role", "admin")
        served = start(folder)
        try:
            with driver.chromium.launch(executable_path=path, args=ARGUMENTS) as browser:
                _pictures(Team(browser, served, phantom, out))
        finally:
            stop(served)


def _pictures(team: Team) -> None:
    ann, bob = team.enter("ann"), team.enter("bob")
    team.read(ann, CASES // 2)
    team.read(bob, CASES // 2, wrong=4)
    ann.wait_for_timeout(6000)
    team.read(ann, 6)
    told: dict[str, Any] = {}
    ann.on("response", lambda r: told.update(r.json()) if r.url.endswith("/next") else None)
    ann.reload()
    for _ in range(MOST_TRIES):  # until one that the model has looked at
        team.until_reading(ann, told)
        team.draw(ann, told)
        team.shoot(ann, "reading")
        ann.keyboard.press("Enter")
        ann.wait_for_timeout(1500)
        if ann.locator("[data-testid=viewer][data-phase=answered]").count():
            break
    team.shoot(ann, "answered")
    with ProjectStore.open(team.served.folder) as store:
        left = next(i for i, part in store.live().parts.items() if part == "unlabeled")
        store.append([quarantined(left, "the image could not be read")])
    lead = team.enter("admin")
    for name in ("dashboard", "disputes", "quarantine", "accounts"):
        lead.get_by_test_id(f"nav-{name}").click()
        team.shoot(lead, name)
    lead.get_by_test_id("nav-read").click()
    lead.get_by_test_id("help-button").click()
    team.shoot(lead, "keys")
    tablet = team.enter("bob", TABLET, has_touch=True, color_scheme="dark")
    team.shoot(tablet, "tablet-dark")
    stranger = team.browser.new_page(viewport=WIDE)  # type: ignore[arg-type]
    stranger.goto(team.served.address)
    team.shoot(stranger, "login")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
