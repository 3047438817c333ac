"""Ranking over data sets: SciPy's Friedman test and the critical values of Demsar's table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from recorded import run
from scipy.stats import friedmanchisquare

from foveal.core.errors import EvidenceError
from foveal.evaluate import rank_over_sets, rankings, summarize

SCORES = arrays(
    float,
    st.tuples(st.integers(2, 6), st.integers(3, 5)),
    elements=st.integers(0, 5).map(float),
)


def test_as_worked_by_hand():
    scores = np.array([[0.9, 0.8, 0.7], [0.9, 0.9, 0.1]])
    assert rank_over_sets(scores).ranks == (1.25, 1.75, 3.0)
    assert rank_over_sets(-scores, lower_is_better=True).ranks == (1.25, 1.75, 3.0)


@given(SCORES)
def test_friedmans_test_is_scipys(scores):
    found = rank_over_sets(scores)
    if all(len(set(row)) == 1 for row in scores.tolist()):
        assert found.p is None
        return
    assert found.p == pytest.approx(friedmanchisquare(*scores.T).pvalue, abs=1e-9)


# q at 5 % for 2 to 6 strategies: Demsar 2006, table 5 (a).
@pytest.mark.parametrize(
    ("strategies", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850)]
)
def test_the_critical_difference_is_nemenyis(strategies, q):
    found = rank_over_sets(np.random.default_rng(0).random((10, strategies)))
    expected = q * np.sqrt(strategies * (strategies + 1) / 60)
    assert found.critical_difference == pytest.approx(expected, rel=1e-3)


@given(SCORES)
def test_ranks_are_shared_out_whole(scores):
    n = scores.shape[1]
    assert sum(rank_over_sets(scores).ranks) == pytest.approx(n * (n + 1) / 2)


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (3,)])
def test_what_cannot_be_ranked_is_refused(shape):
    with pytest.raises(EvidenceError, match="ranking needs"):
        rank_over_sets(np.zeros(shape))


def summary_of(metric="accuracy", **levels):
    return summarize([run(name, 0, [level] * 3, metric=metric) for name, level in levels.items()])


def test_arms_are_ranked_by_area_over_the_sets_that_have_them():
    found = rankings(
        {
            "one": summary_of(a=0.9, b=0.8, c=0.7),
            "two": summary_of(a=0.9, b=0.9, c=0.1, d=1.0),
            "three": summary_of("cam_dice", a=0.1, b=0.2),
        }
    )
    assert set(found) == {"accuracy"}  # one set alone ranks nobody
    entry = found["accuracy"]
    assert (entry["arms"], entry["sets"]) == (["a", "b", "c"], 2)
    assert entry["ranks"] == {"one": [1, 2, 3], "two": [1.5, 1.5, 3]}
    assert entry["mean_ranks"] == [1.25, 1.75, 3]
    scores = np.array([[0.9, 0.8, 0.7], [0.9, 0.9, 0.1]])
    assert entry["friedman_p"] == rank_over_sets(scores).p
    assert entry["critical_difference"] == rank_over_sets(scores).critical_difference


def test_small_errors_rank_first():
    sets = {name: summary_of("ece", a=0.3, b=0.1) for name in "xy"}
    assert rankings(sets)["ece"]["mean_ranks"] == [2, 1]


def test_sets_without_common_arms_are_not_ranked():
    assert rankings({"x": summary_of(a=0.1, b=0.2), "y": summary_of(b=0.1, c=0.2)}) == {}
    assert rankings({}) == {}
