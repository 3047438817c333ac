import csv
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from foveal.core.errors import SpecError
from foveal.data import load_pool, write_phantom
from foveal.data.phantom.lesions import CLASSES
from foveal.data.phantom.markers import MARKERS, burn
from foveal.data.phantom.write import plan_entries


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    return write_phantom(tmp_path_factory.mktemp("phantom"), samples=40, seed=3, size=64)


def entries(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_it_loads_without_a_problem_and_without_leaks(phantom, tmp_path):
    loaded = load_pool(phantom, cache=tmp_path)
    assert not loaded.problems
    assert len(loaded.pool) == 40
    assert loaded.pool.classes == CLASSES
    assert loaded.receipt.regions == 40
    assert loaded.pool.counts()["excluded"] == 0


def test_every_lesion_is_inside_and_of_a_sensible_size(phantom):
    for entry in entries(phantom):
        mask = np.asarray(Image.open(phantom.parent / entry["mask"])) > 0
        assert mask.shape == (64, 64)
        assert 0.005 < mask.mean() < 0.25
        assert not mask[[0, -1]].any()
        assert not mask[:, [0, -1]].any()


def test_the_lesion_looks_unlike_its_surroundings(phantom):
    contrast = []
    for entry in entries(phantom):
        mask = np.asarray(Image.open(phantom.parent / entry["mask"])) > 0
        image = np.asarray(Image.open(phantom.parent / entry["image"])).astype(float)
        rows = mask.any(axis=1)
        contrast.append(image[rows][~mask[rows]].mean() - image[mask].mean())
    assert np.mean(np.array(contrast) > 10) > 0.9


def test_the_same_arguments_give_the_same_bytes_and_others_do_not(tmp_path):
    files = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        table = write_phantom(tmp_path / name, samples=12, seed=seed, size=32)
        files[name] = {p.relative_to(table.parent): p.read_bytes()
                       for p in sorted(table.parent.rglob("*.*"))}  # fmt: skip
    assert files["a"] == files["b"]
    assert files["a"] != files["c"]
    assert len(files["a"]) == 25


@pytest.mark.parametrize("seed", [0, 1])
def test_the_marker_tells_the_class_in_training_only(seed):
    plan = plan_entries(3000, seed)
    right = dict(zip(CLASSES, MARKERS, strict=True))

    def agreement(keep):
        chosen = [e for e in plan if keep(e)]
        return np.mean([right[e.label] == e.marker for e in chosen])

    assert agreement(lambda e: e.split == "train" and e.site == "A") > 0.92
    assert abs(agreement(lambda e: e.split == "train" and e.site == "B") - 1 / 3) < 0.1
    for split in ("val", "test"):
        assert abs(agreement(lambda e, s=split: e.split == s) - 1 / 3) < 0.1


def test_patients_stay_on_one_side_with_one_class_and_some_have_several_images():
    plan = plan_entries(600, 0)
    assert len(plan) == 600
    for patient in {e.patient for e in plan}:
        mine = [e for e in plan if e.patient == patient]
        assert len({(e.split, e.label, e.site) for e in mine}) == 1
    sizes = Counter(Counter(e.patient for e in plan).values())
    assert set(sizes) == {1, 2, 3}
    assert {e.split for e in plan} == {"train", "val", "test"}


def test_markers_differ_and_burn_in_their_corner_only():
    black = np.zeros((128, 128), np.uint8)
    shown = {m: burn(black, m, (0, 1), (0, 0)) for m in MARKERS}
    assert len({picture.tobytes() for picture in shown.values()}) == len(MARKERS)
    for picture in shown.values():
        assert picture[:48, 80:].any()
        assert not picture[48:].any()
        assert not picture[:, :80].any()
    assert not black.any()


def test_too_little_is_refused(tmp_path):
    with pytest.raises(SpecError, match="at least"):
        write_phantom(tmp_path, samples=3)
