"""Laws of power noise: its limits, its odds, and zeros that stay last."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveal.acquire import acquire
from foveal.acquire.strategies.bayesian import bald
from foveal.acquire.strategies.power_bald import power_bald, power_noise
from foveal.core.chance import generator
from foveal.core.errors import SpecError
from foveal.core.evidence import Evidence
from generators import draws_of_probabilities

scores = arrays(np.float64, st.integers(1, 20), elements=st.sampled_from([0.0, 1e-6, 0.1, 0.5, 1]))
draws = st.integers(1, 12).flatmap(lambda n: draws_of_probabilities(n, 3))


def chances(n, name="test"):
    return generator(0, name).random(n)


@given(scores)
def test_a_high_beta_ranks_by_score(score):
    noisy = power_noise(score, chances(score.size), 1e9)
    above = score[:, None] > score[None, :]
    assert (noisy[:, None] > noisy[None, :])[above].all()


@given(scores, st.floats(0.05, 1e6))
def test_scores_are_finite_and_zeros_come_last(score, beta):
    noisy = power_noise(score, chances(score.size), beta)
    assert np.isfinite(noisy).all()
    if beta >= 1 and (score == 0).any() and (score > 0).any():
        assert noisy[score == 0].max() < noisy[score > 0].min()


def test_rounding_counts_as_zero():
    first = [power_noise([0.0, 1e-16], chances(2, f"{i}"), 1.0).argmax() for i in range(60)]
    assert 10 < sum(first) < 50


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_the_first_draw_has_the_odds_of_the_power(beta):
    score, repeats = np.array([0.1, 0.3, 0.6]), 20_000
    drawn = [power_noise(score, c, beta).argmax() for c in chances((repeats, 3))]
    odds = score**beta / (score**beta).sum()
    deviation = np.sqrt(odds * (1 - odds) / repeats)
    assert (np.abs(np.bincount(drawn) / repeats - odds) < 4 * deviation).all()


@pytest.mark.parametrize("beta", [0.0, -1.0, math.inf, math.nan])
def test_a_beta_without_meaning_is_refused(beta):
    with pytest.raises(SpecError, match=r"`beta` of power noise must be positive and finite"):
        power_noise(np.ones(2), np.full(2, 0.5), beta)


@given(draws, st.floats(0.1, 100))
def test_it_is_power_noise_of_bald_and_tells_bald(mc_probs, beta):
    chance = chances(mc_probs.shape[1])
    scored = power_bald(mc_probs, chance, beta=beta)
    np.testing.assert_array_equal(scored.parts["bald"], bald(mc_probs))
    np.testing.assert_array_equal(scored.score, power_noise(bald(mc_probs), chance, beta))


def test_through_the_engine():
    rng = generator(1, "pool")
    mc_probs = rng.dirichlet([1, 1, 1], (6, 30))
    evidence = Evidence(tuple(f"s{i}" for i in range(30)), {"mc_probs": mc_probs})
    ranked = acquire(evidence, "bald", 10).ids
    assert acquire(evidence, "power_bald", 10, parameters={"beta": 1e9}).ids == ranked
    loose = [acquire(evidence, "power_bald", 10, seed=s, parameters={"beta": 1}) for s in range(3)]
    assert len({query.ids for query in loose}) == 3
    assert loose[0] == acquire(evidence, "power_bald", 10, parameters={"beta": 1})
    assert "BALD" in loose[0].why[0]
