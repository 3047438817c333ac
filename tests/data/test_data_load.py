import json

import numpy as np
import pytest

from foveal.core.errors import DataError, LeakError
from foveal.core.spec import DataSpec
from foveal.core.truth import Guard
from foveal.data import load_pool

SPEC = DataSpec(source="", image_size=16)
HEADER = "image,label,mask,patient,split"


def load(path, cache, **settings):
    own = {k: settings.pop(k) for k in ("blank_labels", "empty_region_classes") if k in settings}
    return load_pool(path, SPEC.model_copy(update=settings), cache=cache, **own)


@pytest.fixture
def images(make):
    return lambda *names: [make(name, seed=i) for i, name in enumerate(names)]


def parts(loaded):
    return {s.uri: p for s, p in zip(loaded.pool.samples, loaded.pool.parts, strict=True)}


def test_splits_labels_and_groups_come_from_the_manifest(images, table, cache):
    images("a.png", "b.png", "c.png", "d.png")
    lines = ("a.png,10,,p1,train", "b.png,9,,p1,train", "c.png,9,,p2,val", "d.png,10,,,test")
    loaded = load(table(HEADER, *lines), cache)
    assert parts(loaded) == {
        "a.png": "unlabeled", "b.png": "unlabeled", "c.png": "val", "d.png": "test"
    }  # fmt: skip
    assert loaded.pool.classes == ("9", "10")
    a, b, c, d = loaded.pool.samples
    assert [loaded.truth.label(s.id) for s in (a, b, c, d)] == [1, 0, 0, 1]
    assert a.group == b.group != c.group
    assert "p1" not in a.group
    assert d.group == d.id
    assert (a.shape, loaded.receipt.groups_known, loaded.receipt.samples_without_group) == (
        (20, 24), 2, 1
    )  # fmt: skip


def test_a_patient_on_two_sides_is_refused(images, table, cache):
    images("a.png", "b.png")
    path = table(HEADER, "a.png,x,,Jane Doe,train", "b.png,x,,Jane Doe,test")
    with pytest.raises(LeakError) as error:
        load(path, cache)
    assert "Jane" not in str(error.value)


def test_repeats_of_held_out_images_are_excluded_refused_or_told(make, table, cache):
    scene = make("test.png", seed=0, shape=(64, 64))
    make("same.png", array=scene)
    make("near.png", array=np.clip(scene.astype(int) + 3, 0, 255).astype(np.uint8))
    make("val.tif", array=scene)
    make("other.png", seed=5)
    path = table(
        HEADER, "test.png,x,,,test", "same.png,x,,,train", "near.png,y,,,train", "val.tif,x,,,val",
        "other.png,y,,,train"
    )  # fmt: skip
    loaded = load(path, cache)
    assert parts(loaded) == {
        "test.png": "test", "same.png": "excluded", "near.png": "excluded",
        "val.tif": "excluded", "other.png": "unlabeled"
    }  # fmt: skip
    assert loaded.receipt.identical["train_test"] == 1
    assert loaded.receipt.near["train_test"] == 1
    assert loaded.receipt.identical["val_test"] == 1
    said = "\n".join(loaded.receipt.lines())
    assert "Excluded: 3 repeat a validation or test image." in said
    assert (
        "Identical pairs: 0 within a side, across: 1 train-val, 1 train-test, 1 val-test." in said
    )
    with pytest.raises(LeakError, match=r"3 do.*leaks: exclude"):
        load(path, cache, leaks="refuse")
    told = load(path, cache, leaks="report")
    assert told.pool.counts()["excluded"] == 0
    assert told.receipt.near == loaded.receipt.near
    assert any("left in" in line for line in told.receipt.lines())


def test_repeats_among_candidates_form_clusters(make, table, cache):
    scene = make("a.png", seed=0, shape=(64, 64))
    make("b.png", array=scene)
    make("c.png", seed=1)
    loaded = load(table(HEADER, *(f"{n}.png,x,,,train" for n in "abc")), cache)
    a, b, c = loaded.pool.samples
    assert a.cluster == b.cluster == min(a.id, b.id)
    assert c.cluster == ""
    assert loaded.receipt.clusters == 1


def test_blank_images_are_not_repeats_of_each_other(make, table, cache):
    lines = []
    for i in range(12):
        make(f"{i}.png", seed=i)
        make(f"{i}b.png", array=np.zeros((9, 9), np.uint8))
        lines += [f"{i}.png,x,,p{i},", f"{i}b.png,y,,p{i},"]
    loaded = load(table(HEADER, *lines), cache)
    assert not any(loaded.receipt.identical.values())
    assert loaded.receipt.conflicts == 0
    counts = loaded.pool.counts()
    assert all(counts[part] for part in ("unlabeled", "val", "test"))


