"""Measuring: metrics of a part, each as its own definition gives it, from guarded references."""

import numpy as np
import pytest

from foveal.core.errors import PeekError
from foveal.loop import Experiment
from foveal.loop.bench import RegionReader
from foveal.loop.measure import measure
from foveal.models import Pass, predict


@pytest.fixture(scope="module")
def learner(finished, bench):
    spec, _, _, folder = finished
    with Experiment(spec, bench, folder) as experiment:
        return experiment._last_model()


def measured(learner, bench, part, truth=None):
    truth = truth or bench.references()
    return measure(learner, bench, part, RegionReader(bench, truth), truth, Pass())


def test_metrics_are_those_of_the_journal(learner, bench, finished):
    last = finished[1].trained[-1]
    for part in ("val", "test"):
        metrics, details = measured(learner, bench, part)
        assert metrics == pytest.approx(last.metrics[part])
        assert set(details["recall_per_class"]) == set(bench.pool.classes)


def test_accuracy_counts_right_answers(learner, bench):
    ids = bench.pool.ids("test")
    probs = predict(learner, bench.inputs, bench.rows(ids), ids, ("probs",)).arrays["probs"]
    right = [
        int(p.argmax()) == bench.references().label(i) for p, i in zip(probs, ids, strict=True)
    ]
    assert measured(learner, bench, "test")[0]["accuracy"] == np.mean(right)


def test_the_pool_cannot_be_measured(learner, bench):
    with pytest.raises(PeekError):
        measured(learner, bench, "unlabeled")


class WithoutRegions:
    def __init__(self, truth, region):
        self.label, self._region = truth.label, region

    def region(self, sample):
        return self._region


@pytest.mark.parametrize("region", [None, np.zeros((64, 64), bool)])
def test_map_metrics_are_left_out_where_no_region_is_known(learner, bench, region):
    metrics, _ = measured(learner, bench, "test", WithoutRegions(bench.references(), region))
    assert set(metrics) == {"accuracy", "balanced_accuracy", "macro_auroc", "ece"}
