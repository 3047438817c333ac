"""Words: sentences claim what the numbers allow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.report import words


@given(p=st.floats(0, 1))
def test_a_printed_p_is_on_the_same_side_of_the_level(p):
    text = words.p_words(p)
    number = text.removeprefix("< ").removeprefix("just below ")
    assert ((float(number) < 0.05) or text.startswith("just below")) == (p < 0.05)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234, "0.123"),
        (-0.5, "\u22120.500"),
        (-0.0001, "0.000"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_numbers_have_true_minus_signs_and_no_negative_zero(value, text):
    assert words.number(value) == text


def test_counts_and_lists_read_as_a_person_writes_them():
    assert (words.count(1, "label"), words.count(1200, "label")) == ("1 label", "1,200 labels")
    assert [words.joined(n) for n in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@pytest.mark.parametrize(
    ("rho", "word"), [(-0.7, "falls with"), (0.7, "rises with"), (0.1, "hardly follows")]
)
def test_the_direction_of_a_correlation_is_its_sign(rho, word):
    assert word in words.size_title("eg_al", rho)


@pytest.mark.parametrize(
    ("need", "labels"), [(205.0001, 206), (205.9, 206), (280.0, 280), (280.0000001, 280)]
)
def test_labels_between_two_rounds_are_rounded_to_what_suffices(need, labels):
    assert words.whole_labels(need) == labels
