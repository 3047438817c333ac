"""Laws of DropQuery: votes of draws, a threshold that falls, one of each group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire.strategies.dropquery import contested, disagreements, dropquery
from foveal.core.errors import SpecError


def chance(seed=0):
    return np.random.default_rng(seed)


def votes_of(against, draws=5):
    """Probabilities and draws in which so many contradict."""
    probs = np.tile([0.9, 0.1], (len(against), 1))
    turned = np.arange(draws)[:, None] < np.array(against)[None, :]
    return probs, np.where(turned[..., None], [0.2, 0.8], [0.8, 0.2])


def test_votes_are_counted_against_the_prediction():
    assert disagreements(*votes_of([0, 5, 3])).tolist() == [0, 5, 3]


@given(st.lists(st.integers(0, 7), min_size=1, max_size=30), st.integers(1, 40))
def test_the_threshold_falls_no_further_than_needed(votes, wanted):
    votes = np.array(votes)
    kept = contested(votes, 7, wanted)
    assert kept.size >= min(wanted, votes.size)
    lowest = votes[kept].min() if kept.size else 8
    assert set(kept) == set(np.flatnonzero(votes >= min(lowest, 4)))
    if lowest < 4:
        assert (votes > lowest).sum() < wanted


def test_more_than_half_must_contradict():
    assert contested(np.array([2, 3, 4]), 5, 1).tolist() == [1, 2]
    assert contested(np.array([2, 3, 4]), 4, 1).tolist() == [1, 2]


def test_contested_candidates_are_chosen_one_of_each_direction():
    against = [0, 0, 4, 4, 5, 5, 0, 0]
    embedding = np.array([[1, 0], [0, 1], [1, 0], [2, 0.1], [0, 1], [0.1, 3], [1, 1], [0, 2]])
    picked = dropquery(*votes_of(against), embedding.astype(np.float32), 2, chance(), factor=2)
    assert {2, 3} & set(picked)
    assert {4, 5} & set(picked)


def test_lengths_do_not_matter():
    rng = chance(1)
    embedding = rng.standard_normal((20, 3))
    scaled = embedding * np.where(np.arange(20) % 2, 8.0, 1.0)[:, None]
    held = votes_of([5] * 20)
    one = dropquery(*held, embedding, 4, chance())
    np.testing.assert_array_equal(dropquery(*held, scaled, 4, chance()), one)


def test_a_factor_below_one_is_refused():
    with pytest.raises(SpecError, match="`factor` of dropquery"):
        dropquery(*votes_of([1]), np.zeros((1, 2)), 1, chance(), factor=0)
