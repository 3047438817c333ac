"""Laws of the measures over draws: what all agree on is worth nothing, and closed forms hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from foveal.acquire import acquire, get
from foveal.acquire.strategies.bayesian import (
    bald,
    expected_entropy,
    mc_entropy,
    mean_over_draws,
    mean_std,
    variance_over_draws,
    variation_ratio,
    votes,
)
from foveal.acquire.strategies.committee import mean_kl, vote_entropy
from foveal.acquire.strategies.power_bald import power_bald
from foveal.acquire.strategies.uncertainty import entropy, least_confidence
from foveal.core.errors import EvidenceError
from foveal.core.evidence import Evidence
from generators import draws_of_probabilities, probabilities

CERTAIN = [[1.0, 0.0], [1.0, 0.0]]
TORN = [[1.0, 0.0], [0.0, 1.0]]  # two draws, each sure of another class
UNSURE = [[0.5, 0.5], [0.5, 0.5]]  # both draws say the same: a coin
SAMPLES = np.array([CERTAIN, UNSURE, TORN]).transpose(1, 0, 2)
MEASURES = [mean_std, variation_ratio, mc_entropy, bald, vote_entropy, mean_kl]

draws = st.tuples(st.integers(1, 12), st.integers(2, 4)).flatmap(
    lambda shape: draws_of_probabilities(*shape)
)


def test_closed_forms_of_a_certain_an_unsure_and_a_torn_sample():
    assert mean_std(SAMPLES) == pytest.approx([0, 0, 0.5])
    assert variation_ratio(SAMPLES) == pytest.approx([0, 0, 0.5])
    assert variation_ratio(SAMPLES, form="confidence") == pytest.approx([0, 0.5, 0.5])
    assert mc_entropy(SAMPLES) == pytest.approx([0, math.log(2), math.log(2)])
    assert bald(SAMPLES) == pytest.approx([0, 0, math.log(2)])


@pytest.mark.parametrize("name", ["mean_std", "variation_ratio", "bald", "vote_entropy", "mean_kl"])
def test_the_torn_sample_is_asked_first_and_told_why(name):
    evidence = Evidence(("certain", "unsure", "torn"), {"mc_probs": SAMPLES})
    for seed in range(4):
        query = acquire(evidence, name, 1, seed=seed)
        assert query.ids == ("torn",)
        assert "higher than all other candidates" in query.why[0]


@pytest.mark.parametrize("form", ["mode", "confidence"])
def test_the_reason_follows_the_form(form):
    evidence = Evidence(("certain", "torn"), {"mc_probs": SAMPLES[:, [0, 2]]})
    (why,) = acquire(evidence, "variation_ratio", 1, parameters={"form": form}).why
    assert ("50% of the draws" in why) == (form == "mode")


@given(draws)
def test_agreement_with_plain_formulas(mc_probs):
    mean = np.mean(mc_probs, axis=0)
    np.testing.assert_allclose(mean_over_draws(mc_probs), mean, atol=1e-15)
    np.testing.assert_allclose(variance_over_draws(mc_probs), np.var(mc_probs, axis=0), atol=1e-15)
    np.testing.assert_allclose(mean_std(mc_probs), np.std(mc_probs, axis=0).mean(1), atol=1e-9)
    total = scipy_entropy(mean, axis=1)
    inner = np.mean([scipy_entropy(p, axis=1) for p in mc_probs], axis=0)
    np.testing.assert_allclose(mc_entropy(mc_probs), total, atol=1e-6)
    np.testing.assert_allclose(expected_entropy(mc_probs), inner, atol=1e-6)
    np.testing.assert_allclose(bald(mc_probs), total - inner, atol=1e-6)


@given(draws)
def test_bounds(mc_probs):
    count, _, classes = mc_probs.shape
    told = bald(mc_probs)
    assert (told >= 0).all()
    assert (told <= min(math.log(count), math.log(classes)) + 1e-6).all()
    assert (told <= mc_entropy(mc_probs) + 1e-12).all()
    for form in ("mode", "confidence"):
        ratio = variation_ratio(mc_probs, form=form)
        assert (ratio >= -1e-6).all()
        assert (ratio <= 1 - 1 / classes + 1e-6).all()
    np.testing.assert_allclose(votes(mc_probs).sum(axis=1), 1)


@pytest.mark.parametrize("count", [2, 3, 7, 10])
@given(probs=probabilities())
def test_draws_that_agree_give_exactly_what_they_agree_on(count, probs):
    same = np.stack([probs] * count)
    assert (bald(same) == 0).all()
    assert (mean_std(same) == 0).all()
    assert (variation_ratio(same) == 0).all()
    np.testing.assert_array_equal(mc_entropy(same), entropy(probs))


@given(draws)
def test_the_order_of_draws_and_classes_is_of_no_account(mc_probs):
    for measure in (mean_std, mc_entropy, bald):
        expected = measure(mc_probs)
        np.testing.assert_allclose(measure(mc_probs[::-1]), expected, atol=1e-9)
        np.testing.assert_allclose(measure(mc_probs[:, :, ::-1]), expected, atol=1e-9)


@given(draws)
def test_the_confidence_form_is_least_confidence_of_the_mean(mc_probs):
    np.testing.assert_allclose(
        variation_ratio(mc_probs, form="confidence"),
        least_confidence(mc_probs.mean(axis=0)),
        atol=1e-12,
    )


@given(draws)
def test_single_precision_is_enough(mc_probs):
    for measure in MEASURES:
        single = measure(mc_probs.astype(np.float32))
        assert single.dtype == np.float64
        if measure not in (variation_ratio, vote_entropy):  # whose votes a rounding may turn
            np.testing.assert_allclose(single, measure(mc_probs), atol=1e-3)


@pytest.mark.parametrize("measure", [*MEASURES, lambda p: power_bald(p, np.full(p.shape[1], 0.5))])
def test_a_single_draw_is_refused_with_the_settings_that_give_more(measure):
    with pytest.raises(EvidenceError, match=r"2 draws.*holds 1.*`model\.dropout`.*`train\.draws`"):
        measure(SAMPLES[:1])


@pytest.mark.parametrize("name", ["mean_std", "variation_ratio", "mc_entropy", "bald"])
def test_several_findings_are_asked_one_by_one(name):
    assert "multilabel" in get(name).tasks
    probs = np.array([[[0.9, 0.1], [0.5, 0.5]], [[0.1, 0.1], [0.5, 0.5]]])  # (T, n, labels)
    query = acquire(Evidence(("torn", "coin"), {"mc_probs": probs}, task="multilabel"), name, 2)
    first = get(name).fn(np.stack([1 - probs[..., 0], probs[..., 0]], axis=-1))
    second = get(name).fn(np.stack([1 - probs[..., 1], probs[..., 1]], axis=-1))
    expected = dict(zip(("torn", "coin"), (first + second) / 2, strict=True))
    assert dict(zip(query.ids, query.scores["score"], strict=True)) == pytest.approx(expected)
