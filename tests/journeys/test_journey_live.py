"""A project from the first image to the model: reading, training, asking, killed at any step."""

import shutil

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from foveal.core.errors import DataError, PeekError, StoreError
from foveal.core.spec import parse_spec
from foveal.loop.live import Worker, init_project
from foveal.loop.live.init import collection_of
from foveal.loop.live.model_file import onnx_of
from foveal.loop.live.truth import known_bench
from foveal.loop.live.worker import BROKE
from foveal.models import build_backbone
from foveal.models.onnx import Whole
from foveal.store.live import restored
from foveal.store.project import ProjectStore
from live_discs import SETTINGS, ScriptedReader, blind, live_spec, make_project, until_waiting


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return blind(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def reader(images):
    return ScriptedReader(images)


@pytest.fixture(scope="module")
def begun(images, tmp_path_factory):
    """A project in which nobody has read yet."""
    folder = images / "begun"
    make_project(images, folder)
    return folder


@pytest.fixture
def project(begun):
    folder = begun.with_name("copy")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(begun, folder)
    return folder


def pool_of(store):
    return collection_of(parse_spec(store.live().created["spec"]), store.folder)


def test_reading_begins_before_the_model_and_never_waits(project, reader):
    with ProjectStore.open(project) as store:
        pool = pool_of(store)
        assert len(store.live().pending()) == 8
        read = reader.read(store, pool, 40)
        # All of them without a single training: 30 candidates and the 8 test cases.
        parts = store.live().parts
        assert {parts[i] for i in read} == {"unlabeled", "test"}
        assert len(set(read)) == len(read) == 38


def test_labels_train_a_model_that_asks_and_is_measured_on_the_test_part_alone(project, reader):
    with ProjectStore.open(project) as store:
        pool, worker = pool_of(store), Worker(store)
        assert until_waiting(worker) == ["cold"]
        live = store.live()
        assert (live.queries[-1].strategy, len(live.queries[-1].ids)) == ("typiclust", 8)
        asked = []
        for _ in range(3):
            reader.read(store, pool, 9)
            assert until_waiting(worker) == ["train", "ask"]
            asked.append(store.live().queries[-1])
        live = store.live()
        assert [query.strategy for query in asked] == ["margin"] * 3
        read = {one.sample for one in live.history}
        assert not set(asked[-1].ids) & read
        assert [r.details["lessons"] for r in live.trained] == [6, 12, 19]
        # Of the advice each training counts the lessons it had, whatever query they were read in.
        rounds = [a.round for a in live.as_state().annotations.values()]
        assert [sum(r <= k for r in rounds) for k in range(3)] == [6, 12, 19]
        assert live.details[-1]["advice"]
        assert [r.details["references"] for r in live.trained] == [3, 6, 8]
        low, high = live.trained[-1].details["interval"]["accuracy"]
        assert 0 <= low <= live.trained[-1].metrics["test"]["accuracy"] <= high <= 1
        # Whoever began to copy the model before last still finds it.
        kept = [store.blobs.path(record.checkpoint).exists() for record in live.trained]
        assert kept == [False, True, True]
        # What the page needs of each case, as blobs.
        cases = live.details[-1]["cases"]
        assert set(cases) == set(asked[-1].ids)
        assert all(store.blobs.get(case["cam"]) for case in cases.values())
        assert all(0.5 <= case["confidence"] <= 1 for case in cases.values())
        assert {case["predicted"] for case in cases.values()} <= {0, 1}
        card = store.blobs.get(live.trained[-1].details["exports"]["card"]).decode()
        assert "19 labeled images, 19 of them with a region" in card
        assert store.verify() == ()


def test_killed_between_any_two_steps_it_asks_the_same(project, reader):
    def played(folder, dies):
        with ProjectStore.open(folder) as store:
            pool, worker = pool_of(store), Worker(store)
            worker.step()
            reader.read(store, pool, 9)
            while (worker if not dies else Worker(store)).step() != "wait":
                pass
            live = store.live()
            return live.queries[-1].ids, live.trained[-1].fingerprint

    other = project.with_name("other")
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(project, other)
    assert played(project, dies=False) == played(other, dies=True)


def test_what_is_read_while_the_worker_ranks_coldly_makes_the_first_query_stay(project, reader):
    with ProjectStore.open(project) as store:
        pool, worker = pool_of(store), Worker(store)
        live = store.live()
        reader.read(store, pool, 1)
        worker._cold(live, known_bench(worker._loaded(), live, store.blobs))
        assert len(store.live().queries) == 1


def test_the_manifest_is_read_for_nothing_but_images(images, project, reader):
    with ProjectStore.open(project) as store:
        pool, worker = pool_of(store), Worker(store)
        reader.read(store, pool, 9)
        live = store.live()
        bench = known_bench(worker._loaded(), live, store.blobs)
        unread = next(i for i in bench.pool.ids("unlabeled") if not live.answers(i))
        with pytest.raises(PeekError):
            bench.references().label(unread)
        with pytest.raises(DataError):
            bench.collection.truth.label(unread)
        assert bench.collection.truth.region(unread) is None
        assert set(bench.pool.ids("test")) == {i for i, _ in live.references()}


def test_regions_of_several_readers_are_what_most_of_them_drew(images, reader):
    folder = images / "several"
    make_project(images, folder, overlap_readers=3, overlap_share=1.0)
    with ProjectStore.open(folder) as store:
        pool = pool_of(store)
        others = [ScriptedReader(images, name) for name in ("bob", "cat")]
        (first,) = reader.read(store, pool)
        assert store.live().resolution(first).status == "partial"
        assert [one.read(store, pool) for one in others] == [[first], [first]]
        live = store.live()
        assert live.resolution(first).status == "agreed"
        bench = known_bench(Worker(store)._loaded(), live, store.blobs)
        drawn = bench.collection.truth.region(first)
        assert drawn.any()
        assert np.array_equal(drawn, bench.collection.truth.region(first))


def test_labels_that_a_manifest_has_count_as_read(images):
    folder = images / "labeled"
    (images / "some.csv").write_bytes((images / "truth.csv").read_bytes())
    begun = init_project(folder, images / "some.csv", live_spec(), SETTINGS)
    assert begun.imported == 38
    with ProjectStore.open(folder) as store:
        live = store.live()
        assert {one.purpose for one in live.history} == {"imported"}
        assert len(live.lessons()) == 30
        assert until_waiting(Worker(store)) == ["train", "ask"]
        assert store.live().queries[-1].ids == ()
        assert store.live().trained[0].metrics["test"]["accuracy"] is not None


@pytest.mark.parametrize(
    ("error", "told"),
    [(DataError("no"), "no"), (RuntimeError("of Mrs Smith"), f"RuntimeError: {BROKE}")],
)
def test_what_goes_wrong_is_told_and_not_tried_for_ever(project, reader, monkeypatch, error, told):
    with ProjectStore.open(project) as store:
        pool, worker = pool_of(store), Worker(store)
        reader.read(store, pool, 9)
        monkeypatch.setattr(worker, "_train", lambda *_: (_ for _ in ()).throw(error))
        assert [worker.step() for _ in range(6)] == ["wait"] * 6
        (job,) = store.jobs.present()
        assert (job.status, job.tries, job.error) == ("failed", 3, told)
        monkeypatch.undo()
        reader.read(store, pool, 1)
        assert until_waiting(worker) == ["train", "ask"]


def test_a_project_needs_an_empty_folder_and_classes_that_cover_the_labels(images, begun):
    with pytest.raises(StoreError, match="empty folder"):
        make_project(images, begun)
    (images / "some.csv").write_bytes((images / "truth.csv").read_bytes())
    with pytest.raises(DataError, match="'square' is none"):
        init_project(
            images / "wrong", images / "some.csv", live_spec(classes=("disc", "ring")), SETTINGS
        )
    assert not (images / "wrong").exists()  # so that the next try finds nothing in its way


def test_an_image_that_is_lost_is_left_out_and_the_rest_goes_on(tmp_path):
    images = blind(tmp_path / "images")
    reader, folder = ScriptedReader(images), tmp_path / "project"
    make_project(images, folder)
    with ProjectStore.open(folder) as store:
        pool, worker = pool_of(store), Worker(store)
        read = [i for i in reader.read(store, pool, 9) if store.live().parts[i] == "unlabeled"]
        gone = images / pool.pool[read[0]].uri
        kept = gone.read_bytes()
        gone.write_bytes(b"no image")
        assert until_waiting(worker) == []  # 5 lessons are left, and 6 are waited for
        assert list(store.live().quarantined) == [read[0]]
        reader.read(store, pool, 1)
        assert until_waiting(worker) == ["train", "ask"]
        assert read[0] not in {i for i, _ in store.live().lessons()}
        parts = store.live().parts
        for sample in worker._present()[1].pool.samples:
            assert worker._present()[1].pool.part(sample.id) in {parts[sample.id], "excluded"}
        # It is there again, and a lead takes it in.
        gone.write_bytes(kept)
        store.append([restored(read[0], "lead")])
        reader.read(store, pool, 9)
        assert until_waiting(worker) == ["train", "ask"]
        assert store.live().trained[-1].details["lessons"] == len(store.live().lessons())
        assert read[0] in {i for i, _ in store.live().lessons()}
        assert not store.live().quarantined


def test_a_disk_that_is_away_leaves_no_image_out(tmp_path):
    images = blind(tmp_path / "images")
    reader, folder = ScriptedReader(images), tmp_path / "project"
    make_project(images, folder)
    with ProjectStore.open(folder) as store:
        reader.read(store, pool_of(store), 9)
        for path in sorted(images.glob("*.png"))[:30]:
            path.unlink()
        worker = Worker(store)
        assert worker.step() == "wait"
        assert "bring the disk" in store.jobs.present()[0].error
        assert not store.live().quarantined


def test_the_model_as_onnx_answers_as_the_network_does(project, reader):
    with ProjectStore.open(project) as store:
        pool, worker = pool_of(store), Worker(store)
        spec = parse_spec(store.live().created["spec"])
        with pytest.raises(DataError, match="no model yet"):
            onnx_of(store.live(), spec, store.blobs, project)
        reader.read(store, pool, 9)
        assert until_waiting(worker) == ["train", "ask"]
        other = ReferenceEvaluator(
            onnx.load_from_string(onnx_of(store.live(), spec, store.blobs, project))
        )
        bench = worker._loaded()
        images = bench.pixels.read(np.arange(6))
        network = Whole(worker._model[1], build_backbone(spec.model)).eval()
        with torch.inference_mode():
            expected = network(torch.from_numpy(images)).numpy()
        (probs,) = other.run(None, {"images": images})
    assert probs == pytest.approx(expected, abs=1e-5)
    assert probs.sum(1) == pytest.approx(np.ones(6), abs=1e-5)
    assert np.ptp(probs[:, 0]) > 1e-3  # it does look at the images
