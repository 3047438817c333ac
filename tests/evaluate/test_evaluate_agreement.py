"""Agreement of readers: closed forms, published numbers, and what cannot be said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from foveal.core.errors import EvidenceError
from foveal.evaluate import fleiss_kappa, kappa

# Fleiss 1971 as worked through in textbooks: 10 subjects, 14 raters, 5 categories.
FOURTEEN = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)
answers = arrays(np.int64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.integers(0, 3))


def test_the_textbook_example():
    assert fleiss_kappa(FOURTEEN) == pytest.approx(0.210, abs=5e-4)


@given(answers)
def test_kappa_is_scikit_learns(both):
    ours = kappa(both[:, 0], both[:, 1])
    if ours is None:
        assert len(np.unique(both)) == 1
    else:
        assert ours == pytest.approx(cohen_kappa_score(both[:, 0], both[:, 1]))
        assert ours == pytest.approx(kappa(both[::-1, 1], both[::-1, 0]))


@given(answers)
def test_with_two_readers_fleiss_kappa_is_scotts_pi(both):
    votes = np.stack([(both == c).sum(1) for c in range(4)], axis=1)
    share = votes.sum(0) / votes.sum()
    chance = (share**2).sum()
    ours = fleiss_kappa(votes)
    if ours is None:
        assert chance == 1
    else:
        same = (both[:, 0] == both[:, 1]).mean()
        assert ours == pytest.approx((same - chance) / (1 - chance))


def test_full_agreement_is_one_with_any_number_of_readers():
    assert fleiss_kappa(np.array([[3, 0], [0, 2], [5, 0]])) == pytest.approx(1)


@pytest.mark.parametrize("votes", [np.zeros((0, 2)), np.array([[1, 0]]), np.array([2, 2])])
def test_what_is_no_table_of_votes_is_refused(votes):
    with pytest.raises(EvidenceError, match="two readers or more"):
        fleiss_kappa(votes.astype(np.int64))


def test_answers_to_different_cases_are_not_compared():
    with pytest.raises(EvidenceError, match="each case"):
        kappa(np.zeros(2, np.int64), np.zeros(3, np.int64))
