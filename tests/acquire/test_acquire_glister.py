"""Laws of GLISTER: its gain is that of a real step, and each pick moves the model."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from foveal.acquire import acquire
from foveal.acquire.derived import residual
from foveal.acquire.strategies.glister import HeldOut, glister
from foveal.core.errors import SpecError
from foveal.core.evidence import Evidence

N, M, D, C = 25, 12, 4, 3


def chance(seed=0):
    return np.random.default_rng(seed)


def problem(seed):
    rng = chance(seed)
    weight, bias = rng.standard_normal((C, D)), rng.standard_normal(C)
    embedding, known = rng.standard_normal((N, D)), rng.standard_normal((M, D))
    probs = softmax(embedding @ weight.T + bias, axis=1)
    return probs, embedding, known, rng.integers(0, C, M), weight, bias


def likelihood(known, label, weight, bias):
    return log_softmax(known @ weight.T + bias, axis=1)[np.arange(len(label)), label].mean()


def one_step(probs, embedding, i, weight, bias, eta):
    r = probs[i] - np.eye(C)[probs[i].argmax()]
    return weight - eta * np.outer(r, embedding[i]), bias - eta * r


@pytest.mark.parametrize("seed", range(5))
def test_gains_are_those_of_real_training_steps(seed):
    probs, embedding, known, label, weight, bias = problem(seed)
    chosen = glister(probs, embedding, N, chance(), known, label, weight, bias)
    eta, before = 1e-6, likelihood(known, label, weight, bias)
    steps = [one_step(probs, embedding, i, weight, bias, eta) for i in range(N)]
    gains = [(likelihood(known, label, *step) - before) / eta for step in steps]
    np.testing.assert_allclose(chosen.parts["gain"], gains, rtol=1e-3, atol=1e-6)
    assert chosen.positions[0] == np.argmax(gains)


@pytest.mark.parametrize("seed", range(3))
def test_each_pick_is_the_best_after_those_before_it(seed):
    probs, embedding, known, label, weight, bias = problem(seed)
    picked = glister(probs, embedding, 8, chance(), known, label, weight, bias, eta=0.5).positions
    for count, i in enumerate(picked):
        gains = HeldOut(known, label, weight, bias).gains(residual(probs), embedding)
        gains[picked[:count]] = -np.inf
        assert gains[i] == pytest.approx(gains.max())
        weight, bias = one_step(probs, embedding, i, weight, bias, 0.5)


def test_without_refresh_it_is_a_ranking():
    probs, embedding, *rest = problem(1)
    chosen = glister(probs, embedding, N, chance(), *rest, eta=2.0, refresh=N)
    np.testing.assert_array_equal(
        chosen.positions, np.argsort(-chosen.parts["gain"], kind="stable")
    )
    refreshed = glister(probs, embedding, N, chance(), *rest, eta=2.0)
    assert refreshed.positions.tolist() != chosen.positions.tolist()


def evidence(problem_):
    probs, embedding, known, label, weight, bias = problem_
    pool = Evidence(tuple(f"s{i}" for i in range(N)), {"probs": probs, "embedding": embedding})
    held = Evidence(tuple(f"k{i}" for i in range(M)), {"embedding": known, "label": label})
    head = Evidence(tuple("abc"), {"weight": weight, "bias": bias})
    return pool, held, head


def test_the_validation_part_is_preferred_and_its_absence_is_told():
    pool, held, head = evidence(problem(2))
    labeled = Evidence(("x",), {"embedding": np.ones((1, D)), "label": np.array([0])})
    beside = {"labeled": labeled, "head": head}
    with_val = acquire(pool, "glister", 5, context={**beside, "val": held})
    as_labeled = acquire(pool, "glister", 5, context={"labeled": held, "head": head})
    assert with_val.ids == as_labeled.ids
    assert with_val.notes == ()
    assert "on the labeled samples" in as_labeled.notes[0]


def test_with_nothing_known_the_order_stays():
    probs, embedding, known, label, weight, bias = problem(3)
    chosen = glister(probs, embedding, 3, chance(), known[:0], label[:0], weight, bias)
    assert chosen.positions.tolist() == [0, 1, 2]


@pytest.mark.parametrize("settings", [{"eta": 0.0}, {"refresh": 0}], ids=str)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SpecError, match="of glister must"):
        glister(*problem(0)[:2], 1, chance(), *problem(0)[2:], **settings)
