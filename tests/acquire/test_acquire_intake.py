"""Rows are arranged by sample, seed and round, never by where they stood."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire.derived import probs_of
from foveal.acquire.intake import take_in
from foveal.acquire.registry import Strategy
from foveal.core.errors import EvidenceError, UnknownName
from foveal.core.evidence import Evidence
from generators import permutations, probabilities, sample_ids


def strategy(needs=(), optional=(), chance=True):
    return Strategy("toy", "scorer", len, needs, optional, (), chance, {}, "", "")


def pool(n, seed=0):
    rng = np.random.default_rng(seed)
    return Evidence(sample_ids(n), {"embedding": rng.normal(size=(n, 3)), "turn": np.arange(n)})


def taken(evidence, plan=None, seed=0, round_number=0, **more):
    plan = plan or strategy(("turn",))
    return take_in(evidence, plan, seed=seed, round_number=round_number, **more)


@given(st.integers(1, 30), st.data())
def test_order_and_chance_belong_to_the_sample(n, data):
    order = data.draw(permutations(n))
    one, other = taken(pool(n)), taken(pool(n).rows(order))
    assert one.ids == other.ids
    for name in ("turn", "chance"):
        np.testing.assert_array_equal(one.arrays[name], other.arrays[name])


def test_rows_lead_back_to_the_evidence():
    evidence = pool(20)
    intake = taken(evidence)
    assert intake.ids == tuple(evidence.ids[i] for i in intake.rows)
    np.testing.assert_array_equal(intake.arrays["turn"], intake.rows)


def test_seed_round_and_strategy_each_change_the_order():
    base = taken(pool(30)).ids
    renamed = Strategy("other", "scorer", len, (), (), (), True, {}, "", "")
    assert taken(pool(30), seed=1).ids != base
    assert taken(pool(30), round_number=1).ids != base
    assert taken(pool(30), renamed).ids != base


def test_chance_is_uniform_and_independent_of_place():
    chance = taken(pool(4000)).arrays["chance"]
    assert 0 < chance.min() < 0.01
    assert 0.99 < chance.max() < 1
    counts, _ = np.histogram(chance, bins=10, range=(0, 1))
    assert np.abs(counts - 400).max() < 100  # five standard deviations of a binomial count
    assert abs(np.corrcoef(chance, np.arange(4000))[0, 1]) < 0.08


def test_only_what_is_asked_for_is_handed_out_and_nothing_can_be_written():
    intake = taken(pool(5), strategy(("turn",), ("embedding", "probs")))
    assert set(intake.handed()) == {"turn", "embedding", "chance"}
    for array in intake.handed().values():
        with pytest.raises(ValueError, match=r"read-only"):
            array[0] = 0


def test_some_candidates_keep_their_rows():
    intake = taken(pool(9))
    some = intake.handed(np.array([4, 1]))
    np.testing.assert_array_equal(some["turn"], intake.arrays["turn"][[4, 1]])


def test_excluded_samples_are_no_candidates():
    intake = taken(pool(6), exclude={"s001", "s004", "elsewhere"})
    assert set(intake.ids) == {"s000", "s002", "s003", "s005"}
    assert len(intake.arrays["turn"]) == 4


def test_sets_beside_the_pool_are_handed_by_prefix():
    labeled = Evidence(("a", "b"), {"embedding": np.eye(2, 3)})
    plan = strategy(("embedding", "labeled_embedding"), ("private_embedding",))
    intake = taken(pool(5), plan, context={"labeled": labeled})
    assert intake.handed()["labeled_embedding"].shape == (2, 3)
    assert intake.handed(np.array([0]))["labeled_embedding"].shape == (2, 3)
    assert "private_embedding" not in intake.handed()


@given(probabilities(), st.data())
def test_the_mean_of_draws_stands_in_for_probabilities(probs, data):
    n, classes = probs.shape
    other = data.draw(probabilities(n, classes))
    draws = np.stack([probs, other]).astype(np.float64)
    evidence = Evidence(sample_ids(n), {"mc_probs": draws})
    np.testing.assert_allclose(probs_of(evidence), (draws[0] + draws[1]) / 2)
    intake = taken(evidence, strategy(("probs",)))
    assert intake.arrays["probs"].shape == (n, classes)
    both = Evidence(sample_ids(n), {"mc_probs": draws, "probs": probs})
    np.testing.assert_array_equal(probs_of(both), probs)


def test_what_is_missing_is_named_with_who_fills_it():
    with pytest.raises(EvidenceError, match=r"'toy' needs `misalignment`.*regions\.source"):
        taken(pool(3), strategy(("misalignment",)))
    with pytest.raises(EvidenceError, match=r"holds `embedding`, `turn`; put an array"):
        taken(pool(3), strategy(("novelty",)))
    with pytest.raises(EvidenceError, match=r"no set 'labeled' was given"):
        taken(pool(3), strategy(("labeled_embedding",)))
    with pytest.raises(EvidenceError, match=r"needs `labeled_embedding`.*holds nothing"):
        taken(pool(3), strategy(("labeled_embedding",)), context={"labeled": Evidence((), {})})


def test_an_unknown_set_is_refused():
    with pytest.raises(UnknownName, match=r"'labelled'. Did you mean 'labeled'"):
        taken(pool(3), context={"labelled": pool(1)})
