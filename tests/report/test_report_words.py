"""Words: sentences claim what the numbers allow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.report import words
from foveal.report.reading import Contrast


def study(p_holm=None, *, need=None, lead=0.9, arm="eg_al"):
    """Two arms of two seeds: `arm` ends at `lead`, random at 0.8 with 100 labels."""
    runs = [
        {
            "strategy": name,
            "acquire": name,
            "labels": [50, 100],
            "metrics": {"accuracy": [0.5, end]},
        }
        for name, end in (("random", 0.8), (arm, lead))
        for _ in range(2)
    ]
    row = {"metric": "accuracy", "a": "random", "b": arm, "difference": -0.05, "p_holm": p_holm}
    summary = {arm: {"accuracy": {"labels_to_target": need}}}
    return {"runs": runs, "tests": [row] if p_holm is not None else [], "summary": summary}


def test_labels_saved_are_claimed_where_a_difference_is_shown():
    text = words.headline(study(0.01, need=61.2))
    assert text == (
        "eg_al reaches 0.90 accuracy with 100 labels, and what random reaches with 100, "
        "0.80, with 62 labels."
    )


def test_labels_saved_are_not_claimed_where_no_difference_is_shown():
    text = words.headline(study(0.2, need=61.2))
    assert text.endswith("random reaches 0.80, and no difference was shown.")
    assert "62" not in text


def test_without_a_test_nothing_is_said_about_differences():
    text = words.headline(study(need=61.2))
    assert text == "eg_al reaches 0.90 accuracy with 100 labels; random reaches 0.80."
    assert "was not tested" in words.certainty(study())


def test_random_may_lead():
    text = words.headline(study(0.2, lead=0.7))
    assert text.startswith("random reaches 0.80 accuracy with 100 labels; eg_al reaches 0.70")


@given(p=st.floats(0, 1))
def test_significant_is_said_exactly_below_the_level(p):
    contrast = Contrast("accuracy", "a", "b", 0.1, p, p)
    for text in (
        words.verdict(contrast, "b"),
        words.tests_title([contrast]),
        words.certainty(study(p)),
        words.curve_title(study(p), "accuracy"),
    ):
        assert ("significant" in text) == (p < 0.05)
        assert ("was shown" in text) == (p >= 0.05)


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
