"""A project that images come into: the test part stays, nothing leaks into the candidates."""

import csv

import numpy as np
import pytest
from PIL import Image

from dicom_files import write_series
from discs import foveal
from foveal.annotate.desk import open_desk
from foveal.core.annotation import Annotation
from foveal.core.errors import DataError, SpecError
from foveal.core.live_spec import parse_live
from foveal.data import load_pool
from foveal.loop.live import Worker, grow_project, init_project
from foveal.loop.live.init import collection_of, project_spec
from foveal.store.project import ProjectStore

SETTINGS = {"data": {"image_size": 32}}
LIVE = parse_live({"classes": ["disc", "square"], "queue": 8, "test_every": 3})
COLUMNS = ("image", "label", "patient", "split")


def picture(folder, name, seed):
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 6), np.uint8))
    coarse.resize((40, 32), Image.Resampling.BICUBIC).save(folder / name)


def table(folder, rows, mode="w"):
    with (folder / "pool.csv").open(mode, newline="") as file:
        lines = csv.writer(file)
        if mode == "w":
            lines.writerow(COLUMNS)
        lines.writerows(rows)


@pytest.fixture
def folder(tmp_path):
    """Twelve patients, the last three of the test part."""
    for i in range(12):
        picture(tmp_path, f"{i:02}.png", i)
    table(tmp_path, [(f"{i:02}.png", "", f"p{i}", "test" * (i > 8)) for i in range(12)])
    return tmp_path


@pytest.fixture
def store(folder):
    init_project(folder / "project", folder / "pool.csv", LIVE, SETTINGS)
    with ProjectStore.open(folder / "project") as opened:
        yield opened


def names(store, part):
    live = store.live()
    pool = collection_of(project_spec(store), store.folder, parts=live.parts).pool
    return sorted(pool[i].uri for i, p in live.parts.items() if p == part)


def candidates_of(store):
    return [i for i, part in store.live().parts.items() if part == "unlabeled"]


def test_images_of_new_and_known_patients_come_in_and_the_test_part_stays(folder, store):
    before = dict(store.live().parts)
    for name, seed in (("new", 20), ("again", 21), ("tested", 22), ("copy", 11), ("read", 23)):
        picture(folder, f"{name}.png", seed)
    more = [("new.png", "", "q", ""), ("again.png", "", "p0", ""), ("tested.png", "", "p9", "")]
    more += [("copy.png", "", "r", ""), ("read.png", "square", "s", "")]
    table(folder, more, "a")
    grown = grow_project(store)
    assert (grown.candidates, grown.imported, grown.left_out) == (3, 1, 2)
    live = store.live()
    assert {i: live.parts[i] for i in before} == before
    assert names(store, "excluded") == ["copy.png", "tested.png"]
    assert {"new.png", "again.png", "read.png"} < set(names(store, "unlabeled"))
    assert [r.label for _, r in live.lessons()] == [1]
    assert store.verify() == ()
    # Once more there is nothing new, and nothing is written.
    assert grow_project(store).candidates == 0
    assert store.live().length == live.length


def test_a_worker_goes_on_with_more_images_than_there_were(folder, store):
    worker = Worker(store)
    worker._present()
    for i in range(40):
        picture(folder, f"more{i}.png", 100 + i)
    table(folder, [(f"more{i}.png", "", f"m{i}", "") for i in range(40)], "a")
    assert grow_project(store).candidates == 40
    live, bench = worker._present()
    assert len(bench.pool.ids("unlabeled")) == 49
    assert live.quarantined == {}


def test_a_card_counts_images_without_a_patient_that_came_later_too(folder, store):
    for i, sample in enumerate(candidates_of(store)):
        store.save(Annotation(sample, "ann", "labeled", i % 2, key=f"key-{sample}"), None, None)
    worker = Worker(store)

    def card():
        store.jobs.put("train")
        assert worker.step() == "train"
        return store.blobs.get(store.live().trained[-1].details["exports"]["card"]).decode()

    assert "of other patients" in card()
    assert worker.step() == "ask"
    for i in range(2):
        picture(folder, f"more{i}.png", 100 + i)
    table(folder, [(f"more{i}.png", "disc", "", "") for i in range(2)], "a")
    assert grow_project(store).imported == 2
    told = card()
    assert "the patients of 2 images are not known" in told
    assert "of other patients" not in told


def test_candidates_are_cases_that_somebody_will_be_given(store):
    candidates = candidates_of(store)
    for sample, reader, verdict, label in (
        (candidates[0], "ann", "unsure", None),
        (candidates[1], "ann", "labeled", 0),
    ):
        told = Annotation(sample, reader, verdict, label, key=f"key-{sample}")
        store.save(told, None, None)
    _, bench = Worker(store)._present()
    left = set(bench.pool.ids("unlabeled"))
    assert left == set(candidates) - {candidates[0]}  # the second one is a lesson


