"""What is logged elsewhere; the real MLflow and TensorBoard are asked in tests/peers."""

import importlib.util
import json

import pytest

from discs import foveal
from foveal.cli import loggers
from foveal.cli.loggers import Point, logged, with_logs
from foveal.core.errors import SpecError


def stored(folder):
    return json.loads((folder / "results.json").read_text())


def test_each_metric_is_logged_at_its_labels(ran):
    run = stored(ran[0])["runs"][0]
    points = logged(run).points
    for i, labels in enumerate(run["labels"]):
        assert Point("test/accuracy", labels, run["metrics"]["accuracy"][i]) in points
        assert Point("expert_minutes", labels, run["cost_seconds"][i] / 60) in points
    assert logged(run).facts["seed"] == str(run["seed"])


def test_what_does_not_exist_is_left_out():
    run = {"strategy": "a", "seed": 0, "labels": [5, 9], "metrics": {"ece": [None, 0.5]}}
    assert logged(run).points == (Point("test/ece", 9, 0.5),)


def test_no_sample_and_no_path_is_logged(ran):
    folder, _ = ran
    results = stored(folder)
    told = json.dumps([logged(run) for run in results["runs"]])
    ids = {i for run in results["runs"] for ids in run["queried"] for i in ids}
    assert ids
    assert not [i for i in ids if i in told]
    for hidden in (results["spec"]["data"]["source"], str(folder), results["command"]):
        assert hidden not in told


def test_two_runs_never_share_a_place():
    names = ["a b, seed 0", "a-b, seed 0", "A b, seed 0"]
    assert len({loggers.Logged(name, {}, ()).slug for name in names}) == 3


@pytest.fixture
def bare(monkeypatch):
    """An environment with neither package."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_a_logger_that_is_not_installed_is_told_before_any_run(bare, spec, tmp_path):
    for arguments in (("--log", "tensorboard"), ("--set", "report.log=[tensorboard]")):
        ended = foveal("run", spec, "--out", tmp_path / "out", *arguments)
        assert ended.status == 2
        assert "needs the package 'tensorboard'" in ended.err
        assert "foveal[tensorboard]" in ended.err
        assert not (tmp_path / "out").exists()


def test_an_unknown_logger_is_told(spec, tmp_path):
    ended = foveal("compare", spec, "--log", "wandb", "--out", tmp_path / "out")
    assert ended.status == 2
    assert "`report.log.0`" in ended.err


def test_the_command_line_adds_to_the_spec(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    both = with_logs({"report": {"log": ["mlflow"]}}, ["tensorboard", "mlflow"])
    assert both["report"]["log"] == ["mlflow", "tensorboard"]
    assert with_logs({"seed": 3}, []) == {"seed": 3}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SpecError, match=r"install foveal\[mlflow\]"):
        with_logs({}, ["mlflow"])


def test_a_finished_run_may_be_logged_later(ran, spec, monkeypatch, tmp_path, no_page):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    told = []
    monkeypatch.setattr(loggers, "_to_mlflow", lambda runs, name, folder: told.append(name))
    out = tmp_path / "run"
    for arguments in ((), ("--log", "mlflow")):
        ended = foveal("run", spec, "--out", out, *arguments)
        assert ended.status == 0, ended.err  # the journal does not mind
    assert told == ["Discs"]
