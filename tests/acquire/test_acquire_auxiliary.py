"""Strategies that read scores of auxiliary networks and attacks: directions, bounds, refusals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire import acquire
from foveal.acquire.strategies.adversarial_labels import vaal, waal
from foveal.acquire.strategies.ceal import ceal
from foveal.acquire.strategies.learning_loss import learning_loss
from foveal.acquire.strategies.perturbation import bim, deepfool
from foveal.acquire.strategies.uncertainty import entropy, least_confidence, margin
from foveal.core.errors import EvidenceError, SpecError
from foveal.core.evidence import Evidence
from generators import distances, numbers, probabilities, unit_values

IDS = ("low", "middle", "high")
RISING = np.array([0.1, 0.4, 0.9])
FLAT = np.full((3, 2), 0.5)


@pytest.mark.parametrize(
    ("name", "array", "first"),
    [
        ("learning_loss", "predicted_loss", "high"),
        ("vaal", "discriminator", "low"),
        ("waal", "critic", "low"),
        ("deepfool", "deepfool_distance", "low"),
        ("bim", "bim_distance", "low"),
    ],
)
def test_which_end_is_asked_first(name, array, first):
    evidence = Evidence(IDS, {array: RISING, "probs": FLAT})
    query = acquire(evidence, name, 3)
    assert query.ids == (IDS if first == "low" else IDS[::-1])
    assert query.why[0].endswith("; higher than all other candidates")


@given(st.integers(1, 20).flatmap(numbers))
def test_predicted_losses_are_the_score(predicted_loss):
    score = learning_loss(predicted_loss)
    np.testing.assert_array_equal(score, predicted_loss)
    assert score is not predicted_loss


@given(st.integers(1, 20).flatmap(unit_values))
def test_vaal_is_the_probability_of_being_unlabeled(discriminator):
    np.testing.assert_allclose(vaal(discriminator) + discriminator, 1)


def test_a_discriminator_gives_probabilities():
    with pytest.raises(EvidenceError, match=r"`discriminator` must lie in \[0, 1\]"):
        vaal(np.array([0.5, 1.5]))


def test_waal_by_hand():
    probs = np.array([[0.5, 0.5], [0.9, 0.1]])
    half, ninth, tenth = math.log(2), -math.log(0.9), -math.log(0.1)
    bound = np.array(
        [
            (math.hypot(half, half) + 2 * half) / 2,
            (math.hypot(ninth, tenth) + ninth + tenth) / 2,
        ]
    )
    scored = waal(probs, np.array([0.3, -0.2]))
    np.testing.assert_allclose(scored.score, [-bound[0] - 3, -bound[1] + 2])
    np.testing.assert_allclose(scored.parts["uncertainty"], -bound)


@given(st.data(), probabilities())
def test_waal_is_finite_and_prefers_what_is_uncertain(data, probs):
    critic = data.draw(numbers(len(probs)))
    assert np.isfinite(waal(probs, critic).score).all()
    alone = waal(probs, critic, weight=0.0).score
    uniform = np.full_like(probs, 1 / probs.shape[1])
    assert (alone <= waal(uniform, critic, weight=0.0).score + 1e-6).all()


def test_waal_ranks_two_classes_as_entropy_does_where_the_critic_is_silent():
    p = np.linspace(0.01, 0.99, 25)
    probs = np.stack([p, 1 - p], axis=1)
    np.testing.assert_array_equal(
        np.argsort(waal(probs, np.zeros(25)).score.round(9), kind="stable"),
        np.argsort(entropy(probs).round(9), kind="stable"),
    )


@pytest.mark.parametrize("weight", [-1.0, math.inf, math.nan])
def test_a_weight_of_waal_out_of_range_is_refused(weight):
    with pytest.raises(SpecError, match=r"`weight` of waal must be at least 0"):
        waal(FLAT, RISING, weight=weight)


@pytest.mark.parametrize("strategy", [deepfool, bim])
@given(distance=st.integers(1, 20).flatmap(distances))
def test_the_smallest_change_comes_first(strategy, distance):
    np.testing.assert_array_equal(strategy(distance), -distance)
    assert not np.signbit(strategy(distance)[distance == 0]).any()


@pytest.mark.parametrize("strategy", [deepfool, bim])
def test_a_negative_distance_is_refused(strategy):
    name = f"{strategy.__name__}_distance"
    with pytest.raises(EvidenceError, match=rf"`{name}` must be at least 0, but holds -1"):
        strategy(np.array([1.0, -1.0]))


@pytest.mark.parametrize("measure", [entropy, least_confidence, margin])
@given(probs=probabilities())
def test_ceal_asks_by_the_measure_chosen(measure, probs):
    np.testing.assert_array_equal(ceal(probs, measure=measure.__name__), measure(probs))


def test_ceal_names_its_measure():
    evidence = Evidence(IDS, {"probs": np.array([[1, 0], [0.8, 0.2], [0.5, 0.5]])})
    query = acquire(evidence, "ceal", 1, parameters={"measure": "least_confidence"})
    assert query.ids == ("high",)
    assert query.why[0].startswith("uncertain by least confidence (0.50); higher")
