"""Misalignment is passed on, once it is what it says."""

import numpy as np
import pytest
from hypothesis import given

from foveal.acquire.strategies.misalignment import look, misalignment
from foveal.core.errors import EvidenceError
from generators import unit_values


@given(unit_values(7))
def test_misalignment_is_its_own_score(values):
    score = misalignment(values)
    np.testing.assert_array_equal(score, values)
    score[0] = 2  # a copy: the evidence is not touched
    assert values[0] <= 1


@pytest.mark.parametrize("wrong", [[-0.1, 0.5], [0.5, 1.2], [0.5, np.nan]])
def test_what_is_no_misalignment_is_refused(wrong):
    with pytest.raises(EvidenceError, match=r"must lie in \[0, 1\]"):
        misalignment(np.array(wrong))


def test_agreement_is_what_misalignment_leaves():
    assert look(0.92) == "the model's map agrees with the expected region by 0.08 of 1"
