"""Tiles of volumes in the loop: a 3-D U-Net, whole volumes measured in mm, planes in galleries."""

import numpy as np
import pytest

from foveal.core.errors import SpecError
from foveal.core.spec import parse_spec, with_settings
from foveal.data.index import index_source
from foveal.data.manifest import write_manifest
from foveal.data.volumes.cutting import Cutting
from foveal.loop import Experiment, open_bench, run_record
from foveal.loop.gallery import draw_gallery
from nifti_files import ball, write_nifti

SHAPE = (20, 24, 17)  # not a multiple of the tile's side
SETTINGS = {
    "task": "segmentation",
    "data": {"source": "tiles.csv", "image_size": 16, "leaks": "report"},
    "segment": {"widths": [4, 8]},
    "train": {"epochs": 2},
    "acquire": {"strategy": "pixel_entropy_top"},
    "seed_set": 6,
    "budget": 4,
    "labels": 10,
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEAL_CACHE", str(folder / "cache"))
        rng = np.random.default_rng(0)
        for patient in range(6):
            mask = ball(SHAPE, rng.uniform(6, 12, 3), 4)
            scan = (rng.normal(100, 20, SHAPE) + np.where(mask, 300, 0)).astype(np.int16)
            place = folder / f"p{patient}"
            write_nifti(place / "scan.nii.gz", scan)
            write_nifti(place / "scan_mask.nii.gz", mask)
        rows, problems = index_source([folder], cutting=Cutting("tile", 16))
        assert not problems
        write_manifest(rows, folder / "tiles.csv")
        yield open_bench(parse_spec(SETTINGS), folder)


@pytest.mark.parametrize(
    "change", [{}, {"acquire.strategy": "pixel_pcdal"}, {"segment.paste": 0.5}]
)
def test_a_volume_is_measured_whole_though_it_was_taught_in_tiles(bench, tmp_path, change):
    spec = parse_spec(with_settings(SETTINGS, change))
    with Experiment(spec, bench, tmp_path) as experiment:
        state = experiment.run()
        record = run_record("x", spec, state, bench.pool)
        cases = draw_gallery(state, bench, experiment.blobs, tmp_path)
    patients = {bench.pool[i].group for i in bench.pool.ids("test")}
    assert len(state.trained[-1].details["test"]["subjects"]) == len(patients)
    assert 0 <= record["metrics"]["dice"][-1] <= 1
    assert record["labels"] == [6, 10]
    assert all((tmp_path / c["panel"]).is_file() for r in cases for c in r["cases"])


def test_a_whole_volume_can_be_asked_at_once(bench, tmp_path):
    tiles = len(bench.pool.ids("unlabeled")) // len(
        {bench.pool[i].group for i in bench.pool.ids("unlabeled")}
    )
    change = {"acquire.unit": "volume", "seed_set": tiles, "budget": tiles, "labels": 2 * tiles}
    spec = parse_spec(with_settings(SETTINGS, change))
    with Experiment(spec, bench, tmp_path) as experiment:
        state = experiment.run()
    for query in state.queries:
        assert len({bench.pool[i].series for i in query.ids}) == 1
        assert len(query.ids) == tiles


def test_the_grid_is_the_tile(bench, tmp_path):
    other = parse_spec(with_settings(SETTINGS, {"data.image_size": 32}))
    folder = next(iter(bench.collection.places.values())).archive.parent.parent
    with pytest.raises(SpecError, match="image_size"):
        open_bench(other, folder)
