"""`foveal demo`: its spec is sound, its data are there, and its moral follows its figures.

The whole demo takes minutes: `make demo` runs it.
"""

import json

import pytest

from discs import foveal
from foveal.cli import demo
from foveal.core.spec import parse_spec, with_settings
from foveal.data.phantom import write_phantom
from foveal.loop import open_bench, runs_of


def test_the_demo_s_runs_fit_the_demo_s_images(tmp_path):
    write_phantom(tmp_path / "phantom", samples=24, seed=0, size=32)
    runs = runs_of(demo.SETTINGS, tmp_path)
    assert len(runs) == 12
    small = with_settings(demo.SETTINGS, {"labels": 6, "seed_set": 3, "data.image_size": 32})
    for run in runs_of(small, tmp_path)[:4]:
        open_bench(run.spec, tmp_path)


def test_there_are_enough_images_for_the_labels():
    from foveal.data.phantom.write import plan_entries

    entries = plan_entries(demo.IMAGES, seed=0)
    candidates = sum(entry.split == "train" for entry in entries)
    assert parse_spec(demo.SETTINGS).labels < candidates


def test_the_moral_names_arms_of_the_demo_and_repeats_their_figures():
    names = [arm["name"] for arm in demo.SETTINGS["arms"]]
    figures = iter(range(10, 100, 10))
    summary = {
        name: {m: {"final": {"mean": next(figures) / 100}} for m in ("accuracy", "pointing_game")}
        for name in names
    }
    told = demo.moral(summary)
    assert "right on 30% and looked at the lesion on 40%" in told
    assert "right on 70% and looked at the lesion on 80%" in told


def test_the_command_puts_the_pieces_together(tmp_path, monkeypatch, no_page):
    """The demo on 40 small images, one seed and one epoch."""
    small = {
        "labels": 8,
        "seed_set": 6,
        "budget": 2,
        "seeds": 1,
        "data.image_size": 32,
        "train.epochs": 1,
    }
    monkeypatch.setattr(demo, "IMAGES", 40)
    monkeypatch.setattr(demo, "SETTINGS", with_settings(demo.SETTINGS, small))
    ended = foveal("demo", "--out", tmp_path, "--jobs", 1)
    assert ended.status == 0, ended.err
    assert "On test images, where the marker means nothing" in ended.out
    results = json.loads((tmp_path / "results.json").read_text())
    assert [r["strategy"] for r in results["runs"]] == [a["name"] for a in demo.SETTINGS["arms"]]
    assert results["command"] == "foveal demo"
    with pytest.raises(StopIteration):
        next(p for p in tmp_path.rglob(".*") if p.is_file())
