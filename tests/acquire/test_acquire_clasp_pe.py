"""ClaSP PE: shares of a batch, noise that settles over rounds, and the round that it is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire import acquire, get
from foveal.acquire.strategies.clasp_pe import clasp_pe, exponent
from foveal.core.errors import SpecError
from foveal.core.evidence import Evidence
from generators import nats, probabilities, sample_ids

N = 200


def settled(entropy, probs, k, seed=0, **settings):
    """With hardly any noise."""
    rng = np.random.default_rng(seed)
    return clasp_pe(entropy, probs, k, rng, **{"beta": 1e6, "last_beta": 1e6, **settings})


def rare_pool(seed=0):
    """Uncertain pictures without foreground, and ten with it that are half as uncertain."""
    rng = np.random.default_rng(seed)
    shown = np.arange(N) < 10
    entropy = np.where(shown, 0.2, 0.4) + rng.random(N) / 100
    p = np.where(shown, 0.9, 0.05)
    return shown, entropy, np.stack([1 - p, p], axis=1)


def test_a_third_of_the_batch_goes_to_the_rare_class_that_entropy_alone_would_miss():
    shown, entropy, probs = rare_pool()
    picked = settled(entropy, probs, 30)
    assert shown[picked].sum() == 10
    assert shown[settled(entropy, probs, 30, share=0.0)].sum() == 0


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_without_noise_the_picks_are_the_heads_of_the_rankings(share):
    _, entropy, probs = rare_pool(1)
    picked = set(settled(entropy, probs, 4, share=share).tolist())
    plain = np.argsort(-entropy).tolist()
    rare, common = (np.argsort(-entropy * probs[:, c]).tolist() for c in (1, 0))
    heads = {0.0: plain[:4], 0.5: [*plain[:4], rare[0], *common[:4]], 1.0: [*rare[:2], *common[:2]]}
    assert picked <= set(heads[share])


@given(nats(12), probabilities(12, 2), st.integers(1, 12), st.floats(0, 1), st.integers(0, 12))
def test_a_batch_is_distinct_whatever_the_share(entropy, probs, k, share, round_number):
    picked = clasp_pe(
        entropy, probs, k, np.random.default_rng(0), round_number=round_number, share=share
    )
    assert len(set(picked.tolist())) == k


@given(st.integers(2, 20), st.floats(0.1, 10), st.floats(10, 1000))
def test_the_exponent_rises_by_equal_factors_and_stays(rounds, first, last):
    powers = [exponent(r, first, last, rounds) for r in range(1, rounds + 1)]
    np.testing.assert_allclose(powers, np.geomspace(first, last, rounds))
    assert exponent(0, first, last, rounds) == pytest.approx(first)
    assert exponent(rounds + 5, first, last, rounds) == pytest.approx(last)


def test_the_engine_tells_the_round_so_that_late_batches_go_by_the_score():
    rng = np.random.default_rng(2)
    held = {"pixel_entropy": rng.random(N) * 0.69, "probs": rng.dirichlet((1, 1), N)}
    pool = Evidence(sample_ids(N), held)
    entropy = dict(zip(pool.ids, held["pixel_entropy"], strict=True))
    assert get("clasp_pe").paced
    means = []
    for round_number in (1, 10):
        batches = [
            acquire(pool, "clasp_pe", 20, seed=s, round=round_number, parameters={"share": 0.0})
            for s in range(5)
        ]
        assert "round_number" not in batches[0].parameters
        means.append(np.mean([entropy[i] for q in batches for i in q.ids]))
    assert means[1] > means[0] + 0.1


@pytest.mark.parametrize(
    "settings",
    [{"share": 1.1}, {"share": -0.1}, {"beta": 0.0}, {"last_beta": -1.0}, {"rounds": 0}],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SpecError, match="of clasp_pe must"):
        clasp_pe(np.ones(2), np.full((2, 2), 0.5), 1, np.random.default_rng(0), **settings)
