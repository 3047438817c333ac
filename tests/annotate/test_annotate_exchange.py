"""Exchange: what a lead takes out of a project and into one, whatever became of its images."""

import csv
import io
import zipfile

import pytest
from annotate_toys import HEIGHT, WIDTH, Clock, Served, box, served, shapes, told

from foveal.annotate.desk import open_desk
from foveal.store.project import ProjectStore

API = "/api/v1"


@pytest.fixture
def site(tmp_path):
    site = served(tmp_path)
    yield site
    site.store.close()


def table(data):
    return list(csv.DictReader(io.StringIO(data.decode())))


def taken_in(site, rows, header="image,width,height,class"):
    """What the import of a CSV table says."""
    data = "".join(f"{row}\n" for row in (header, *rows)).encode()
    return told(site.browser("lea").post(f"{API}/import/csv", content=data))


def exported(site, name):
    answer = site.browser("lea").get(f"{API}/export/{name}")
    assert answer.status_code == 200, answer.text
    return answer.content


def manifest(data):
    """The table of a `masks` export, by image, and the names of its masks."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        rows = table(archive.read("labels.csv"))
        return {row["image"]: row for row in rows}, set(archive.namelist()) - {"labels.csv"}


def path_of(site, sample):
    return site.store.folder / site.desk.images.sample(sample).uri


def opened_anew(site):
    """The same project after its server was started again."""
    site.store.close()
    store = ProjectStore.open(site.store.folder, clock=Clock())
    return Served(open_desk(store, cache=store.folder / "cache"), site.static)


@pytest.fixture
def lacking(site):
    """A project with two answers, the image of the first of which is gone, and its sample."""
    first = site.next()
    site.answer("ann", first["case"], shapes=shapes(box()))
    site.answer("ann", site.next()["case"], shapes=shapes(box()))
    path_of(site, first["sample"]).unlink()
    again = opened_anew(site)
    yield again, first["sample"]
    again.store.close()


def test_a_lost_image_stops_no_export(lacking):
    site, sample = lacking
    for name in ("coco", "label-studio", "cvat", "masks"):
        assert exported(site, name)
    rows = table(exported(site, "csv"))
    assert [row["class"] for row in rows] == ["disc", "disc"]
    assert (rows[0]["image"], rows[0]["width"], rows[0]["height"]) == (sample, "40", "32")
    assert '"x0":2' in rows[0]["shapes"].replace(".0", "")


def test_a_lost_image_stops_no_import(lacking):
    site, sample = lacking
    there, *_ = [i for i in site.live().parts if i != sample and i not in site.live().resolutions]
    name = site.desk.images.sample(there).uri
    said = taken_in(site, [f"{sample},{WIDTH},{HEIGHT},disc", f"{name},{WIDTH},{HEIGHT},square"])
    assert said["kept"] == 1
    assert len(said["problems"]) == 1
    assert site.live().resolution(there).label == 1


def test_a_torn_image_stops_no_import_halfway(site):
    names = [sample.uri for sample in site.desk.images.collection.pool.samples[:3]]
    (site.store.folder / names[1]).write_bytes(b"torn")
    said = taken_in(site, [f"{name},{WIDTH},{HEIGHT},disc" for name in names])
    assert (said["kept"], said["problems"]) == (3, [])


def test_a_mistake_that_was_corrected_stays_so_over_a_table(site, tmp_path):
    case = site.next()
    site.answer("ann", case["case"], "disc")
    site.answer("ann", case["case"], "square")
    passed = site.next()
    site.answer("ann", passed["case"], None, verdict="skipped")
    data = exported(site, "csv")
    assert [row["purpose"] for row in table(data)] == ["first"] * 3
    (tmp_path / "other").mkdir()
    other = served(tmp_path / "other")
    said = told(other.browser("lea").post(f"{API}/import/csv", content=data))
    assert (said["kept"], said["problems"]) == (1, [])
    assert other.live().resolution(case["sample"]).label == 1
    other.store.close()


@pytest.fixture
def other(tmp_path):
    """A second project of the same images."""
    (tmp_path / "other").mkdir()
    other = served(tmp_path / "other")
    yield other
    other.store.close()


def test_a_case_that_was_ruled_bad_stays_so_over_a_table(site, other):
    case = site.next()
    site.answer("ann", case["case"], "disc")
    ruling = {"bad": True, "class": None, "key": "k" * 10, "shapes": None}
    told(site.browser("lea").post(f"{API}/disputes/{case['sample']}/settle", json=ruling))
    assert site.live().resolution(case["sample"]).status == "excluded"
    data = exported(site, "csv")
    kept = []
    for _ in range(2):
        said = told(other.browser("lea").post(f"{API}/import/csv", content=data))
        kept.append(said["kept"])
        assert said["problems"] == []
    assert kept == [1, 0]
    assert other.live().resolution(case["sample"]).status == "excluded"
    assert exported(other, "csv")
    assert other.live().lessons() == ()


def test_a_class_that_its_reader_took_back_does_not_come_back_over_a_table(site, other):
    case = site.next()
    site.answer("ann", case["case"], "disc")
    site.answer("ann", case["case"], None, verdict="bad")
    said = told(other.browser("lea").post(f"{API}/import/csv", content=exported(site, "csv")))
    assert (said["kept"], said["problems"]) == (0, [])
    assert other.live().resolutions == {}


def test_a_class_alone_says_nothing_of_a_region(site):
    empty = site.next()
    site.answer("ann", empty["case"])
    drawn = site.next()
    site.answer("ann", drawn["case"], shapes=shapes(box()))
    uris = {i: one.uri for i, one in site.desk.images.samples().items()}
    other = next(i for i in uris if i not in site.live().resolutions)
    assert taken_in(site, [f"{uris[other]},{WIDTH},{HEIGHT},disc"])["kept"] == 1
    (kept,) = site.live().resolution(other).told
    assert (kept.region, kept.shapes, kept.region_kind) == ("", "", "none")
    rows, masks = manifest(exported(site, "masks"))
    assert rows[uris[empty["sample"]]]["mask"] == "empty"
    assert rows[uris[other]]["mask"] == ""
    assert rows[uris[drawn["sample"]]]["mask"] in masks
    assert len(masks) == 2
    cells = {row["image"]: row["shapes"] for row in table(exported(site, "csv"))}
    assert (cells[uris[empty["sample"]]], cells[uris[other]]) == ("[]", "")


def test_masks_tell_patients_and_the_frozen_test_part(site):
    live, samples = site.live(), site.desk.images.samples()
    candidate = next(i for i, part in live.parts.items() if part == "unlabeled")
    test = next(i for i, part in live.parts.items() if part == "test")
    rows = {i: f"{samples[i].uri},{WIDTH},{HEIGHT},disc" for i in (candidate, test)}
    taken_in(site, [rows[candidate]])
    alone, _ = manifest(exported(site, "masks"))
    assert [row["split"] for row in alone.values()] == [""]
    taken_in(site, [rows[test]])
    both, _ = manifest(exported(site, "masks"))
    for i, side in ((candidate, "train"), (test, "test")):
        row = both[samples[i].uri]
        assert (row["split"], row["patient"]) == (side, samples[i].group)
        assert samples[i].group != i


def test_a_wrong_import_is_put_right_by_another_or_by_a_lead(site):
    sample, uri = next((i, one.uri) for i, one in site.desk.images.samples().items())

    def kept(label):
        return taken_in(site, [f"{uri},{WIDTH},{HEIGHT},{label}"])["kept"]

    said = [kept(label) for label in ("disc", "disc", "square", "disc")]
    assert said == [1, 0, 1, 1]
    assert site.live().resolution(sample).label == 0
    lead, body = site.browser("lea"), {"class": "square", "key": "k" * 10, "shapes": None}
    assert told(lead.post(f"{API}/disputes/{sample}/settle", json=body))["saved"]
    assert site.live().resolution(sample).label == 1
    unread = next(i for i in site.live().parts if i not in site.live().resolutions)
    assert lead.post(f"{API}/disputes/{unread}/settle", json=body).status_code == 404
