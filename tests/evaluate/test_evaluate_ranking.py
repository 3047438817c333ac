"""Ranking over data sets: SciPy's Friedman test and the critical values of Demsar's table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import friedmanchisquare

from foveal.core.errors import EvidenceError
from foveal.evaluate import rank_over_sets

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
