"""A run that was stopped anywhere goes on as if nothing had happened."""

from itertools import count

import numpy as np
import pytest
import torch

from discs import disc_spec, timeless, told
from foveal.core.errors import StoreError
from foveal.loop import Experiment, Stop, open_bench, run_record
from foveal.loop.gallery import draw_gallery
from foveal.store import Blobs, Journal

MODES = {
    "features, explanation loss": {"train__explanation_weight": 1.0},
    "warm start and patience": {
        "train__warm_start": True,
        "train__patience": 1,
        "train__explanation_weight": 1.0,
    },
    "atlas, boxes, prototypes, a noisy expert": {
        "regions__source": "atlas",
        "regions__annotate": "box",
        "model__head": "prototype",
        "annotator__kind": "noisy",
        "annotator__class_error": 0.3,
    },
    "classes alone, caps": {
        "regions__source": "none",
        "regions__annotate": "none",
        "acquire__strategy": "stratified_random",
        "acquire__per_group": 1,
        "acquire__balance": "predicted",
    },
    "full": {"model__mode": "full", "train__epochs": 1, "labels": 8},
    "full, warm start and patience": {
        "model__mode": "full",
        "train__epochs": 2,
        "labels": 8,
        "train__warm_start": True,
        "train__patience": 1,
        "train__explanation_weight": 1.0,
    },
}


def outcome(experiment, folder):
    """All that a finished run has to show, but for wall times."""
    record = run_record("x", experiment.spec, experiment.state, experiment.bench.pool)
    cases = draw_gallery(experiment.state, experiment.bench, experiment.blobs, folder)
    return timeless(record), cases, told(folder)


def uninterrupted(spec, bench, folder):
    with Experiment(spec, bench, folder) as experiment:
        experiment.run()
        return outcome(experiment, folder)


def disturb(number):
    """What another process would have: another state of every global generator."""
    torch.manual_seed(number)
    np.random.seed(number)  # noqa: NPY002


@pytest.mark.parametrize("mode", MODES)
def test_a_fresh_start_before_every_step_changes_nothing(discs, tmp_path, mode):
    spec = disc_spec(**{"labels": 10, "budget": 2} | MODES[mode])
    bench = open_bench(spec, discs)
    whole = uninterrupted(spec, bench, tmp_path / "whole")
    for number in count():
        disturb(number)
        with Experiment(spec, bench, tmp_path / "steps") as experiment:
            if isinstance(experiment.step(), Stop):
                assert outcome(experiment, tmp_path / "steps") == whole
                break
    assert number == len(whole[0]["labels"]) * 3  # ask, annotate and train, each alone


class Pulled(BaseException):
    """The plug."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("target", [(Journal, "append_many"), (Blobs, "put"), (Blobs, "drop")])
def test_a_plug_pulled_around_any_write_changes_nothing(discs, tmp_path, monkeypatch, target, when):
    spec = disc_spec(train__epochs=1, labels=8, budget=2)
    bench = open_bench(spec, discs)
    whole = uninterrupted(spec, bench, tmp_path / "whole")
    kind, name = target
    real = getattr(kind, name)
    calls = 0

    def pulled(*arguments):
        nonlocal calls
        calls += 1
        if calls == fatal and when == "before":
            raise Pulled
        answer = real(*arguments)
        if calls == fatal:
            raise Pulled
        return answer

    monkeypatch.setattr(kind, name, pulled)
    for kills in count(1):  # the same run, pulled again and again, each time a write later
        calls, fatal = 0, kills
        try:
            with Experiment(spec, bench, tmp_path / "pulled") as experiment:
                experiment.run()
                assert outcome(experiment, tmp_path / "pulled") == whole
                break
        except Pulled:
            continue
    assert kills > 1


def test_two_runs_at_once_on_one_folder_are_told_apart(discs, tmp_path):
    spec = disc_spec(labels=8)
    bench = open_bench(spec, discs)
    with Experiment(spec, bench, tmp_path) as first:
        first.step()
        before = told(tmp_path)
        with (
            pytest.raises(StoreError, match=r"only one run at a time .* another one is at it"),
            Experiment(spec, bench, tmp_path) as second,
        ):
            second.run()
        assert told(tmp_path) == before
        first.run()
    with Experiment(spec, bench, tmp_path) as later:  # whoever comes after is welcome
        assert isinstance(later.next, Stop)
