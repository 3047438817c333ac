"""Penalty matrix: wins by SciPy's paired test, at each budget, over the same seeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from recorded import run
from scipy.stats import ttest_rel

from foveal.core.errors import EvidenceError
from foveal.evaluate import penalties, penalty_matrix

VALUES = arrays(
    float,
    st.tuples(st.integers(1, 4), st.integers(2, 5), st.integers(1, 4)),
    elements=st.integers(0, 8).map(lambda v: v / 8),
)


def test_as_worked_by_hand():
    better = [[0.6, 0.7], [0.7, 0.7], [0.8, 0.7]]  # three seeds, two budgets
    worse = [[0.5, 0.7], [0.61, 0.7], [0.69, 0.7]]  # ahead by .1, .09, .11, then level
    np.testing.assert_array_equal(penalty_matrix(np.array([better, worse])), [[0, 0.5], [0, 0]])


@given(VALUES)
def test_a_win_is_what_scipy_calls_significant(values):
    found = penalty_matrix(values)
    for i, j in np.ndindex(found.shape):
        wins = 0
        for budget in range(values.shape[2]):
            a, b = values[i, :, budget], values[j, :, budget]
            if (a > b).all() and np.ptp(a - b) == 0:
                wins += 1  # where SciPy divides by zero: a constant lead is a win
            elif np.ptp(a - b) > 0 and (a - b).mean() > 0:
                wins += bool(ttest_rel(a, b).pvalue < 0.05)
        assert found[i, j] == wins / values.shape[2]


@given(VALUES)
def test_both_cannot_win_and_none_beats_itself(values):
    found = penalty_matrix(values)
    assert (np.diag(found) == 0).all()
    assert (found + found.T <= 1).all()
    np.testing.assert_array_equal(penalty_matrix(values, lower_is_better=True), found.T)


@pytest.mark.parametrize("shape", [(2, 1, 3), (2, 3, 0), (2, 3)])
def test_what_cannot_be_tested_is_refused(shape):
    with pytest.raises(EvidenceError, match="penalty matrix needs"):
        penalty_matrix(np.zeros(shape))


def test_a_missing_value_is_refused():
    with pytest.raises(EvidenceError, match="values"):
        penalty_matrix(np.full((2, 3, 1), np.nan))


def test_runs_are_compared_where_all_arms_have_a_value():
    runs = [
        run(name, seed, [base + seed / 100, base, None], labels=labels)
        for name, base, labels in (("a", 0.2, [30, 60, 90]), ("b", 0.6, [30, 70, 90]))
        for seed in range(3)
    ]
    runs.append(run("a", 9, [1.0, 1.0, 1.0]))  # a seed of its own
    found = penalties(runs)["accuracy"]
    assert found == {"arms": ["a", "b"], "matrix": [[0, 0], [1, 0]], "budgets": 1}


def test_small_errors_win():
    runs = [
        run(name, seed, [value] * 3, metric="ece")
        for name, value in (("a", 0.2), ("b", 0.6))
        for seed in range(2)
    ]
    assert penalties(runs)["ece"]["matrix"] == [[0, 1], [0, 0]]


@pytest.mark.parametrize("labels", [[40, 70, 100], [30, 60, 90]])
def test_what_shares_no_budget_or_too_few_seeds_has_no_matrix(labels):
    seeds = 2 if labels[0] == 40 else 1
    runs = [run("a", s, [0.1, 0.2, 0.3]) for s in range(seeds)]
    runs += [run("b", s, [0.1, 0.2, 0.3], labels=labels) for s in range(seeds)]
    assert penalties(runs) == {}
