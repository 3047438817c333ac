"""Laws of query by committee: votes by hand, and the divergence that is BALD."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire import acquire
from foveal.acquire.strategies.bayesian import bald
from foveal.acquire.strategies.committee import mean_kl, vote_entropy
from foveal.core.evidence import Evidence
from generators import draws_of_probabilities

draws = st.tuples(st.integers(1, 12), st.integers(2, 4)).flatmap(
    lambda shape: draws_of_probabilities(*shape)
)


def ballots(*classes, count=3):
    """(T, 1, C) members, each certain of the class it votes for."""
    return np.eye(count)[list(classes)][:, None, :]


@pytest.mark.parametrize(
    ("classes", "nats"),
    [
        ([0, 0, 0, 0], 0.0),
        ([0, 0, 1, 1], math.log(2)),
        ([0, 0, 0, 1], -0.75 * math.log(0.75) - 0.25 * math.log(0.25)),
        ([0, 1, 2], math.log(3)),
    ],
)
def test_votes_by_hand(classes, nats):
    assert vote_entropy(ballots(*classes)) == pytest.approx([nats], abs=1e-15)
    assert mean_kl(ballots(*classes)) == pytest.approx([nats], abs=1e-15)


def test_votes_are_deaf_to_confidence_and_divergence_is_not():
    timid = np.array([[[0.51, 0.49]], [[0.49, 0.51]]])
    assert vote_entropy(timid) == pytest.approx([math.log(2)])
    assert mean_kl(timid)[0] < 0.001


@given(draws)
def test_mean_divergence_is_mutual_information(mc_probs):
    np.testing.assert_allclose(mean_kl(mc_probs), bald(mc_probs), atol=1e-12)


@given(draws)
def test_bounds(mc_probs):
    members, _, classes = mc_probs.shape
    for measure in (vote_entropy, mean_kl):
        score = measure(mc_probs)
        assert (score >= 0).all()
        assert (score <= math.log(min(members, classes)) + 1e-6).all()


def test_the_reason_counts_the_votes():
    mc_probs = np.concatenate([ballots(0, 0, 2), ballots(1, 1, 1)], axis=1)
    evidence = Evidence(("split", "unanimous"), {"mc_probs": mc_probs})
    query = acquire(evidence, "vote_entropy", 1)
    assert query.ids == ("split",)
    assert query.why[0].startswith("the committee votes 2 for class 0, 1 for class 2; higher")
