"""`foveal run`: one experiment from a file, resumed by the same command."""

import json

import pytest

from discs import disc_settings, foveal, timeless, told


def stored(folder):
    return json.loads((folder / "results.json").read_text())


def test_a_run_leaves_results_report_and_figures(ran):
    folder, ended = ran
    assert ended.status == 0, ended.err
    results = stored(folder)
    assert [r["labels"] for r in results["runs"]] == [[6, 9]]
    assert results["command"].startswith("foveal run ")
    page = (folder / "report.html").read_text()
    assert "<script" not in page
    assert {p.suffix for p in (folder / "figures").iterdir()} == {".png", ".svg"}
    assert (folder / "gallery").is_dir()
    assert "Discs: test set after the last round" in ended.out
    for name in ("report.html", "results.json"):
        assert str(folder / name) in ended.out


def test_again_it_ends_at_once_with_the_same_results(ran, spec, no_page):
    folder, _ = ran
    before, journal = stored(folder), (folder / "journal.sqlite").read_bytes()
    assert foveal("run", spec, "--out", folder).status == 0
    assert stored(folder) == before
    assert (folder / "journal.sqlite").read_bytes() == journal


def test_settings_change_on_the_command_line(spec, tmp_path, no_page):
    ended = foveal(
        "run", spec, "--out", tmp_path, "--set", "acquire.strategy=entropy", "--set", "seed=3"
    )
    assert ended.status == 0, ended.err
    (run,) = stored(tmp_path)["runs"]
    assert (run["strategy"], run["seed"]) == ("entropy", 3)
    assert stored(tmp_path)["spec"]["acquire"]["strategy"] == "entropy"


def test_without_out_a_run_is_named_after_its_spec(discs, tmp_path, monkeypatch, no_page):
    path = tmp_path / "first.yaml"
    settings = disc_settings(data__source=str(discs / "labels.csv"), labels=6, train__epochs=1)
    path.write_text(json.dumps(settings | {"arms": [{"name": "x"}], "seeds": 4}))
    monkeypatch.chdir(tmp_path)
    assert foveal("run", "first.yaml").status == 0
    results = stored(tmp_path / "runs" / "first")
    assert len(results["runs"]) == 1  # arms and seeds are for comparisons


def test_a_source_is_relative_to_its_spec(discs, tmp_path, monkeypatch, no_page):
    monkeypatch.chdir(tmp_path)
    path = discs / "relative.yaml"
    path.write_text(json.dumps(disc_settings(labels=6, train__epochs=1)))
    ended = foveal("run", path, "--out", "here")
    path.unlink()
    assert ended.status == 0, ended.err


@pytest.mark.parametrize(
    ("changes", "told_"),
    [
        (["train.epohcs=3"], "unknown key `train.epohcs`. Did you mean 'epochs'?"),
        (["acquire.strategy=eg_all"], "no strategy 'eg_all'. Did you mean 'eg_al'?"),
        (["acquire.parameters.wieght=1"], "has no setting 'wieght'. Did you mean 'weight'?"),
        (["labels=25"], "25 labels are asked for and the pool has 24 candidates"),
        (["epochs"], "--set must be key=value"),
        (["seed_set=20"], "`labels` (9) must be at least `seed_set` (20)"),
        (["data.source=nowhere.csv"], "does not exist"),
        (["model.backbone=mobilenet"], "must be 'mobilenet_v2' or a timm model"),
    ],
)
def test_a_wrong_setting_is_told_and_leaves_no_folder(spec, tmp_path, changes, told_):
    folder = tmp_path / "run"
    ended = foveal("run", spec, "--out", folder, *(a for c in changes for a in ("--set", c)))
    assert ended.status == 2
    assert told_ in ended.err
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err
    assert not folder.exists()


def test_other_settings_for_a_finished_run_are_refused(ran, spec):
    folder, _ = ran
    before = told(folder)
    ended = foveal("run", spec, "--out", folder, "--set", "budget=2")
    assert ended.status == 2
    assert "began with other settings of `budget`" in ended.err
    assert told(folder) == before


def test_two_commands_give_the_same_figures(ran, spec, tmp_path, no_page):
    folder, _ = ran
    assert foveal("run", spec, "--out", tmp_path / "monday").status == 0
    one, other = timeless(stored(folder)), timeless(stored(tmp_path / "monday"))
    assert one.pop("command") != other.pop("command")
    assert one == other