def test_the_same_pixels_with_two_labels_are_a_conflict(make, table, cache):
    scene = make("a.png", seed=0)
    make("b.png", array=scene)
    loaded = load(table(HEADER, "a.png,x,,,train", "b.png,y,,,train"), cache)
    assert [(p.row, p.kind) for p in loaded.problems] == [(1, "conflict"), (2, "conflict")]
    assert len(loaded.pool) == 2


def test_a_split_made_here_has_no_leak_and_keeps_patients(make, table, cache):
    lines = []
    for i in range(40):
        scene = make(f"{i}.png", seed=i, shape=(32, 32))
        make(f"{i}b.png", array=255 - (255 - scene) // 2)  # brighter, else the same
        lines += [f"{i}.png,{i % 2},,p{i // 2},", f"{i}b.png,{i % 2},,q{i},"]
    loaded = load(table(HEADER, *lines), cache)
    receipt = loaded.receipt
    assert receipt.split == "foveal"
    assert not any(n for s, n in (receipt.near | receipt.identical).items() if s.count("train") < 2
                   and len(set(s.split("_"))) == 2)  # fmt: skip
    assert receipt.excluded == dict.fromkeys(receipt.excluded, 0)
    assert all(n > 0 for p, n in loaded.pool.counts().items() if p in ("unlabeled", "val", "test"))
    again = load(table(HEADER, *reversed(lines)), cache)
    assert parts(again) == parts(loaded)
    other = load(table(HEADER, *lines), cache, split_seed=1)
    assert parts(other) != parts(loaded)


def test_gaps_of_a_split_follow_the_patient(images, table, cache):
    names = [f"{i}.png" for i in range(12)]
    images(*names)
    lines = [f"{n},x,,p{i // 2},{'test' if i == 3 else ''}" for i, n in enumerate(names)]
    loaded = load(table(HEADER, *lines), cache)
    assert parts(loaded)["2.png"] == parts(loaded)["3.png"] == "test"
    assert loaded.receipt.split == "mixed"


def test_broken_rows_are_listed_and_the_rest_is_loaded(make, tmp_path, table, cache):
    make("a.png")
    make("cut.png", seed=1, shape=(64, 64))
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:900])
    make("flat.png", array=np.full((9, 9), 4, np.uint8))
    lines = ("a.png,x,,,train", "cut.png,x,,,train", "gone.png,x,,,train", "flat.png,x,,,train",
             "a.svg,x,,,train")  # fmt: skip
    loaded = load(table(HEADER, *lines), cache)
    assert [s.uri for s in loaded.pool.samples] == ["a.png", "flat.png"]
    assert [(p.row, p.uri, p.kind) for p in loaded.problems] == [
        (2, "cut.png", "unreadable"), (3, "gone.png", "missing"), (4, "flat.png", "constant"),
        (5, "a.svg", "format")
    ]  # fmt: skip
    assert (loaded.receipt.usable, loaded.receipt.broken) == (2, 3)


def test_a_source_without_a_usable_image_is_an_error(table, cache):
    with pytest.raises(DataError, match=r"has none\. First problem: row 1: gone\.png"):
        load(table(HEADER, "gone.png,x,,,train"), cache)


def test_unlabeled_candidates_are_left_out_for_simulations_and_kept_for_people(
    images, table, cache
):
    images("a.png", "b.png", "c.png")
    path = table(HEADER, "a.png,x,,,train", "b.png,,,,train", "c.png,,,,val")
    assert parts(load(path, cache)) == {
        "a.png": "unlabeled", "b.png": "excluded", "c.png": "excluded"
    }  # fmt: skip
    kept = load(path, cache, blank_labels="keep")
    assert parts(kept) == {"a.png": "unlabeled", "b.png": "unlabeled", "c.png": "excluded"}
    with pytest.raises(DataError, match="no reference label"):
        kept.truth.label(kept.pool.samples[1].id)


