"""Laws of EG-AL: its ends, its published bounds, its forms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire import acquire
from foveal.acquire.strategies.eg_al import eg_al
from foveal.acquire.strategies.uncertainty import entropy
from foveal.core.errors import EvidenceError, SpecError
from foveal.core.evidence import Evidence
from generators import probabilities, unit_values

FORMS = ["convex", "additive", "product", "rank_average"]
NORMALIZATIONS = ["none", "log_classes", "pool"]
UNIFORM = np.full((1, 3), 1 / 3)


@st.composite
def pools(draw):
    probs = draw(probabilities())
    return probs, draw(unit_values(len(probs)))


def ranks_alike(score, term):
    """Strictly more of the term is never less of the score, beyond rounding."""
    more = term[:, None] > term[None, :] + 1e-9
    return bool((score[:, None] >= score[None, :])[more].all())


@pytest.mark.parametrize("form", ["convex", "rank_average"])
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@given(pool=pools())
def test_weight_one_is_entropy_and_weight_zero_is_misalignment(form, normalize, pool):
    probs, away = pool
    settings = {"form": form, "normalize": normalize}
    assert ranks_alike(eg_al(probs, away, weight=1.0, **settings).score, entropy(probs))
    assert ranks_alike(eg_al(probs, away, weight=0.0, **settings).score, away)


@pytest.mark.parametrize(
    ("weight", "most"), [(0.3, 1.0296), (0.5, 1.0493), (0.7, 1.0690), (0.8, 1.0789), (0.9, 1.0888)]
)
def test_the_largest_scores_of_three_classes(weight, most):
    score = eg_al(UNIFORM, np.ones(1), weight=weight, normalize="none").score
    assert score[0] == pytest.approx(most, abs=5e-5)


def test_the_forms_by_hand():
    p = np.array([[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]])
    d = np.array([0.5, 1.0, 0.0])

    def score(**settings):
        return eg_al(p, d, **settings).score

    h = math.log(2)
    assert score(normalize="none", weight=0.3) == pytest.approx([0.3 * h + 0.35, 0.7, 0.3 * h])
    assert score(normalize="none", log_base="2", weight=0.3) == pytest.approx([0.65, 0.7, 0.3])
    assert score(normalize="none", form="additive", weight=0.2) == pytest.approx([h + 0.1, 0.2, h])
    assert score(normalize="none", form="product") == pytest.approx([h / 2, 0, 0])
    assert score(normalize="log_classes", weight=0.3) == pytest.approx([0.65, 0.7, 0.3])
    assert score(normalize="log_classes", log_base="2") == pytest.approx([0.75, 0.5, 0.5])
    assert score(form="rank_average", weight=0.5) == pytest.approx([0.625, 0.5, 0.375])
    assert score() == pytest.approx([0.75, 0.5, 0.5])


@given(pools())
def test_the_default_lies_in_the_unit_interval(pool):
    score = eg_al(*pool).score
    assert score.min() >= 0
    assert score.max() <= 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@given(pool=pools(), weight=st.floats(0, 1))
def test_more_of_both_terms_is_never_less(form, normalize, pool, weight):
    probs, away = pool
    score = eg_al(probs, away, form=form, normalize=normalize, weight=weight).score
    h = entropy(probs)
    above = (h[:, None] > h[None, :] + 1e-9) & (away[:, None] > away[None, :])
    assert (score[:, None] >= score[None, :] - 1e-12)[above].all()


@pytest.mark.parametrize("form", FORMS)
def test_constant_terms_decide_nothing(form):
    p, d = np.repeat(UNIFORM, 3, axis=0), np.array([0.2, 0.4, 0.9])
    assert np.isfinite(eg_al(p, d, form=form).score).all()
    assert (np.diff(eg_al(p, d, form="convex").score) > 0).all()
    assert (eg_al(p, np.full(3, 0.7), form=form).score == 0).all() or form == "rank_average"


def test_rounding_is_not_taken_for_uncertainty():
    nearly = np.array([[0.5, 0.5], [0.5 + 1e-13, 0.5 - 1e-13]])
    d = np.array([0.3, 0.4])
    assert eg_al(nearly, d).score.argmax() == 1


@given(pools())
def test_without_misalignment_it_ranks_by_entropy_and_says_so(pool):
    probs, _ = pool
    scored = eg_al(probs, weight=0.0)
    np.testing.assert_array_equal(scored.score, entropy(probs))
    assert "entropy alone" in scored.notes[0]
    assert set(scored.parts) == {"entropy"}


@given(pools())
def test_parts_are_the_terms_before_normalization(pool):
    probs, away = pool
    parts = eg_al(probs, away, log_base="2").parts
    np.testing.assert_allclose(parts["entropy"], entropy(probs, log_base="2"))
    np.testing.assert_array_equal(parts["misalignment"], away)


@given(probabilities(), st.sampled_from([0.001, 0.1, 0.5, 2.0, 100.0]))
def test_temperature_sharpens_and_flattens(probs, temperature):
    h = entropy(probs)
    tempered = eg_al(probs, temperature=temperature).score
    assert np.isfinite(tempered).all()
    if temperature < 1:
        assert (tempered <= h + 1e-6).all()
    else:
        assert (tempered >= h - 1e-6).all()


def test_temperature_is_a_power_brought_back_to_sum_one():
    p = np.array([[0.8, 0.2]])
    squared = np.array([[0.64, 0.04]]) / 0.68
    assert eg_al(p, temperature=0.5).score == pytest.approx(entropy(squared))


def test_the_flat_softmax_of_distances_gains_contrast():
    # Distances of unit vectors lie in [0, 2]: for two classes the entropy never falls below 0.365.
    distances = np.array([[0.0, 2.0], [1.0, 1.0]])
    p = np.exp(-distances) / np.exp(-distances).sum(axis=1, keepdims=True)
    assert entropy(p)[0] == pytest.approx(0.365, abs=1e-3)
    assert eg_al(p, temperature=0.1).score == pytest.approx([0, math.log(2)], abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"form": "product", "weight": 0.3}, "`weight`"),
        ({"form": "rank_average", "normalize": "log_classes"}, "`normalize`"),
        ({"log_base": "2"}, "`log_base`"),
    ],
)
def test_a_setting_without_effect_is_told(settings, word):
    p, d = np.array([[0.5, 0.5], [0.9, 0.1], [1, 0]]), np.array([0.1, 0.8, 0])
    (note,) = eg_al(p, d, **settings).notes
    assert word in note
    assert "no effect" in note
    query = acquire(
        Evidence(("a", "b", "c"), {"probs": p, "misalignment": d}), "eg_al", 1, parameters=settings
    )
    assert query.notes == (note,)


@pytest.mark.parametrize(
    "settings",
    [{}, {"form": "product"}, {"form": "rank_average"}, {"normalize": "none", "log_base": "2"}],
)
def test_settings_with_effect_are_not_remarked_on(settings):
    assert eg_al(UNIFORM, np.ones(1), **settings).notes == ()


@pytest.mark.parametrize(
    "settings",
    [{"weight": -0.1}, {"weight": 1.1}, {"temperature": 0.0}, {"temperature": math.inf}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SpecError, match=r"of eg_al must"):
        eg_al(UNIFORM, np.ones(1), **settings)


def test_a_misalignment_out_of_range_is_refused():
    with pytest.raises(EvidenceError, match=r"misalignment"):
        eg_al(UNIFORM, np.array([1.5]))
