"""Folds: every patient is tested once, and an arm's run is the mean over them."""

import numpy as np
import pytest

from discs import disc_settings
from foveal.core.errors import SpecError
from foveal.core.spec import parse_spec, with_settings
from foveal.loop import check_study, results_of, run_study, runs_of
from foveal.loop.folds import merged
from foveal.loop.study import ALL_LABELS


def record(name, seed, fold, values, labels=(4, 6)):
    return {
        "strategy": name,
        "seed": seed,
        "fold": fold,
        "labels": list(labels),
        "metrics": values,
        "validation": {},
        "queried": [[f"{fold}a"], [f"{fold}b"]],
        "notes": [[], ["told"]],
        "class_counts": [{"x": 1}, {"x": 2}],
        "cost_seconds": [10.0, 20.0],
        "wall_seconds": [1.0, 3.0],
        "ask_seconds": [1.0],
        "gallery": [],
        "pool_digest": str(fold),
        "acquire": name,
    }


def test_metrics_are_means_of_the_folds_where_they_exist():
    runs, lacking = merged(
        [
            record("a", 0, 1, {"dice": [0.2, 0.4], "hd95_mm": [None, 8.0]}),
            record("a", 0, 0, {"dice": [0.4, 0.8], "hd95_mm": [None, None]}),
        ]
    )
    (one,) = runs
    assert one["metrics"]["dice"] == pytest.approx([0.3, 0.6])
    assert one["metrics"]["hd95_mm"] == [None, 8.0]
    assert one["by_fold"][0]["dice"] == [0.4, 0.8]  # in the order of folds
    assert one["class_counts"] == [{"x": 2}, {"x": 4}]
    assert one["queried"] == [["0a", "1a"], ["0b", "1b"]]
    assert lacking == []


def test_an_arm_that_lacks_a_fold_is_left_out_and_told():
    runs, lacking = merged(
        [record(n, 0, f, {"dice": [0.1, 0.2]}) for n, f in (("a", 0), ("a", 1), ("b", 0))]
    )
    assert [r["strategy"] for r in runs] == ["a"]
    assert lacking == ["b with seed 0 has ended on 1 of 2 folds and is left out"]


def test_without_folds_runs_are_as_they_were():
    one = record("a", 3, None, {"dice": [0.1, 0.2]})
    assert merged([one]) == ([one], [])


def settings_of(**changes):
    arms = [{"name": "random", "set": {"acquire.strategy": "random"}}]
    plain = disc_settings(labels=8, budget=2, train__epochs=1)
    return with_settings(plain, {"arms": arms, "data.folds": 2, "reference": True, **changes})


def test_a_comparison_tests_every_patient_and_knows_what_all_labels_give(discs, tmp_path):
    runs = runs_of(settings_of(), tmp_path)
    assert [(r.arm, r.spec.data.fold) for r in runs] == [
        ("random", 0),
        (ALL_LABELS, 0),
        ("random", 1),
        (ALL_LABELS, 1),
    ]
    check_study(runs, discs)
    records, created, failures = run_study(runs, discs, tmp_path)
    spec = parse_spec(settings_of()).model_dump(mode="json")
    results = results_of(spec, created, records, "", {}, failures)
    (run,) = results["runs"]
    assert len(run["by_fold"]) == 2
    assert "accuracy" in run["metrics"]
    reference = results["reference"]
    assert reference["labels"] > run["labels"][-1]
    (mean,), (of_folds,) = reference["metrics"]["accuracy"], reference["by_fold"]
    assert len(of_folds) == 2
    assert mean == pytest.approx(np.mean([one["accuracy"] for one in of_folds]))
    assert ALL_LABELS not in results["summary"]


def test_one_run_needs_one_fold(discs, tmp_path):
    spec = with_settings(settings_of(), {"arms": [], "reference": False})
    (one, _) = runs_of(spec, tmp_path)
    assert one.spec.data.fold == 0
    whole = parse_spec(spec)
    from foveal.loop import open_bench

    with pytest.raises(SpecError, match=r"data\.fold"):
        open_bench(whole, discs)


@pytest.mark.parametrize("changes", [{"data.fold": 2}, {"data.fold": 1, "data.folds": None}])
def test_a_fold_there_is_not_is_refused(changes):
    with pytest.raises(SpecError, match="must be below"):
        parse_spec(settings_of(**changes))
