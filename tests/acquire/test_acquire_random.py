"""Both random baselines: fair, and the same when repeated."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire import acquire
from foveal.acquire.strategies.random import random
from foveal.acquire.strategies.stratified_random import stratified_random
from foveal.core.evidence import Evidence
from generators import probabilities, sample_ids


def test_random_is_its_chance():
    chance = np.array([0.3, 0.9, 0.1])
    np.testing.assert_array_equal(random(chance), chance)


def test_every_candidate_is_drawn_equally_often():
    pool = Evidence(sample_ids(10), {})
    drawn = Counter(i for s in range(600) for i in acquire(pool, "random", 3, seed=s).ids)
    # 600 draws of 3 in 10: 180 expected, standard deviation 11.2
    assert max(abs(drawn[i] - 180) for i in pool.ids) < 45


def test_rounds_are_independent_draws():
    pool = Evidence(sample_ids(50), {})
    shared = [
        len(set(acquire(pool, "random", 10, round=r).ids) & set(acquire(pool, "random", 10).ids))
        for r in range(1, 60)
    ]
    assert 1.5 < np.mean(shared) < 2.5  # 10 x 10 / 50


@given(probabilities(), st.data())
def test_classes_take_turns(probs, data):
    n = len(probs)
    k = data.draw(st.integers(1, n))
    chance = np.array(data.draw(st.permutations(range(n)))) / n
    first = np.argsort(-stratified_random(probs, chance), kind="stable")[:k]
    predicted = probs.argmax(axis=1)
    have, got = Counter(predicted.tolist()), Counter(predicted[first].tolist())
    for c in have:
        for d in have:
            assert got[c] >= got[d] - 1 or got[c] == have[c]


def test_the_draw_within_a_class_is_by_chance():
    probs = np.repeat(np.eye(2), 20, axis=0)
    pool = Evidence(sample_ids(40), {"probs": probs})
    drawn = Counter(
        i for s in range(300) for i in acquire(pool, "stratified_random", 4, seed=s).ids
    )
    assert sum(drawn[i] for i in pool.ids[:20]) == 600
    # 300 draws of 2 in 20: 30 expected, standard deviation 5.2
    assert max(abs(drawn[i] - 30) for i in pool.ids) < 26
