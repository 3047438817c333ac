"""Figures for MLflow and TensorBoard as well: local files beside the results, nothing else.

What is logged is a run's name, its settings by name and its metrics by labels; no sample, path or
command. Logging again replaces what was logged of a run.
"""

import hashlib
import importlib.util
import json
import logging
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from foveal.core.errors import SpecError
from foveal.core.spec import with_settings

NEEDED = {"mlflow": ("mlflow", "alembic"), "tensorboard": ("tensorboard",)}
FACTS = ("acquire", "regions", "annotate", "explanation_weight", "seed", "oracle", "pool_digest")
BATCH = 500  # MLflow takes 1000 metrics at once
NO_ARTIFACTS = "mlflow-artifacts:/none"  # a local folder would write this machine's path down


class Point(NamedTuple):
    """A metric after a round; the step is the number of labels."""

    metric: str
    step: int
    value: float


class Logged(NamedTuple):
    """What is logged of a run."""

    name: str
    facts: dict[str, str]
    points: tuple[Point, ...]

    @property
    def digest(self) -> str:
        """Of all that is logged."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()

    @property
    def slug(self) -> str:
        """The name as that of a folder."""
        short = hashlib.sha256(self.name.encode()).hexdigest()[:6]
        return f"{re.sub(r'[^a-z0-9]+', '-', self.name.lower()).strip('-')}-{short}"


def with_logs(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Settings that log to `names` too, after a look whether all that is asked for is installed.

    Raises:
        SpecError: naming what to install.
    """
    asked = (settings.get("report") or {}).get("log") or []
    every = list(dict.fromkeys([*asked, *names])) if isinstance(asked, list) else asked
    for name in every:
        lacking = [m for m in NEEDED.get(name, ()) if importlib.util.find_spec(m) is None]
        if lacking:
            raise SpecError(
                f"`report.log: {name}` needs the package {lacking[0]!r}, which is not installed; "
                f"install foveal[{name}], or leave it out"
            )
    return with_settings(settings, {"report.log": every} if every else {})


def log_results(results: Mapping[str, Any], folder: Path) -> None:
    """Write what the spec's `report.log` asks for into `folder`: `mlflow.db`, `tensorboard/`.

    Args:
        results: the content of results.json.
    """
    asked = (results["spec"].get("report") or {}).get("log") or ()
    runs = [logged(run) for run in results["runs"]]
    if "mlflow" in asked:
        _to_mlflow(runs, str(results["name"]), folder)
    if "tensorboard" in asked:
        _to_tensorboard(runs, folder)


def logged(run: Mapping[str, Any]) -> Logged:
    """What is logged of one run of results.json; values that do not exist are left out."""
    curves = {f"test/{name}": values for name, values in run["metrics"].items()}
    curves |= {f"val/{name}": values for name, values in run.get("validation", {}).items()}
    curves["expert_minutes"] = [seconds / 60 for seconds in run.get("cost_seconds", ())]
    facts = {key: str(run[key]) for key in FACTS if key in run}
    facts |= {f"parameters.{k}": str(v) for k, v in run.get("parameters", {}).items()}
    return Logged(
        f"{run['strategy']}, seed {run['seed']}",
        facts,
        tuple(
            Point(name, int(labels), float(value))
            for name, values in sorted(curves.items())
            for labels, value in zip(run["labels"], values, strict=False)
            if value is not None
        ),
    )


def _to_mlflow(runs: Sequence[Logged], experiment: str, folder: Path) -> None:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read on import: no outside address is called
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    folder.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(tracking_uri=f"sqlite:///{(folder / 'mlflow.db').resolve()}")
    known = client.get_experiment_by_name(experiment)
    place = known.experiment_id if known else client.create_experiment(experiment, NO_ARTIFACTS)
    there = {r.data.tags.get("foveal.digest"): r for r in client.search_runs([place])}
    for digest, old in there.items():
        if digest not in {run.digest for run in runs}:
            client.delete_run(old.info.run_id)
    for run in runs:
        if run.digest in there:
            continue
        made = client.create_run(place, tags={"foveal.digest": run.digest}, run_name=run.name)
        now = int(time.time() * 1000)
        client.log_batch(made.info.run_id, params=[Param(k, v) for k, v in run.facts.items()])
        for begin in range(0, len(run.points), BATCH):
            some = run.points[begin : begin + BATCH]
            metrics = [Metric(p.metric, p.value, now, p.step) for p in some]
            client.log_batch(made.info.run_id, metrics=metrics)
        client.set_terminated(made.info.run_id)


def _to_tensorboard(runs: Sequence[Logged], folder: Path) -> None:
    # What torch's SummaryWriter writes with; it needs no torch.
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for run in runs:
        place = folder / "tensorboard" / run.slug
        for old in place.glob("events.out.tfevents.*"):
            old.unlink()
        writer = EventFileWriter(str(place))
        for point in run.points:
            value = Summary.Value(tag=point.metric, simple_value=point.value)
            summary = Summary(value=[value])
            writer.add_event(Event(wall_time=time.time(), step=point.step, summary=summary))
        writer.close()