def test_a_split_drawn_by_chance_is_not_drawn_again(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for i in range(15):
        picture(images, f"{i:02}.png", i)
    init_project(tmp_path / "project", images, LIVE, SETTINGS)
    with ProjectStore.open(tmp_path / "project") as store:
        before = dict(store.live().parts)
        assert set(before.values()) == {"unlabeled", "test"}
        for i in range(15, 60):
            picture(images, f"{i:02}.png", i)
        assert grow_project(store).candidates == 45
        parts = store.live().parts
        assert {i: parts[i] for i in before} == before
        pool = collection_of(project_spec(store), store.folder, parts=parts).pool
        assert {s.id: p for s, p in zip(pool.samples, pool.parts, strict=True)} == parts
        assert open_desk(store).images.collection.pool.digest() == pool.digest()


def test_what_a_table_holds_for_validation_is_to_be_read(tmp_path):
    for i in range(12):
        picture(tmp_path, f"{i:02}.png", i)
    sides = ["train"] * 4 + ["val"] * 5 + ["test"] * 3
    # The first patient of `val` is one of `train` too.
    patients = [0, 1, 2, 3, 3, 5, 6, 7, 8, 9, 10, 11]
    table(tmp_path, [(f"{i:02}.png", "", f"p{p}", sides[i]) for i, p in enumerate(patients)])
    init_project(tmp_path / "project", tmp_path / "pool.csv", LIVE, SETTINGS)
    with ProjectStore.open(tmp_path / "project") as store:
        assert len(names(store, "unlabeled")) == 9
        assert names(store, "test") == ["09.png", "10.png", "11.png"]
        assert len(open_desk(store).images.collection.pool.ids("unlabeled")) == 9
        for name, seed in (("new", 20), ("tested", 21)):
            picture(tmp_path, f"{name}.png", seed)
        table(tmp_path, [("new.png", "", "q", "val"), ("tested.png", "", "p9", "val")], "a")
        grown = grow_project(store)
        assert (grown.candidates, grown.left_out) == (1, 1)
        assert "new.png" in names(store, "unlabeled")


def test_a_validation_part_that_is_asked_for_is_refused(folder):
    with pytest.raises(SpecError, match="val_fraction"):
        init_project(folder / "project", folder / "pool.csv", LIVE, {"data": {"val_fraction": 0.2}})


def test_labels_of_other_classes_stop_it(folder, store):
    picture(folder, "new.png", 30)
    table(folder, [("new.png", "ring", "q", "")], "a")
    length = store.live().length
    with pytest.raises(DataError, match="'ring' is none"):
        grow_project(store)
    assert store.live().length == length


def test_settled_sides_hold_and_others_follow_their_patient(folder):
    pool = load_pool(folder / "pool.csv", blank_labels="keep_all").pool
    first, last = pool.samples[0].id, pool.samples[-1].id
    moved = load_pool(
        folder / "pool.csv", blank_labels="keep_all", settled={first: "test", last: "train"}
    ).pool
    assert (moved.part(first), moved.part(last)) == ("test", "unlabeled")
    others = [s.id for s in pool.samples[1:-1]]
    assert {moved.part(i) for i in others if pool.part(i) != "test"} == {"unlabeled"}
    assert all(moved.part(i) == "test" for i in others if pool.part(i) == "test")


def test_the_command_tells_what_came_in(folder, store):
    assert foveal("add", store.folder).out == "0 images came in, 0 of them read already.\n"
    picture(folder, "new.png", 30)
    picture(folder, "tested.png", 31)
    (folder / "torn.png").write_bytes(b"no image")
    table(folder, [("new.png", "", "q", ""), ("tested.png", "", "p10", "")], "a")
    table(folder, [("torn.png", "", "t", "")], "a")
    said = foveal("add", store.folder)
    assert said.status == 0
    assert "torn.png" in said.out
    assert "1 images came in, 0 of them read already; 1 left out, of patients or" in (said.out)
    refused = foveal("add", store.folder, "--images", folder)
    assert refused.status == 2
    assert "'../pool.csv': put new images there" in refused.err


def test_more_dicom_is_deidentified_and_known_patients_are_known(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEAL_HOME", str(tmp_path / "home"))
    affine = np.diag([1.0, 1.0, 3.0, 1.0])

    def scan(folder, patient, study):
        rng = np.random.default_rng(abs(hash((patient, study))) % 2**32)
        voxels = rng.integers(0, 900, (32, 32, 2))
        write_series(
            tmp_path / folder / f"{patient}_{study}", voxels, affine, series=f"{patient}.{study}",
            study=f"{patient}.{study}", PatientID=f"smith-{patient}", PatientName="Smith",
        )  # fmt: skip

    for patient in range(10):
        scan("first", patient, 0)
    project = tmp_path / "project"
    made = foveal(
        "init", project, "--images", tmp_path / "first", "--classes", "disc,square",
        "--set", "data.image_size=32", "--set", "data.leaks=report",
    )  # fmt: skip
    assert made.status == 0, made
    with ProjectStore.open(project) as store:
        before = dict(store.live().parts)
        pool = collection_of(project_spec(store), store.folder, parts=before).pool
        side = {s.group: p for s, p in zip(pool.samples, pool.parts, strict=True)}
    for patient in range(12):
        scan("second", patient, 1)
    said = foveal("add", project, "--images", tmp_path / "second")
    assert said.status == 0, said
    of_test = 2 * sum(part == "test" for part in side.values())
    assert of_test > 0
    assert f"{24 - of_test} images came in" in said.out
    assert f"{of_test} left out, of patients or with pictures of the test part" in said.out
    assert "smith" not in (project / "pool.csv").read_text().lower()
    with ProjectStore.open(project) as store:
        parts = store.live().parts
        assert {i: parts[i] for i in before} == before
        assert len(parts) == len(before) + 24
