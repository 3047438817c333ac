"""The bench: refuses what a run could not finish, and shows references of val and test alone."""

from dataclasses import replace

import numpy as np
import pytest

from discs import disc_spec, rewrite, write_discs
from foveal.core.errors import BudgetError, DataError, PeekError
from foveal.loop import bench as benches
from foveal.loop import open_bench
from foveal.loop.bench import RegionReader


def test_references_answer_for_val_and_test_and_never_for_train(bench):
    references = bench.references()
    for sample in bench.pool.samples:
        if bench.pool.part(sample.id) in ("val", "test"):
            assert references.label(sample.id) == bench.collection.truth.label(sample.id)
            assert references.region(sample.id).any()
        else:
            for read in (references.label, references.region):
                with pytest.raises(PeekError, match="hidden"):
                    read(sample.id)


def test_references_stay_closed_for_what_was_labeled_or_left_out(bench):
    pool = bench.pool
    train = pool.ids("unlabeled")
    changed = pool.moved(train[:2], "labeled").moved(train[2:4], "excluded")
    later = replace(bench, collection=replace(bench.collection, pool=changed))
    for sample in train[:4]:
        with pytest.raises(PeekError):
            later.references().label(sample)


def test_rows_are_positions_in_the_inputs(bench):
    ids = tuple(reversed([s.id for s in bench.pool.samples]))
    np.testing.assert_array_equal(bench.rows(ids), np.arange(len(ids))[::-1])
    assert len(bench.inputs) == len(bench.pixels) == len(bench.pool)
    assert bench.rows(()).dtype.kind == "i"


def rewritten(folder, change):
    """A data set whose table was changed."""
    write_discs(folder)
    rewrite(folder, change)
    return folder


def without(part):
    return lambda row: None if row["split"] == part else row


def one_class(row):
    return {**row, "label": "disc"}


def no_masks(row):
    return {**row, "mask": ""}


def one_mask_less(row):
    return no_masks(row) if row["image"] == "train03.png" else row


def no_weak(row):
    return {k: v for k, v in row.items() if not k.startswith("w")}


@pytest.mark.parametrize(
    ("change", "settings", "error", "told"),
    [
        (dict, {"labels": 25}, BudgetError, "25 labels are asked for and the pool has 24 cand"),
        (without("test"), {}, DataError, "needs a test part"),
        (one_class, {}, DataError, "two classes or more, but the labels hold 1"),
        (without("val"), {"train__patience": 2}, DataError, "`train.patience` needs a validation"),
        (no_masks, {}, DataError, "24 of 24 have none in the manifest"),
        (one_mask_less, {}, DataError, "1 of 24 have none in the manifest"),
        (
            no_masks,
            {"regions__annotate": "none", "regions__source": "oracle"},
            DataError,
            "`regions.source: oracle` needs regions",
        ),
        (no_weak, {"regions__source": "weak"}, DataError, "column `mask` for oracle, `weak` for"),
    ],
)
def test_what_a_run_needs_is_asked_before_it_begins(tmp_path, change, settings, error, told):
    folder = rewritten(tmp_path / "data", change)
    with pytest.raises(error, match=told):
        open_bench(disc_spec(**settings), folder)


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        (dict, {"labels": 24}),
        (without("val"), {}),
        (no_masks, {"regions__annotate": "none", "regions__source": "none"}),
        (no_masks, {"regions__annotate": "none", "regions__source": "weak"}),
    ],
)
def test_what_a_run_does_not_need_is_not_asked(tmp_path, change, settings):
    open_bench(disc_spec(**settings), rewritten(tmp_path / "data", change))


class Counting:
    """Regions by id that count how often each was read."""

    def __init__(self, known=True):
        self.known, self.read = known, []

    def region(self, sample):
        self.read.append(sample)
        return np.ones((64, 64), bool) if self.known else None


def test_the_region_reader_remembers_a_bounded_number(bench, monkeypatch):
    monkeypatch.setattr(benches, "REMEMBERED", 3)
    regions = Counting()
    reader = RegionReader(bench, regions)
    for rows in ([0, 1, 2], [0, 1, 2], [3], [0]):  # 3 pushes out 0, the longest unread
        grids = reader(np.array(rows))
        assert grids.shape == (len(rows), 64, 64)
        assert (grids == 1).all()
        assert len(reader._kept) <= 3
    ids = [s.id for s in bench.pool.samples]
    assert regions.read == [ids[i] for i in (0, 1, 2, 3, 0)]


def test_what_was_read_lately_stays(bench, monkeypatch):
    monkeypatch.setattr(benches, "REMEMBERED", 2)
    regions = Counting()
    reader = RegionReader(bench, regions)
    for row in (0, 1, 0, 2, 0):
        reader(np.array([row]))
    assert len(regions.read) == 3


def test_an_unknown_region_is_nan_everywhere(bench):
    assert np.isnan(RegionReader(bench, Counting(known=False))(np.array([0, 1]))).all()