class TestRegions:
    HEADER = "image,label,mask,split,x0,y0,x1,y1,weak,wx0,wy0,wx1,wy1"

    def of(self, path, cache, **settings):
        loaded = load(path, cache, **settings)
        return loaded, {s.uri: loaded.truth.region(s.id) for s in loaded.pool.samples}

    def test_masks_boxes_empty_and_unknown(self, images, make, table, cache):
        images("a.png", "b.png", "c.png", "d.png", "e.png")
        mask = np.zeros((20, 24), bool)
        mask[2:5, 3:9] = True
        make("m.png", array=mask)
        make("zero.png", array=~mask & mask)
        path = table(
            self.HEADER, "a.png,x,m.png,train,0,0,24,20,,,,,", "b.png,x,,train,3,2,9,5,,,,,",
            "c.png,x,zero.png,train,,,,,,,,,", "d.png,x,empty,train,,,,,,,,,",
            "e.png,x,,train,,,,,,,,,"
        )  # fmt: skip
        loaded, regions = self.of(path, cache)
        np.testing.assert_array_equal(regions["a.png"], mask)  # the mask wins over the box
        np.testing.assert_array_equal(regions["b.png"], mask)  # x1 and y1 are exclusive
        for name in ("c.png", "d.png"):
            assert regions[name].shape == (20, 24)
            assert not regions[name].any()
        assert regions["e.png"] is None
        assert loaded.receipt.regions == 4
        assert not loaded.problems

    def test_a_region_that_does_not_fit_is_listed_and_unknown(self, images, make, table, cache):
        images("a.png", "b.png", "c.png", "d.png")
        make("small.png", array=np.ones((5, 5), bool))
        path = table(
            self.HEADER, "a.png,x,small.png,train,,,,,,,,,", "b.png,x,gone.png,train,,,,,,,,,",
            "c.png,x,,train,30,30,40,40,,,,,", "d.png,x,,train,-2,10,99,15,,,,,"
        )  # fmt: skip
        loaded, regions = self.of(path, cache)
        assert [(p.row, p.kind) for p in loaded.problems] == [
            (1, "mask_size"), (2, "mask_missing"), (3, "box_outside"), (4, "box")
        ]  # fmt: skip
        assert [regions[f"{n}.png"] is None for n in "abc"] == [True] * 3
        want = np.zeros((20, 24), bool)
        want[10:15] = True
        np.testing.assert_array_equal(regions["d.png"], want)

    def test_a_mask_that_changes_or_goes_after_loading_is_named_by_sample(
        self, images, make, table, cache, tmp_path
    ):
        images("a.png")
        make("m.png", array=np.ones((20, 24), bool))
        loaded = load(table(self.HEADER, "a.png,x,m.png,train,,,,,,,,,"), cache)
        (sample,) = loaded.pool.samples
        make("m.png", array=np.ones((5, 5), bool))
        with pytest.raises(DataError, match=rf"{sample.id}.*\(5, 5\) now"):
            loaded.truth.region(sample.id)
        (tmp_path / "m.png").unlink()
        (tmp_path / "a.png").unlink()
        with pytest.raises(DataError, match=f"mask of sample '{sample.id}' cannot be read"):
            loaded.truth.region(sample.id)
        with pytest.raises(DataError, match=f"image of sample '{sample.id}' cannot be read"):
            loaded.original(sample.id)
        with pytest.raises(DataError, match="not in this collection"):
            loaded.truth.region("unknown")

    def test_weak_regions_are_kept_apart(self, images, make, table, cache):
        images("a.png", "b.png")
        make("organ.png", array=np.eye(20, 24, dtype=bool))
        path = table(self.HEADER, "a.png,x,,train,,,,,organ.png,,,,", "b.png,x,,train,,,,,,1,1,3,4")
        loaded, regions = self.of(path, cache)
        a, b = (s.id for s in loaded.pool.samples)
        assert set(map(type, regions.values())) == {type(None)}
        np.testing.assert_array_equal(loaded.weak.region(a), np.eye(20, 24, dtype=bool))
        assert np.argwhere(loaded.weak.region(b)).tolist() == [
            [y, x] for y in (1, 2, 3) for x in (1, 2)
        ]

    def test_a_class_that_never_has_a_region_has_nothing_to_see(self, images, make, table, cache):
        images("a.png", "b.png", "c.png")
        make("m.png", array=np.ones((20, 24), bool))
        lines = ["a.png,x,m.png,train,,,,,,,,,", "b.png,normal,,train,,,,,,,,,"]
        loaded, regions = self.of(table(self.HEADER, *lines), cache)
        assert not regions["b.png"].any()
        assert loaded.receipt.empty_region_classes == ("normal",)
        assert any("normal" in line for line in loaded.receipt.lines())
        _, off = self.of(table(self.HEADER, *lines), cache, empty_region_classes=())
        assert off["b.png"] is None
        partly = [*lines, "c.png,x,,train,,,,,,,,,"]
        loaded, regions = self.of(table(self.HEADER, *partly), cache)
        assert regions["b.png"] is None
        assert loaded.receipt.empty_region_classes == ()

    def test_the_guard_of_the_core_fits_around_the_truth(self, images, table, cache):
        images("a.png")
        loaded = load(table(self.HEADER, "a.png,x,,train,0,0,2,2,,,,,"), cache)
        (sample,) = loaded.pool.samples
        assert Guard(loaded.truth, {sample.id}).region(sample.id).sum() == 4

    def test_regions_share_the_grid_of_the_pixels(self, make, table, cache):
        mask = np.zeros((40, 64), bool)
        mask[8:24, 16:40] = True
        make("a.png", array=mask.astype(np.uint8) * np.uint8(255))
        make("m.png", array=mask)
        loaded = load(table(self.HEADER, "a.png,x,m.png,train,,,,,,,,,"), cache)
        (sample,) = loaded.pool.samples
        on_grid = loaded.region_on_grid(loaded.truth.region(sample.id))
        assert on_grid.dtype == np.float32
        pixels = loaded.pixels().read(np.array([0]))[0, 0]
        np.testing.assert_allclose(on_grid, pixels, atol=0.01)


