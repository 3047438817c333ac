"""The summary of a comparison: its shape, and its honesty about what is missing."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import run, studies

from foveal.core.errors import EvidenceError
from foveal.evaluate import compare, penalties, summarize, verdict, warnings_for, winners

AGREED = {"aubc", "final", "labels_to_target", "minutes_to_target", "labels_saved"}


@given(studies())
def test_everything_is_json_without_nan(runs):
    json.dumps([verdict(runs), warnings_for(runs)], allow_nan=False)


@given(studies())
def test_the_summary_has_the_agreed_shape(runs):
    summary = summarize(runs)
    assert set(summary) == {r["strategy"] for r in runs}
    for metrics in summary.values():
        assert set(metrics) == {"accuracy", "ece"}
        for entry in metrics.values():
            assert set(entry) == AGREED
            assert set(entry["aubc"]) == set(entry["final"]) == {"mean", "std"}


@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_runs_does_not_matter(runs, random):
    shuffled = random.sample(runs, len(runs))
    before, after = summarize(runs), summarize(shuffled)
    for strategy, metrics in before.items():
        for metric, entry in metrics.items():
            other = after[strategy][metric]
            assert other["aubc"] == pytest.approx(entry["aubc"])
            assert other["final"] == pytest.approx(entry["final"])


def test_means_and_deviations_in_closed_form():
    runs = [run("random", 0, [0.2, 0.4, 0.6]), run("random", 1, [0.4, 0.6, 0.8])]
    entry = summarize(runs)["random"]["accuracy"]
    assert entry["aubc"] == pytest.approx({"mean": 0.5, "std": 0.2 / np.sqrt(2)})
    assert entry["final"] == pytest.approx({"mean": 0.7, "std": 0.2 / np.sqrt(2)})
    assert entry["labels_to_target"] == pytest.approx(90)


def test_one_seed_has_no_deviation_and_no_test():
    runs = [run("random", 0, [0.5, 0.6, 0.7]), run("b", 0, [0.6, 0.7, 0.8])]
    assert summarize(runs)["b"]["accuracy"]["aubc"] == {"mean": pytest.approx(0.7), "std": None}
    (test,) = compare(runs)
    assert test["difference"] == pytest.approx(-0.1)
    assert test["p"] is test["p_holm"] is None


def test_labels_to_target_is_where_the_mean_curve_meets_the_end_of_random():
    runs = [
        run("random", 0, [0.4, 0.5, 0.6]),
        run("random", 1, [0.6, 0.7, 0.8]),
        run("good", 0, [0.5, 0.8, 0.9]),
        run("good", 1, [0.5, 0.8, 0.9]),
        run("bad", 0, [0.1, 0.2, 0.3]),
    ]
    summary = summarize(runs)
    reached = {name: summary[name]["accuracy"]["labels_to_target"] for name in summary}
    assert reached == {"random": 90, "good": pytest.approx(50), "bad": None}
    saved = {name: summary[name]["accuracy"]["labels_saved"] for name in summary}
    assert saved["random"] == {"share": 1, "of": 90}
    assert saved["good"] == {"share": pytest.approx(5 / 9), "of": 90}
    assert saved["bad"] is None


def test_minutes_to_target_are_read_from_what_each_arm_costs():
    cheap, dear = [30 * 60, 60 * 60, 90 * 60], [60 * 60, 120 * 60, 180 * 60]
    runs = [
        run("random", 0, [0.4, 0.5, 0.6], cost_seconds=cheap),
        run("boxes", 0, [0.5, 0.7, 0.9], cost_seconds=dear),
        run("unknown", 0, [0.5, 0.7, 0.9]),
        run("free", 0, [0.5, 0.7, 0.9], cost_seconds=[0, 0, 0]),
    ]
    summary = summarize(runs)
    assert summary["random"]["accuracy"]["minutes_to_target"] == pytest.approx(90)
    assert summary["boxes"]["accuracy"]["minutes_to_target"] == pytest.approx(90)
    assert summary["boxes"]["accuracy"]["labels_to_target"] == pytest.approx(45)
    for name in ("unknown", "free"):
        assert summary[name]["accuracy"]["minutes_to_target"] is None


def test_the_first_arm_that_chooses_at_random_is_the_baseline_where_none_is_called_so():
    runs = [
        run("b", 0, [0.1, 0.2, 0.3], acquire="entropy"),
        run("chance", 0, [0.1, 0.2, 0.2], acquire="random"),
        run("chance, masks", 0, [0.3, 0.3, 0.3], acquire="random"),
    ]
    assert summarize(runs)["b"]["accuracy"]["labels_to_target"] == pytest.approx(60)
    named = [*runs, run("random", 0, [0.3, 0.3, 0.3], acquire="k_center")]
    assert summarize(named)["b"]["accuracy"]["labels_to_target"] == pytest.approx(90)


def test_errors_reach_their_target_from_above():
    runs = [
        run("random", 0, [0.4, 0.3, 0.2], metric="ece"),
        run("good", 0, [0.3, 0.1, 0.1], metric="ece"),
    ]
    assert summarize(runs)["good"]["ece"]["labels_to_target"] == pytest.approx(45)


def test_without_random_there_is_no_target():
    assert summarize([run("a", 0, [0.1, 0.2, 0.3])])["a"]["accuracy"]["labels_to_target"] is None


def test_the_mean_curve_spans_what_all_runs_have():
    runs = [
        run("random", 0, [0.0, 1.0], labels=[0, 100]),
        run("random", 1, [0.0, 0.5], labels=[0, 50]),
    ]
    # Both rise by 0.01 a label; the target is 0.75, which the common range 0 to 50 does not hold.
    assert summarize(runs)["random"]["accuracy"]["labels_to_target"] is None
    apart = [run("random", 0, [0.1], labels=[10]), run("random", 1, [0.1], labels=[20])]
    assert summarize(apart)["random"]["accuracy"]["labels_to_target"] is None


def test_what_does_not_exist_is_skipped_and_told():
    runs = [run("a", seed, [0.5, None, 0.7]) for seed in range(5)]
    runs.append(run("b", 0, [None, None, None]))
    summary = summarize(runs)
    assert summary["a"]["accuracy"]["aubc"]["mean"] == pytest.approx(0.6)
    assert summary["b"]["accuracy"]["final"] == {"mean": None, "std": None}
    assert compare(runs)[0]["difference"] is None
    assert any("does not exist at 8 points" in line for line in warnings_for(runs))


def test_no_runs():
    assert summarize([]) == {}
    assert compare([]) == warnings_for([]) == []
    assert penalties([]) == winners([]) == {}


def test_a_run_twice_is_refused():
    with pytest.raises(EvidenceError, match="seed 0 occurs twice"):
        summarize([run("a", 0, [1, 1, 1]), run("a", 0, [1, 1, 1])])
