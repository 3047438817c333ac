"""Segmentation in the loop: it learns discs, honestly, resumes, and measures patients in mm."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from discs import told, write_discs
from foveal.core.errors import DataError, EvidenceError, PeekError, SpecError
from foveal.core.pool import Pool, Sample
from foveal.core.spec import parse_spec, with_settings
from foveal.loop import Ask, Experiment, open_bench, run_record, run_round
from foveal.loop.segmenting import Segmentation
from foveal.loop.subjects import cell_mm, joined, stacked, volumes_of

SETTINGS = {
    "task": "segmentation",
    "data": {"source": "labels.csv", "image_size": 32},
    "segment": {"widths": [8, 16]},
    "train": {"epochs": 3},
    "acquire": {"strategy": "pixel_entropy_top"},
    "seed_set": 4,
    "budget": 3,
    "labels": 10,
}


def spec_of(**changes):
    return parse_spec(
        with_settings(SETTINGS, {k.replace("__", "."): v for k, v in changes.items()})
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_discs(tmp_path_factory.mktemp("outlined") / "discs")


@pytest.fixture(scope="module")
def bench(folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield open_bench(spec_of(), folder)


def test_a_run_learns_to_outline_and_pays_for_masks(bench, tmp_path):
    spec = spec_of(train__epochs=20)
    with Experiment(spec, bench, tmp_path) as experiment:
        state = experiment.run()
        record = run_record("x", spec, state, bench.pool)
    assert record["labels"] == [4, 7, 10]
    assert record["metrics"]["dice"][-1] > 0.8
    assert {"lesion_f1", "voxel_recall", "voxel_precision"} <= record["metrics"].keys()
    assert "hd95_mm" not in record["metrics"]  # nobody has measured these pixels
    assert record["annotate"] == "mask"
    masks = spec.cost.class_seconds + spec.cost.mask_seconds
    assert record["cost_seconds"][-1] == 10 * masks


def test_a_run_stopped_after_any_step_ends_as_one_that_was_not(bench, tmp_path):
    spec = spec_of(acquire__strategy="pixel_bald", model__dropout=0.2, train__draws=2)
    with Experiment(spec, bench, tmp_path / "whole") as experiment:
        experiment.run()
    while True:
        with Experiment(spec, bench, tmp_path / "stopped") as experiment:
            if not hasattr(experiment.step(), "why"):
                continue
            break
    assert told(tmp_path / "stopped") == told(tmp_path / "whole")


@pytest.mark.parametrize(
    "strategy",
    [
        "random",
        "foreground_random",
        "stratified_random",
        "k_center",
        "pixel_pcdal",
        "pixel_cluster_margin",
        "selective_uncertainty",
        "variance_reduction",
        "flqmi",
    ],
)
def test_strategies_of_all_kinds_can_be_asked(bench, tmp_path, strategy):
    spec = spec_of(acquire__strategy=strategy, labels=7)
    with Experiment(spec, bench, tmp_path) as experiment:
        state = experiment.run()
    assert len(state.queries[1].ids) == 3
    assert not set(state.queries[1].ids) & set(state.queries[0].ids)


def test_what_compares_time_points_needs_pairs(bench, tmp_path):
    with Experiment(spec_of(acquire__strategy="difference_entropy"), bench, tmp_path) as experiment:
        run_round(experiment)
        with pytest.raises(EvidenceError, match="channels"):
            experiment.step()


def test_hidden_masks_cannot_be_read_while_asking(bench, tmp_path, monkeypatch):
    real = Segmentation.gather

    def rogue(self, model, ids, bought):
        self._references(self._bench.rows(ids))
        return real(self, model, ids, bought)

    monkeypatch.setattr(Segmentation, "gather", rogue)
    with Experiment(spec_of(), bench, tmp_path) as experiment:
        run_round(experiment)
        with pytest.raises(PeekError, match="nobody has annotated it yet"):
            experiment.step()
        assert isinstance(experiment.next, Ask)


def test_targeted_strategies_seek_foreground_unless_told_otherwise(bench, tmp_path):
    seen = {}
    real = Segmentation.gather

    def spy(self, model, ids, bought):
        seen[self._spec.acquire.target.classes] = real(self, model, ids, bought)
        return seen[self._spec.acquire.target.classes]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Segmentation, "gather", spy)
        for classes in ((), ("foreground",)):
            spec = spec_of(
                acquire__strategy="flqmi", acquire__target__classes=list(classes), labels=7
            )
            with Experiment(spec, bench, tmp_path / str(len(classes))) as experiment:
                experiment.run()
    usual, named = (seen[c].context["exemplar"] for c in ((), ("foreground",)))
    assert usual.ids == named.ids
    assert (usual.arrays["label"] == 1).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"regions__annotate": "box"}, "leave `regions` out"),
        ({"regions__source": "predicted"}, "leave `regions` out"),
        ({"train__explanation_weight": 1.0}, "train.explanation_weight"),
        ({"report__subgroups": ["site"]}, "subgroups"),
        ({"segment__widths": [8]}, "two levels"),
    ],
)
def test_settings_of_the_other_task_are_refused(change, told):
    with pytest.raises(SpecError, match=told):
        spec_of(**change)


def test_a_test_part_without_masks_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path))
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["mask"] = row["mask"] if row["split"] == "train" else ""
    with (folder / "bare.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    with pytest.raises(DataError, match="measured against masks"):
        open_bench(spec_of(data__source="bare.csv"), folder)


def sample(name, series="", position=0, spacing=(), group="p"):
    return Sample(name, group, name, series, position, shape=(4, 4), spacing_mm=spacing)


def test_pictures_of_one_volume_come_together_in_their_order():
    slices = [sample(f"s{k}", "v", k, (3.0, 1.0, 1.0)) for k in (2, 0, 1)]
    alone = [sample("a", "w"), sample("b", "w")]  # one series, but not of a volume
    pool = Pool((*slices, *alone), ("test",) * 5, ("x",))
    found = [[s.id for s in volume] for volume in volumes_of(pool, pool.ids("test"))]
    assert sorted(found) == [["a"], ["b"], ["s0", "s1", "s2"]]


def test_missing_pictures_leave_a_gap_so_that_distances_stay_true():
    first = sample("s3", "v", 3, (3.0, 1.0, 1.0))
    whole = stacked([np.ones((2, 2), bool)] * 2, [3, 6], first)
    assert whole.shape == (4, 2, 2)
    assert whole.any(axis=(1, 2)).tolist() == [True, False, False, True]
    with pytest.raises(DataError, match="one size"):
        stacked([np.ones((2, 2), bool), np.ones((3, 2), bool)], [3, 4], first)


def test_tiles_are_joined_where_they_were_cut():
    volume = np.arange(5 * 3 * 4).reshape(5, 3, 4).astype(np.float32)
    padded = np.pad(volume, ((0, 1), (0, 1), (0, 0)))
    tiles = [
        padded[i : i + 2, j : j + 2, k : k + 2] for i in (0, 2, 4) for j in (0, 2) for k in (0, 2)
    ]
    np.testing.assert_array_equal(joined(np.stack(tiles), range(12), (5, 3, 4)), volume)
    some = joined(np.stack(tiles[:1]), [0], (5, 3, 4))
    assert some.sum() == volume[:2, :2, :2].sum()


def test_cells_of_the_grid_have_the_size_of_what_they_cover():
    spec = spec_of().data
    small = replace(sample("a", spacing=(3.0, 0.5, 0.5)), shape=(64, 32))
    assert cell_mm(small, spec, 2) == (1.0, 1.0)  # 64 rows on 32 cells
    assert cell_mm(replace(small, spacing_mm=()), spec, 2) == (2.0, 2.0)
    squashed = spec.model_copy(update={"fit": "squash"})
    assert cell_mm(small, squashed, 2) == (1.0, 0.5)
    assert cell_mm(small, spec, 3) == (3.0, 0.5, 0.5)


def test_spacing_of_a_table_makes_distances_in_mm(tmp_path, monkeypatch):
    """Twice the spacing is twice the distance, and patients are measured, not slices."""
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "cache"))
    values = {}
    for mm in ("1x1", "2x2"):
        place = tmp_path / mm
        place.mkdir()
        rows = []
        for i in range(12):
            mask = np.zeros((32, 32), np.uint8)
            mask[8:20, 8 + i % 4 : 20 + i % 4] = 255
            picture = np.where(mask, 200, 40) + np.random.default_rng(i).integers(0, 20, mask.shape)
            Image.fromarray(picture.astype(np.uint8)).save(place / f"{i}.png")
            Image.fromarray(mask).save(place / f"{i}m.png")
            part = "train" if i < 8 else "test"
            rows.append((f"{i}.png", "x", f"{i}m.png", f"p{i}", part, mm))
        with (place / "t.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(("image", "label", "mask", "patient", "split", "spacing_mm"))
            table.writerows(rows)
        spec = spec_of(
            data__source="t.csv", data__leaks="report", labels=6, seed_set=6, train__epochs=1
        )
        bench = open_bench(spec, place)
        with Experiment(spec, bench, place / "run") as experiment:
            state = experiment.run()
        values[mm] = state.trained[-1].metrics["test"]["hd95_mm"]
        assert len(state.trained[-1].details["test"]["subjects"]) == 4
    assert values["2x2"] == pytest.approx(2 * values["1x1"])
    assert values["1x1"] > 0