def test_loading_again_looks_at_no_image_and_gives_the_same(images, table, cache, tmp_path, make):
    images("a.png", "b.png")
    path = table(HEADER, "a.png,x,,,train", "b.png,x,,,train")
    calls = []

    def progress(done, total):
        calls.append((done, total))

    first = load_pool(path, SPEC, progress=progress, cache=cache)
    again = load_pool(path, SPEC, progress=progress, cache=cache)
    assert calls == [(2, 2)]
    assert (again.pool, again.receipt, again.problems) == (
        first.pool, first.receipt, first.problems
    )  # fmt: skip
    make("b.png", seed=77)
    changed = load_pool(path, SPEC, progress=progress, cache=cache)
    assert len(calls) == 2
    assert changed.receipt.content != first.receipt.content
    for file in (cache / "facts").iterdir():
        file.write_bytes(file.read_bytes()[:-50])
    assert load_pool(path, SPEC, cache=cache).receipt == changed.receipt


def test_the_receipt_is_json_and_counts_every_image(images, table, cache):
    images("a.png", "b.png")
    loaded = load(table(HEADER, "a.png,x,,,train", "b.png,y,,,test"), cache)
    receipt = json.loads(json.dumps(loaded.receipt.as_dict()))
    assert receipt["counts"]["unlabeled"] == {"x": 1, "y": 0}
    assert receipt["digest"] == loaded.pool.digest()
    assert sum(n for part in receipt["counts"].values() for n in part.values()) == 2
    text = "\n".join(loaded.receipt.lines())
    assert "`val` is empty" in text
    assert "2 images have none" in text


def test_dark_16_bit_images_are_noted(make, table, cache):
    make("a.png", array=np.random.default_rng(0).integers(0, 4096, (9, 9)).astype(np.uint16))
    path = table(HEADER, "a.png,x,,,train")
    assert any("percentile" in note for note in load(path, cache).receipt.notes)
    assert not any("dark" in n or "black" in n
                   for n in load(path, cache, intensity="percentile").receipt.notes)  # fmt: skip


def test_originals_and_thumbnails_are_bytes_at_any_depth(make, table, cache):
    deep = make("a.png", array=np.random.default_rng(0).integers(0, 65536, (40, 20)).astype("u2"))
    color = make("b.png", seed=1, shape=(30, 60, 3))
    loaded = load(table(HEADER, "a.png,x,,,train", "b.png,x,,,train"), cache)
    a, b = (s.id for s in loaded.pool.samples)
    np.testing.assert_array_equal(loaded.original(a), deep >> 8)
    np.testing.assert_array_equal(loaded.original(b), color)
    assert loaded.thumbnail(b, 20).shape == (10, 20, 3)
    with pytest.raises(DataError, match="not in this pool"):
        loaded.original("unknown")


def test_further_columns_reach_the_samples(images, table, cache):
    images("a.png")
    loaded = load(table("image,label,site,modality", "a.png,x,A,US"), cache)
    (sample,) = loaded.pool.samples
    assert (dict(sample.extra), sample.modality) == ({"site": "A", "modality": "US"}, "US")
