"""Where a score stands among the others, in words that are true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire.reasons import standings


@pytest.mark.parametrize(
    ("score", "value", "words"),
    [
        ([1.0], 1.0, "the only candidate"),
        ([1.0, 2.0, 3.0], 3.0, "higher than all other candidates"),
        ([1.0, 2.0, 3.0], 2.0, "higher than 50 % of the pool"),
        ([1.0, 2.0, 3.0], 1.0, "higher than 0 % of the pool"),
        ([2.0, 2.0], 2.0, "level with 1 other, taken in random order"),
        (
            [1.0, 1.0, 2.0, 2.0, 2.0],
            2.0,
            "higher than 50 % of the pool and level with 2 others, taken in random order",
        ),
    ],
)
def test_places_in_words(score, value, words):
    assert standings(np.array(score), np.array([value])) == [words]


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30))
def test_the_share_is_never_overstated(values):
    score = np.array(values, dtype=np.float64)
    for value, words in zip(values, standings(score, score), strict=True):
        share = 100 * sum(v < value for v in values) / (len(values) - 1)
        if "%" in words:
            told = int(words.split("higher than ")[1].split(" %")[0])
            assert share - 1 < told <= share
        elif "all other" in words:
            assert share == 100
        else:
            assert len(set(values)) == 1
