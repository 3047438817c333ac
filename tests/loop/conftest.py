"""The tiny data set, its cache, one thread, and a run of it, for every test of this folder."""

import pytest

from discs import cache_folder, disc_spec, discs, quiet_machine
from foveal.loop import Experiment, open_bench, run_record
from foveal.loop.gallery import draw_gallery

__all__ = ["cache_folder", "discs", "quiet_machine"]


@pytest.fixture(scope="module")
def bench(discs):
    return open_bench(disc_spec(), discs)


@pytest.fixture(scope="module")
def finished(bench, tmp_path_factory):
    """Spec, state, record and folder of one run."""
    spec, folder = disc_spec(), tmp_path_factory.mktemp("run")
    with Experiment(spec, bench, folder) as experiment:
        state = experiment.run()
        record = run_record("eg_al", spec, state, bench.pool)
        record["gallery"] = draw_gallery(state, bench, experiment.blobs, folder)
    return spec, state, record, folder
