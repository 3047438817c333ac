"""Laws of BatchBALD: brute force over joint answers, copies that add only their noise."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import entr

from foveal.acquire import acquire
from foveal.acquire.strategies import batch_bald as module
from foveal.acquire.strategies.batch_bald import batch_bald
from foveal.acquire.strategies.bayesian import bald, expected_entropy
from foveal.core.chance import generator
from foveal.core.errors import EvidenceError, SpecError
from foveal.core.evidence import Evidence
from generators import draws_of_probabilities


def rng(name="test"):
    return generator(0, name)


def joint_information(mc_probs, batch):
    """I(A) by its definition: every joint answer is enumerated."""
    draws, _, classes = mc_probs.shape
    entropy = 0.0
    for answer in itertools.product(range(classes), repeat=len(batch)):
        chance = np.ones(draws)
        for sample, y in zip(batch, answer, strict=True):
            chance = chance * mc_probs[:, sample, y]
        entropy += entr(chance.mean())
    return entropy - expected_entropy(mc_probs)[list(batch)].sum()


@pytest.mark.parametrize("seed", range(8))
def test_each_choice_is_the_best_by_brute_force(seed):
    mc_probs = rng(f"toy {seed}").dirichlet([0.5, 0.5, 0.5], (5, 7))
    chosen = batch_bald(mc_probs, 4, rng(), samples=100).tolist()
    for place, position in enumerate(chosen):
        left = [i for i in range(7) if i not in chosen[:place]]
        gains = {i: joint_information(mc_probs, [*chosen[:place], i]) for i in left}
        assert gains[position] == pytest.approx(max(gains.values()), abs=1e-10)


def test_greedy_is_within_its_bound_of_the_best_batch():
    mc_probs = rng("bound").dirichlet([0.3, 0.3], (6, 8))
    chosen = batch_bald(mc_probs, 3, rng())
    best = max(joint_information(mc_probs, b) for b in itertools.combinations(range(8), 3))
    assert joint_information(mc_probs, chosen) >= (1 - 1 / math.e) * best


@given(st.integers(1, 10).flatmap(lambda n: draws_of_probabilities(n, 3)))
def test_a_batch_of_one_is_that_of_bald(mc_probs):
    (first,) = batch_bald(mc_probs, 1, rng())
    told = bald(mc_probs)
    assert told[first] == pytest.approx(told.max(), abs=1e-9)


def test_a_copy_without_noise_of_its_own_adds_nothing():
    # Draws: the first two samples are certain copies, the third is worth less than either.
    strong = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    other = [[0.9, 0.1], [0.2, 0.8], [0.9, 0.1], [0.2, 0.8]]
    mc_probs = np.array([strong, strong, other]).transpose(1, 0, 2)
    assert bald(mc_probs)[0] > bald(mc_probs)[2]
    assert batch_bald(mc_probs, 2, rng()).tolist() == [0, 2]
    assert joint_information(mc_probs, [0, 1]) == pytest.approx(bald(mc_probs)[0])
    evidence = Evidence(("a", "copy", "other"), {"mc_probs": mc_probs})
    assert "other" in acquire(evidence, "batch_bald", 2).ids
    assert "other" not in acquire(evidence, "bald", 2).ids


def test_a_noisy_copy_adds_only_what_its_noise_leaves_open():
    noisy = [[0.8, 0.2], [0.2, 0.8]]
    mc_probs = np.array([noisy, noisy]).transpose(1, 0, 2)
    gain = joint_information(mc_probs, [0, 1]) - bald(mc_probs)[0]
    answers = module._with(
        module.Answers(np.ones(1), np.full((1, 2), 0.5)), mc_probs[:, 0], 9, rng()
    )
    added = module._conditional_entropy(mc_probs, answers) - expected_entropy(mc_probs)
    assert added[1] == pytest.approx(gain)
    assert 0 < gain < bald(mc_probs)[0]


def test_sampled_answers_come_close_to_all_answers():
    mc_probs = rng("large").dirichlet([0.5, 0.5, 0.5], (6, 40))
    every = batch_bald(mc_probs, 6, rng(), samples=3**6)
    some = batch_bald(mc_probs, 6, rng(), samples=200)
    assert some[:4].tolist() == every[:4].tolist()  # 3^4 answers are still enumerated
    best = joint_information(mc_probs, every)
    assert joint_information(mc_probs, some) > 0.97 * best
    worst = min(joint_information(mc_probs, rng(f"{i}").choice(40, 6, False)) for i in range(5))
    assert worst < 0.8 * best


@pytest.mark.parametrize("samples", [1, 3, 50])
def test_sampled_answers_are_answers(samples):
    mc_probs = rng("sampled").dirichlet([1, 1, 1], (4, 12))
    one = batch_bald(mc_probs, 12, rng(), samples=samples)
    assert sorted(one.tolist()) == list(range(12))
    assert one.tolist() == batch_bald(mc_probs, 12, rng(), samples=samples).tolist()


@given(st.integers(2, 30), st.integers(1, 40))
@settings(max_examples=30)
def test_even_spacing_takes_each_as_often_as_expected(size, count):
    chances = rng(f"{size}").dirichlet(np.ones(size))
    times = np.bincount(module._systematic(chances, count, rng(f"{count}")), minlength=size)
    assert times.sum() == count
    assert (np.abs(times - count * chances) < 1 + 1e-9).all()


def test_blocks_of_candidates_change_nothing(monkeypatch):
    mc_probs = rng("blocks").dirichlet([1, 1, 1], (4, 30)).astype(np.float32)
    whole = batch_bald(mc_probs, 5, rng())
    monkeypatch.setattr(module, "CELLS", 100)
    assert batch_bald(mc_probs, 5, rng()).tolist() == whole.tolist()


def test_draws_that_agree_leave_the_choice_to_chance():
    mc_probs = np.stack([rng("same").dirichlet([1, 1, 1], 20)] * 7)
    assert batch_bald(mc_probs, 6, rng()).tolist() == [0, 1, 2, 3, 4, 5]


def test_what_is_refused():
    mc_probs = rng().dirichlet([1, 1], (3, 4))
    with pytest.raises(EvidenceError, match=r"`mc_probs` must hold at least 2 draws"):
        batch_bald(mc_probs[:1], 2, rng())
    with pytest.raises(SpecError, match=r"`samples` of batch_bald must be at least 1, not 0"):
        batch_bald(mc_probs, 2, rng(), samples=0)
