"""Results: the dictionary that reports and other programs read, as it was promised."""

import json
from dataclasses import replace

import numpy as np
import pytest

from discs import disc_spec
from foveal.core.annotation import Annotation
from foveal.loop import results_of, run_record, write_results

PROMISED_RUN = {
    "strategy",
    "regions",
    "oracle",
    "seed",
    "labels",
    "metrics",
    "queried",
    "cost_seconds",
    "wall_seconds",
}
PROMISED_METRICS = {
    "accuracy",
    "balanced_accuracy",
    "macro_auroc",
    "cam_dice",
    "pointing_game",
    "ece",
}
A_ROUND_EACH = ("labels", "queried", "cost_seconds", "wall_seconds", "class_counts", "notes")


@pytest.fixture(scope="module")
def results(finished):
    spec, state, record, _ = finished
    other = record | {"strategy": "random", "seed": 0}
    return results_of(spec.model_dump(mode="json"), state.created, [record, other], "foveal", {})


def test_a_run_has_what_was_promised_and_a_value_a_round(finished):
    _, state, record, _ = finished
    assert set(record) >= PROMISED_RUN
    assert set(record["metrics"]) == PROMISED_METRICS
    rounds = len(state.trained)
    assert rounds == 3
    assert all(len(record[name]) == rounds for name in A_ROUND_EACH)
    assert all(len(values) == rounds for values in record["metrics"].values())
    assert (record["strategy"], record["oracle"], record["regions"]) == (
        "eg_al",
        False,
        "predicted",
    )


def test_labels_costs_and_counts_add_up(finished, bench):
    spec, _, record, _ = finished
    assert record["labels"] == [6, 11, 15]
    assert [len(ids) for ids in record["queried"]] == [6, 5, 4]
    asked = [i for ids in record["queried"] for i in ids]
    assert len(set(asked)) == 15
    assert set(asked) <= set(bench.pool.ids("unlabeled"))
    each = spec.cost.class_seconds + spec.cost.mask_seconds
    assert record["cost_seconds"] == [n * each for n in record["labels"]]
    assert [sum(counts.values()) for counts in record["class_counts"]] == record["labels"]
    truth = [bench.pool.classes[bench.collection.truth.label(i)] for i in asked]
    assert record["class_counts"][-1] == {c: truth.count(c) for c in bench.pool.classes}


def test_metrics_are_of_the_test_part_and_validation_stands_apart(finished):
    _, state, record, _ = finished
    for part, name in (("test", "metrics"), ("val", "validation")):
        for metric, values in record[name].items():
            assert values == [t.metrics[part][metric] for t in state.trained]


def test_the_whole_has_the_promised_form(results):
    assert set(results) >= {"spec", "pool", "runs", "summary", "tests"}
    assert set(results["pool"]) >= {"digest", "counts", "receipt"}
    assert results["pool"]["counts"] == {"unlabeled": 24, "val": 6, "test": 8}
    for metrics in results["summary"].values():
        assert set(metrics) == PROMISED_METRICS
        for told in metrics.values():
            assert set(told) >= {"aubc", "final", "labels_to_target", "minutes_to_target"}
            assert set(told["aubc"]) == set(told["final"]) == {"mean", "std"}
    assert {t["metric"] for t in results["tests"]} == PROMISED_METRICS
    wanted = {"metric", "a", "b", "difference", "p", "p_holm", "p_wilcoxon", "interval"}
    assert all(set(t) >= wanted for t in results["tests"])
    assert set(results["winner"]) == PROMISED_METRICS
    assert results["penalty"] == {}  # one seed
    assert results["failures"] == []


def test_results_are_written_as_strict_json(results, tmp_path):
    path = write_results(results, tmp_path)
    text = path.read_text()
    assert path == tmp_path / "results.json"
    assert json.loads(text) == results
    assert "NaN" not in text


def test_a_run_that_was_never_trained_is_a_record_too(finished, bench):
    spec, state, _, _ = finished
    begun = replace(state, trained=(), queries=state.queries[:1], details=state.details[:1])
    record = run_record("x", spec, begun, bench.pool)
    assert all(record[name] == [] for name in A_ROUND_EACH)
    assert record["metrics"] == {}
    assert record["reliability"] is None


def test_early_stopping_pays_for_its_validation_labels(finished, bench):
    _, state, record, _ = finished
    patient = run_record("x", disc_spec(train__patience=2), state, bench.pool)
    extra = np.subtract(patient["cost_seconds"], record["cost_seconds"])
    np.testing.assert_array_equal(extra, 6 * 10.0)


def test_a_correction_costs_and_counts_once_as_a_label(finished, bench):
    spec, state, record, _ = finished
    sample = state.queries[0].ids[0]
    again = Annotation(sample, "person", "labeled", 0, seconds=7.0, round=0)
    corrected = replace(
        state,
        history=(*state.history, again),
        annotations={**state.annotations, sample: again},
    )
    later = run_record("x", spec, corrected, bench.pool)
    assert later["labels"] == record["labels"]
    np.testing.assert_allclose(np.subtract(later["cost_seconds"], record["cost_seconds"]), 7)


def warned(finished, **changes):
    spec, state, record, _ = finished
    other = record | {"strategy": "other"} | changes
    created = state.created
    return results_of(spec.model_dump(mode="json"), created, [record, other], "", {})["warnings"]


def test_arms_that_buy_different_things_are_told_apart(finished):
    assert not any("expert minutes" in w for w in warned(finished))
    assert any("expert minutes" in w for w in warned(finished, annotate="box"))


def test_arms_on_different_pools_are_not_compared_in_silence(finished):
    assert not any("different pools" in w for w in warned(finished))
    assert any("different pools" in w for w in warned(finished, pool_digest="another"))
