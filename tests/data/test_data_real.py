import pytest

from foveal.core.spec import DataSpec
from foveal.data import load_pool

pytestmark = pytest.mark.data


def load(source, base, cache):
    return load_pool(source, DataSpec(source=source), base, cache=cache)


def per_side(loaded):
    """Counts by class, with excluded samples back on the side they were excluded from."""
    totals = {}
    for part, classes in loaded.receipt.counts.items():
        side = "train" if part in ("unlabeled", "excluded") else part
        for name, n in classes.items():
            totals.setdefault(side, {}).setdefault(name, 0)
            totals[side][name] += n
    return {side: classes for side, classes in totals.items() if any(classes.values())}


def test_breast_ultrasound(real, cache):
    loaded = load("busi/labels.csv", real, cache)
    assert not loaded.problems
    assert per_side(loaded) == {
        "train": {"benign": 303, "malignant": 146, "normal": 92},
        "val": {"benign": 44, "malignant": 21, "normal": 14},
        "test": {"benign": 89, "malignant": 42, "normal": 27},
    }
    receipt = loaded.receipt
    assert (receipt.groups_known, receipt.samples_without_group) == (644, 0)
    assert sum(receipt.identical.values()) == 0
    crossing = {s: n for s, n in receipt.near.items() if n and s in ("train_val", "train_test")}
    assert crossing == {"train_val": 2, "train_test": 1}
    assert sum(receipt.near.values()) == 160
    assert loaded.pool.counts()["excluded"] == 3
    for sample in loaded.pool.samples[::40]:
        region = loaded.truth.region(sample.id)
        normal = loaded.pool.classes[loaded.truth.label(sample.id)] == "normal"
        assert region.any() != normal


def test_brain_tumors(real, cache):
    loaded = load("brain_tumor_t1c/labels.csv", real, cache)
    assert not loaded.problems
    assert per_side(loaded) == {
        "train": {"glioma": 974, "meningioma": 489, "pituitary": 628},
        "val": {"glioma": 135, "meningioma": 80, "pituitary": 99},
        "test": {"glioma": 317, "meningioma": 139, "pituitary": 203},
    }
    assert loaded.receipt.groups_known == 88
    assert sum(loaded.receipt.near.values()) == 79
    assert loaded.pool.counts()["excluded"] == 0
    sample = loaded.pool.samples[0]
    assert loaded.truth.region(sample.id).sum() == int(sample.extra["mask_pixels"])


def test_chest_films(real, cache):
    loaded = load("medmnist/pneumoniamnist_rebuilt_28.npz", real, cache)
    assert not loaded.problems
    assert per_side(loaded) == {
        "train": {"0": 1214, "1": 3494}, "val": {"0": 135, "1": 389}, "test": {"0": 234, "1": 390}
    }  # fmt: skip
    receipt = loaded.receipt
    assert receipt.samples_without_group == 5856
    assert receipt.near == dict.fromkeys(receipt.near, 0)
    assert receipt.identical["train_val"] == 10  # 8 films of val; two of them twice in train
    assert loaded.pool.counts()["excluded"] == 10
    assert loaded.pixels().channels == 1
