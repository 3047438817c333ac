"""foveal select: what is labeled teaches, the rest is chosen from, and each choice has a reason."""

import csv

import pytest

from discs import foveal, write_discs

FAST = ("--set", "train.epochs=2", "--set", "data.image_size=32")
OUTLINES = ("--task", "segmentation", "--set", "segment.widths=[4,8]")


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    """The discs with all labels, with half of them, with none; and with half of the masks."""
    folder = write_discs(tmp_path_factory.mktemp("select") / "discs")
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    half = {row["image"] for i, row in enumerate(rows) if i % 4 < 2}
    changes = {
        "half": lambda row: {} if row["image"] in half else {"label": "", "mask": ""},
        "none": lambda row: {"label": "", "mask": ""},
        "outlined": lambda row: {"label": ""} | ({} if row["image"] in half else {"mask": ""}),
    }
    for name, change in changes.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows({**row, "split": "", **change(row)} for row in rows)
    return folder, half, [row["image"] for row in rows]


def chosen(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("half", (), "chosen by variance_reduction"),
        ("half", ("--strategy", "entropy"), "chosen by entropy"),
        ("outlined", OUTLINES, "chosen by variance_reduction"),
        ("outlined", (*OUTLINES, "--strategy", "pixel_entropy_top"), "pixel_entropy_top"),
        ("none", (), "too few to train on"),
        ("none", OUTLINES, "too few to train on"),
    ],
)
def test_the_next_batch_is_of_what_is_not_labeled(manifests, tmp_path, name, more, told):
    folder, half, images = manifests
    out = tmp_path / "batch.csv"
    ended = foveal("select", folder / f"{name}.csv", "-n", 5, "--out", out, *FAST, *more)
    assert ended.status == 0, ended.err
    assert told in " ".join(ended.out.split())
    rows = chosen(out)
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5"]
    picked = {row["image"] for row in rows}
    assert len(picked) == 5
    assert picked <= set(images) - (set() if name == "none" else half)
    assert all(row["why"] for row in rows)
    assert all(bool(row["predicted"]) == (name != "none") for row in rows)


def test_the_same_command_chooses_the_same(manifests, tmp_path):
    folder, _, _ = manifests
    for name in ("a", "b"):
        foveal("select", folder / "half.csv", "--out", tmp_path / f"{name}.csv", *FAST)
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


def test_hidden_labels_do_not_decide(manifests, tmp_path):
    """Who labels one more image is not asked for it again."""
    folder, _, _ = manifests
    command = ("-n", 1, "--out", tmp_path / "batch.csv", *FAST)
    foveal("select", folder / "half.csv", *command)
    (first,) = chosen(tmp_path / "batch.csv")
    with (folder / "half.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["image"] == first["image"]:
            row["label"] = "disc"
    with (folder / "more.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    foveal("select", folder / "more.csv", *command)
    (second,) = chosen(tmp_path / "batch.csv")
    assert second["image"] != first["image"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("labels.csv",), "all 24 samples are labeled"),
        (("nothing.csv",), "does not exist"),
        (("half.csv", "--strategy", "entropi"), "Did you mean 'entropy'"),
        (("half.csv", "--strategy", "pixel_entropy"), "needs task: segmentation"),
    ],
)
def test_what_cannot_be_done_is_told(manifests, tmp_path, arguments, told):
    folder, _, _ = manifests
    name, *more = arguments
    ended = foveal("select", folder / name, "--out", tmp_path / "batch.csv", *FAST, *more)
    assert ended.status == 2
    assert told in ended.err
    assert not (tmp_path / "batch.csv").exists()
