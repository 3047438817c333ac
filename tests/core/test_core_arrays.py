"""Arrays are checked where they enter, and the message points at the culprit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.arrays import (
    ROWS_SUM_TO_ONE_WITHIN,
    check_finite,
    check_probs,
    check_shape,
    read_only,
)
from foveal.core.errors import EvidenceError
from generators import draws_of_probabilities, probabilities


def test_a_read_only_view_cannot_be_written_and_leaves_its_owner_alone():
    owner = np.zeros(3)
    view = read_only(owner)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
    owner[0] = 2
    assert view[0] == 2


@given(st.integers(1, 5), st.integers(1, 5), st.data(), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_the_first_bad_value_is_located(rows, columns, data, bad):
    array = np.zeros((rows, columns))
    check_finite("x", array)
    where = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    array[where] = bad
    with pytest.raises(EvidenceError, match=r"`x`.*1 NaN or infinite.*") as error:
        check_finite("x", array)
    assert str(where) in str(error.value)


@given(st.lists(st.integers(0, 4), max_size=3), st.data())
def test_shapes_match_number_by_number(shape, data):
    array = np.zeros(shape)
    check_shape("x", array, shape)
    check_shape("x", array, [None] * len(shape))
    with pytest.raises(EvidenceError, match="must have shape"):
        check_shape("x", array, [*shape, None])
    if shape:
        place = data.draw(st.integers(0, len(shape) - 1))
        wrong = [n + (i == place) for i, n in enumerate(shape)]
        with pytest.raises(EvidenceError, match="must have shape"):
            check_shape("x", array, wrong)


@given(probabilities())
def test_probabilities_pass(probs):
    check_probs("probs", probs)


@given(draws_of_probabilities(4, 3))
def test_draws_of_probabilities_pass(probs):
    check_probs("mc_probs", probs)


@given(probabilities(), st.data())
def test_rows_that_do_not_sum_to_one_are_refused(probs, data):
    row = data.draw(st.integers(0, len(probs) - 1))
    spoilt = probs.copy()
    spoilt[row] *= 1 - 2 * ROWS_SUM_TO_ONE_WITHIN
    with pytest.raises(EvidenceError, match="sum to 1"):
        check_probs("probs", spoilt)


@pytest.mark.parametrize("row", [[-0.1, 1.1], [1.5, -0.5]])
def test_negative_or_large_values_are_refused(row):
    with pytest.raises(EvidenceError, match=r"lie in \[0, 1\]"):
        check_probs("probs", np.array([[0.5, 0.5], row]))


def test_a_half_precision_softmax_passes():
    logits = np.random.default_rng(0).normal(size=(200, 7))
    powers = np.exp(logits)
    check_probs("probs", (powers / powers.sum(1, keepdims=True)).astype(np.float16))


def test_an_empty_pool_has_nothing_wrong():
    check_probs("probs", np.zeros((0, 3)))
