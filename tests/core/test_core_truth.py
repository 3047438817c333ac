"""The guard: what nobody has annotated cannot be read."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import PeekError
from foveal.core.truth import Guard

IDS = tuple("abcdef")


class Everything:
    """A truth that remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def label(self, sample):
        self.asked.append(sample)
        return IDS.index(sample)

    def region(self, sample):
        self.asked.append(sample)
        return np.full((2, 2), True)


@given(st.sets(st.sampled_from(IDS)), st.sampled_from(IDS), st.sampled_from(["label", "region"]))
def test_a_guard_answers_for_visible_samples_and_no_other(visible, sample, what):
    truth = Everything()
    guard = Guard(truth, frozenset(visible))
    if sample in visible:
        np.testing.assert_array_equal(getattr(guard, what)(sample), getattr(truth, what)(sample))
        return
    with pytest.raises(PeekError, match=f"the {what} of sample '{sample}' is hidden"):
        getattr(guard, what)(sample)
    assert truth.asked == []  # it raised before it looked


def test_nobody_widens_a_guard_by_assignment():
    with pytest.raises(FrozenInstanceError):
        Guard(Everything(), frozenset()).visible = frozenset(IDS)
