"""Figures inside the real MLflow and TensorBoard, where they are installed (`make peers`)."""

import copy
import warnings

import pytest

from foveal.cli.loggers import log_results, with_logs


def results(*names):
    run = {
        "strategy": "eg_al",
        "seed": 0,
        "labels": [10, 20],
        "metrics": {"macro_auroc": [0.5, 0.75], "ece": [None, 0.25]},
        "cost_seconds": [60, 120],
        "queried": [["sample-a"], ["sample-b"]],
        "parameters": {"weight": 0.3},
    }
    other = run | {"strategy": "random", "metrics": {"macro_auroc": [0.5, 0.6]}}
    return {
        "name": "Lungs",
        "spec": {"report": {"log": list(names)}, "data": {"source": "patients/doe.csv"}},
        "runs": [run, other],
    }


def mlflow_runs(folder):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    place = client.get_experiment_by_name("Lungs").experiment_id
    return client, {run.info.run_name: run for run in client.search_runs([place])}


@pytest.fixture
def mlflow():
    pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own use of SQLAlchemy
        yield


def test_mlflow_has_every_curve(mlflow, tmp_path):
    assert with_logs({}, ["mlflow"]) == {"report": {"log": ["mlflow"]}}
    log_results(results("mlflow"), tmp_path)
    client, runs = mlflow_runs(tmp_path)
    assert set(runs) == {"eg_al, seed 0", "random, seed 0"}
    run = runs["eg_al, seed 0"]
    curve = client.get_metric_history(run.info.run_id, "test/macro_auroc")
    assert sorted((point.step, point.value) for point in curve) == [(10, 0.5), (20, 0.75)]
    assert [p.step for p in client.get_metric_history(run.info.run_id, "test/ece")] == [20]
    assert run.data.params["parameters.weight"] == "0.3"
    assert run.info.status == "FINISHED"


def test_mlflow_is_told_once_and_told_anew_of_what_has_changed(mlflow, tmp_path):
    log_results(results("mlflow"), tmp_path)
    _, before = mlflow_runs(tmp_path)
    changed = copy.deepcopy(results("mlflow"))
    changed["runs"][1]["metrics"]["macro_auroc"][1] = 0.9
    log_results(changed, tmp_path)
    _, after = mlflow_runs(tmp_path)
    assert set(after) == set(before)
    same, other = "eg_al, seed 0", "random, seed 0"
    assert after[same].info.run_id == before[same].info.run_id
    assert after[other].data.metrics["test/macro_auroc"] == 0.9


def test_mlflow_writes_no_path_and_no_sample(mlflow, tmp_path):
    folder = tmp_path / "hidden-place"
    log_results(results("mlflow"), folder)
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"macro_auroc" in written
    for hidden in (b"hidden-place", b"sample-a", b"doe.csv"):
        assert hidden not in written


def test_tensorboard_has_every_curve_once(tmp_path):
    pytest.importorskip("tensorboard")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        for _ in range(2):
            log_results(results("tensorboard"), tmp_path)
        curves = {}
        for folder in (tmp_path / "tensorboard").iterdir():
            assert len(list(folder.iterdir())) == 1
            events = EventAccumulator(str(folder)).Reload()
            curves[folder.name[:5]] = [
                (e.step, round(e.value, 6)) for e in events.Scalars("test/macro_auroc")
            ]
    assert curves == {"eg-al": [(10, 0.5), (20, 0.75)], "rando": [(10, 0.5), (20, 0.6)]}
