"""Reading: means over seeds, gaps kept as gaps, pairs of tests turned the right way round."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.report.reading import (
    Arm,
    arms_of,
    common_minutes,
    curve_of,
    end_of,
    finite,
    metrics_of,
    pooled,
    ranked,
    value_at,
)
from foveal.report.rounds import asked_per_round, correlations_of, notes_of, reliability_of

values = st.lists(st.none() | st.floats(-5, 5), min_size=1, max_size=6)


def run(name="a", seed=0, **more):
    return {"strategy": name, "seed": seed, **more}


@given(rows=st.lists(values, min_size=1, max_size=4))
def test_curve_agrees_with_a_loop_over_rounds(rows):
    runs = tuple(
        run(seed=i, labels=list(range(len(r))), metrics={"m": r}) for i, r in enumerate(rows)
    )
    curve = curve_of(Arm("a", runs, 0), "m")
    expected = []
    for r in range(max(map(len, rows))):
        known = [row[r] for row in rows if r < len(row) and row[r] is not None]
        if known:
            deviation = np.std(known, ddof=1) if len(known) > 1 else 0.0
            expected.append((r, np.mean(known), deviation, len(known)))
    if not expected:
        assert curve is None
        return
    assert curve is not None
    table = np.array([curve.x, curve.mean, curve.std, curve.n]).T
    np.testing.assert_allclose(table, expected, atol=1e-12)


@given(values)
def test_order_of_seeds_does_not_matter(row):
    forth, back = pooled(row), pooled(row[::-1])
    assert (forth is None) == (back is None)
    if forth is not None:
        np.testing.assert_allclose(forth, back, atol=1e-12)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, True, "0.5", [1]])
def test_only_finite_numbers_count(value):
    assert finite(value) is None


def test_arms_keep_the_order_of_their_first_runs_and_know_the_baseline():
    results = {"runs": [run("b", acquire="random"), run("random"), run("b", 1)]}
    arms = arms_of(results)
    assert [(a.name, len(a.runs), a.position) for a in arms] == [("b", 2, 0), ("random", 1, 1)]
    assert [a.baseline for a in arms] == [False, True]
    only = arms_of({"runs": [run("a", acquire="entropy"), run("b", acquire="random")]})
    assert [a.baseline for a in only] == [False, True]


def test_metrics_without_any_value_are_not_there_and_the_telling_ones_come_first():
    metrics = {"zeta": [1.0], "ece": [0.1], "dice": [None], "macro_auroc": [None, 0.5]}
    assert metrics_of({"runs": [run(metrics=metrics)]}) == ("macro_auroc", "ece", "zeta")


def test_the_best_arm_is_the_lowest_where_lower_is_better():
    arms = arms_of(
        {
            "runs": [
                run("a", labels=[1], metrics={"ece": [0.2], "accuracy": [0.2]}),
                run("b", labels=[1], metrics={"ece": [0.1], "accuracy": [0.1]}),
            ]
        }
    )
    assert [arm.name for arm, _ in ranked(arms, "ece")] == ["b", "a"]
    assert [arm.name for arm, _ in ranked(arms, "accuracy")] == ["a", "b"]


def test_the_end_is_the_last_round_with_a_value():
    arm = Arm("a", (run(labels=[10, 20, 30], metrics={"m": [0.1, 0.2, None]}),), 0)
    end = end_of(arm, "m")
    assert end is not None
    assert (end.labels, end.mean, end.n) == (20, 0.2, 1)


def test_equal_time_is_what_every_arm_has_spent():
    cheap = run("a", labels=[1, 2], cost_seconds=[60, 120], metrics={"m": [0.2, 0.4]})
    dear = run("b", labels=[1, 2], cost_seconds=[60, 300], metrics={"m": [0.0, 0.8]})
    arms = arms_of({"runs": [cheap, dear]})
    assert common_minutes(arms, "m") == 2
    assert [value_at(arm, "m", 2) for arm in arms] == pytest.approx([0.4, 0.2])
    assert value_at(arms[0], "m", 3) is None


def test_what_was_asked_is_the_difference_of_what_was_labeled():
    counts = [{"a": 3, "b": 1}, {"a": 3, "b": 5}, {"a": 6, "b": 6}]
    arm = Arm("x", (run(class_counts=counts), run(class_counts=[{"a": 1}])), 0)
    assert asked_per_round(Arm("x", arm.runs[:1], 0), ("a", "b")) == [[3, 1], [0, 4], [3, 1]]
    assert asked_per_round(arm, ("a", "b")) == [[2, 0.5]]


def test_bins_are_pooled_by_their_counts():
    tables = [
        {"confidence": [0.2, 0.8], "accuracy": [None, 1.0], "counts": [0, 30]},
        {"confidence": [0.2, 0.6], "accuracy": [0.5, 0.6], "counts": [4, 10]},
    ]
    arm = Arm("x", tuple(run(reliability=t) for t in tables), 0)
    np.testing.assert_allclose(reliability_of(arm), [(0.2, 0.5, 4), (0.75, 0.9, 40)])


def test_correlations_are_averaged_by_round_and_nulls_left_out():
    sizes = [
        [{"round": 2, "spearman": -0.4}, {"round": 1, "spearman": None}],
        [{"round": 2, "spearman": -0.6}],
    ]
    arm = Arm("x", tuple(run(misalignment_size=s) for s in sizes), 0)
    assert correlations_of(arm) == [(2, -0.5)]


def test_a_note_made_in_many_rounds_is_told_once():
    arm = Arm("x", (run(notes=[["a"], ["b", "a"]]), run(notes=[[], [], ["a"]])), 0)
    assert notes_of(arm) == [("a", [0, 1, 2]), ("b", [1])]
