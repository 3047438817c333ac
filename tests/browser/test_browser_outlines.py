"""A project of outlines in a real browser: what is forgotten is asked for; what the map shows."""

import pytest
from hand import Hand
from serving import run_foveal, start, stop

from foveal.annotate.desk import open_desk
from foveal.core.region import decode_region
from foveal.store.project import ProjectStore

LEAST = 5  # cases, of which four teach
ASKED = "Nothing is outlined."
SETTINGS = (
    "task=segmentation",
    "data.image_size=32",
    "data.leaks=report",
    "data.test_fraction=0",
    "segment.widths=[4,8]",
    "train.epochs=2",
    "acquire.strategy=pixel_entropy",
)


@pytest.fixture(scope="module")
def served(phantom, tmp_path_factory):
    """Discs are outlined, and squares are nothing."""
    project = tmp_path_factory.mktemp("outlines") / "project"
    changes = [word for one in SETTINGS for word in ("--set", one)]
    live = ["--live", "train_every=4", "--live", "queue=4"]
    run_foveal(
        "init", project, "--images", phantom.folder, "--classes", "disc,square", *changes, *live
    )
    running = start(project)
    yield running
    stop(running)


class Desk:
    """The reading screen, and which case it shows."""

    def __init__(self, page, served, phantom):
        self.page, self.phantom, self.told = page, phantom, {}
        with ProjectStore.open(served.folder) as store:
            self.names = {s.id: s.uri for s in open_desk(store).images.samples().values()}
        page.on(
            "response", lambda r: self.told.update(r.json()) if r.url.endswith("/next") else None
        )
        page.reload()

    def ready(self):
        """The lesion of the next case, whose class is chosen."""
        self.page.locator("[data-testid=viewer][data-phase=reading]").wait_for()
        lesion = self.phantom.shows[self.names[self.told["sample"]]]
        self.page.keyboard.press("1" if lesion.label == "disc" else "2")
        return lesion

    def outline(self, lesion):
        self.page.keyboard.press("b")
        Hand(self.page).drag((lesion.x0, lesion.y0), (lesion.x1, lesion.y1))
        self.page.get_by_test_id("region-0").wait_for()

    def save(self):
        """Enter, and once more if the map is shown; what was said of the map."""
        before, said = self.told["case"], ""
        self.page.keyboard.press("Enter")
        for _ in range(600):
            if self.told["case"] != before:
                return said
            if self.page.get_by_test_id("save").inner_text().startswith("Next"):
                said = self.page.get_by_test_id("notice").inner_text()
                self.page.keyboard.press("Enter")
            self.page.wait_for_timeout(50)
        raise AssertionError("no other case came")


def test_a_forgotten_outline_is_asked_for_and_the_map_is_what_would_be_outlined(
    page, served, phantom
):
    desk, seen = Desk(page, served, phantom), []
    while len(seen) < LEAST or len(set(seen)) < 2 or seen.count("square") < 2:
        lesion = desk.ready()
        # Once for squares, of which the reader says that they have no outline; always for discs.
        if lesion.label == "disc" or "square" not in seen:
            page.keyboard.press("Enter")
            page.get_by_test_id("notice").filter(has_text=ASKED).wait_for()
            if lesion.label == "disc":
                desk.outline(lesion)
        desk.save()
        seen.append(lesion.label)
    with ProjectStore.open(served.folder) as store:
        for _ in range(1200):
            if store.live().trained and len(store.live().queries) > 1:
                break
            page.wait_for_timeout(50)
    for _ in range(2):  # the first was open before
        lesion = desk.ready()
        if lesion.label == "disc":
            desk.outline(lesion)
        said = desk.save()
    assert said == "The map shows what the model would outline."
    with ProjectStore.open(served.folder) as store:
        drawn = {
            desk.names[one.sample]: decode_region(store.blobs.get(one.region)).any()
            for one in store.live().history
        }
    assert drawn == {name: phantom.shows[name].label == "disc" for name in drawn}
