"""LMI hybrid: a shortlist by BALD, then likeness to labeled slices with either sign."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire.strategies.lmi_hybrid import lmi_hybrid
from foveal.core.errors import SpecError
from generators import nats, unit_values

TOLD = np.array([0.5, 0.4, 0.3, 0.0])
COSINE = np.array([0.9, 0.1, 0.5, 0.2])
SHARED = np.array([0.0, 2.0, 1.0, 0.0])


def order(**settings):
    return np.argsort(-lmi_hybrid(TOLD, COSINE, SHARED, **settings).score).tolist()


def test_by_hand():
    score = lmi_hybrid(TOLD, COSINE, SHARED, shortlist=3).score
    np.testing.assert_allclose(score[:3], [1.0, -0.5, 0.5 - 0.25])  # C is 1, 0, .5; M is 0, 1, .5
    assert order(shortlist=3) == [0, 2, 1, 3]


def test_the_released_sign_asks_for_what_is_like_the_labeled_and_the_other_for_what_is_not():
    assert order(shortlist=3, weight=0.0) == [0, 2, 1, 3]
    assert order(shortlist=3, weight=0.0, sign="unlike") == [1, 2, 0, 3]


@given(nats(10), unit_values(10), unit_values(10), st.integers(1, 12), st.floats(0, 3))
def test_the_shortlist_comes_first_and_the_rest_by_bald(told, cosine, shared, shortlist, weight):
    score = lmi_hybrid(told, cosine, shared, shortlist=shortlist, weight=weight).score
    listed = np.argsort(-told, kind="stable")[:shortlist]
    rest = np.setdiff1d(np.arange(10), listed)
    if rest.size:
        assert score[rest].max() < score[listed].min()
        assert (np.diff(score[rest[np.argsort(told[rest], kind="stable")]]) >= 0).all()


@given(nats(8), unit_values(8), unit_values(8), st.sampled_from(["similar", "unlike"]))
def test_units_of_cosine_and_information_do_not_matter(told, cosine, shared, sign):
    one = lmi_hybrid(told, cosine, shared, sign=sign).score
    other = lmi_hybrid(told, cosine, 7 * shared + 1, sign=sign).score
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("settings", [{"shortlist": 0}, {"weight": -0.1}], ids=str)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SpecError, match="of lmi_hybrid must be at least"):
        lmi_hybrid(TOLD, COSINE, SHARED, **settings)
