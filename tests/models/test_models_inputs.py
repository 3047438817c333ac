"""Features are computed once, kept whole, and never taken for those of something else."""

import multiprocessing
import os
import signal

import numpy as np
import pytest
import torch
from model_toys import Memory, tiny_backbone

from foveal.core.errors import StoreError
from foveal.models import FeatureStore, cached_features
from foveal.models.inputs import to_tensor

CPU = torch.device("cpu")


class Watched(torch.nn.Module):
    """Counts the images that a trunk sees."""

    def __init__(self, trunk):
        super().__init__()
        self.trunk, self.seen = trunk, []

    def forward(self, images):
        self.seen.append(len(images))
        return self.trunk(images)


@pytest.fixture
def images():
    return Memory(np.random.default_rng(0).random((5, 1, 32, 32)))


@pytest.fixture
def watched():
    backbone = tiny_backbone()
    backbone.trunk = Watched(backbone.trunk)
    return backbone


def files(folder):
    return sorted(p.name for p in folder.iterdir())


def test_features_are_those_of_the_backbone(images, tmp_path):
    backbone = tiny_backbone()
    store = cached_features(backbone, images, "pool", tmp_path, CPU, batch_size=2)
    with torch.no_grad():
        want = backbone(torch.from_numpy(images.array)).numpy()
    rows = np.array([4, 0, 4])
    assert len(store) == 5
    assert store.channels == 4
    assert store.read(rows).dtype == np.float32
    np.testing.assert_allclose(store.read(rows), want[rows], rtol=0.02, atol=0.02)
    assert images.reads == [[0, 1], [2, 3], [4]]


def test_the_second_time_the_backbone_does_not_run(images, watched, tmp_path):
    first = cached_features(watched, images, "pool", tmp_path, CPU)
    images.reads.clear()
    watched.trunk.seen.clear()
    second = cached_features(watched, images, "pool", tmp_path, CPU)
    assert watched.trunk.seen == []
    assert images.reads == []
    np.testing.assert_array_equal(first.read(np.arange(5)), second.read(np.arange(5)))


def test_another_key_or_another_backbone_computes_again(images, tmp_path):
    cached_features(tiny_backbone(0), images, "pool", tmp_path, CPU)
    one = files(tmp_path)
    cached_features(tiny_backbone(0), images, "other", tmp_path, CPU)
    cached_features(tiny_backbone(1), images, "pool", tmp_path, CPU)
    assert len(files(tmp_path)) == 3
    assert set(one) < set(files(tmp_path))


def test_what_was_interrupted_is_never_used_and_leaves_nothing(images, watched, tmp_path):
    class Failing(Memory):
        def read(self, rows):
            if rows[0] == 4:
                raise RuntimeError("the power is gone")
            return super().read(rows)

    with pytest.raises(RuntimeError, match="power"):
        cached_features(watched, Failing(images.array), "pool", tmp_path, CPU, batch_size=2)
    assert files(tmp_path) == []
    cached_features(watched, images, "pool", tmp_path, CPU)
    assert watched.trunk.seen == [2, 2, 5]


def test_a_part_left_by_a_killed_process_is_not_taken_for_the_whole(images, watched, tmp_path):
    cached_features(watched, images, "pool", tmp_path, CPU)
    (whole,) = tmp_path.iterdir()
    whole.rename(whole.with_suffix(".abc.part"))
    store = cached_features(watched, images, "pool", tmp_path, CPU)
    assert watched.trunk.seen == [5, 5]
    assert len(store) == 5


def test_progress_is_told_after_each_batch(images, tmp_path):
    told = []
    cached_features(
        tiny_backbone(), images, "pool", tmp_path, CPU, 2, lambda done, of: told.append((done, of))
    )
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_remedy(images, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"FOVEAL_CACHE.*same command again"):
        cached_features(tiny_backbone(), images, "pool", tmp_path / "file" / "cache", CPU)


@pytest.mark.skipif(os.name != "posix", reason="limits of file size are POSIX")
def test_a_full_disk_is_an_error_and_not_the_end_of_the_process(images, tmp_path):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, before[1]))
    try:
        with pytest.raises(StoreError, match="free space"):
            cached_features(tiny_backbone(), images, "pool", tmp_path, CPU)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert files(tmp_path) == []


def test_to_another_process_travels_the_name_of_the_file(images, tmp_path):
    store = cached_features(tiny_backbone(), images, "pool", tmp_path, CPU)
    there, here = multiprocessing.Pipe()
    there.send(store)
    copy = here.recv()
    assert isinstance(copy, FeatureStore)
    assert isinstance(copy._array, np.memmap)
    np.testing.assert_array_equal(copy.read(np.arange(5)), store.read(np.arange(5)))


def test_rows_become_a_tensor_in_the_order_asked():
    inputs = Memory(np.arange(8.0).reshape(4, 2, 1, 1))
    tensor = to_tensor(inputs, np.array([3, 1]), CPU)
    assert tensor.dtype == torch.float32
    assert tensor[:, :, 0, 0].tolist() == [[6, 7], [2, 3]]
