"""The headline claims what the tests allow, and never sells the luckiest of many arms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.report import headline as told
from foveal.report.contrasts import Contrast
from foveal.report.lead import lead_of
from foveal.report.pairs import tests_title as title_of_tests


def study(p_holm=None, *, need=None, lead=0.9, arm="eg_al"):
    """Two arms of two seeds: `arm` ends at `lead`, random at 0.8 with 100 labels."""
    return many({arm: lead}, {arm: p_holm} if p_holm is not None else {}, {arm: need})


def many(ends, p_holm, need=None, *, gain=0.05, oracle=()):
    """Arms with their final values beside random at 0.8, and tests against it."""
    runs = [
        {
            "strategy": name,
            "acquire": name,
            "oracle": name in oracle,
            "labels": [50, 100],
            "metrics": {"accuracy": [0.5, end]},
        }
        for name, end in {"random": 0.8, **ends}.items()
        for _ in range(2)
    ]
    tests = [
        {"metric": "accuracy", "a": "random", "b": arm, "difference": -gain, "p_holm": p}
        for arm, p in p_holm.items()
    ]
    summary = {arm: {"accuracy": {"labels_to_target": n}} for arm, n in (need or {}).items()}
    return {"runs": runs, "tests": tests, "summary": summary}


def test_labels_saved_are_claimed_where_a_difference_is_shown():
    text = told.headline(study(0.01, need=61.2))
    assert text == (
        "eg_al reaches 0.90 accuracy with 100 labels; what random reaches with 100 "
        "(0.80), it reaches with 62 labels."
    )


def test_labels_saved_are_not_claimed_where_no_difference_is_shown():
    text = told.headline(study(0.2, need=61.2))
    assert text.endswith("random reaches 0.80, and no difference was shown.")
    assert "62" not in text


def test_without_a_test_nothing_is_said_about_differences():
    text = told.headline(study(need=61.2))
    assert text == "eg_al reaches 0.90 accuracy with 100 labels; random reaches 0.80."
    assert "was not tested" in told.certainty(study())


def test_random_may_lead():
    text = told.headline(study(0.2, lead=0.7))
    assert text.startswith("random reaches 0.80 accuracy with 100 labels; eg_al reaches 0.70")


@given(p=st.floats(0, 1))
def test_significant_is_said_exactly_below_the_level(p):
    contrast = Contrast("accuracy", "a", "b", 0.1, p, p)
    for text in (
        told.verdict(contrast, "b"),
        title_of_tests([contrast]),
        told.certainty(study(p)),
        told.curve_title(study(p), "accuracy"),
    ):
        assert ("significant" in text) == (p < 0.05)
        assert ("was shown" in text) == (p >= 0.05)


LUCKY = {"a": 0.81, "lucky": 0.99, "c": 0.82}


@pytest.mark.parametrize("p", [{}, dict.fromkeys(LUCKY, 0.05), dict.fromkeys(LUCKY)])
def test_the_best_of_many_is_not_named_unless_it_was_shown_to_be_better(p):
    results = many(LUCKY, p, {"lucky": 50.0})
    for text in (told.headline(results), told.curve_title(results, "accuracy")):
        assert text.startswith("random reaches 0.80")
        assert "lucky" not in text
        assert "0.99" not in text
    assert "so none is named" in told.certainty(results)


def test_of_many_that_which_was_shown_to_be_better_is_named_though_it_ends_lower():
    results = many(LUCKY, {"a": 0.01, "lucky": 0.2, "c": 0.3}, {"a": 70.0})
    assert told.headline(results).startswith("a reaches 0.81 accuracy with 100 labels; what")
    assert "the only one of 3 arms that was shown to be better" in told.certainty(results)


def test_an_arm_that_was_shown_to_be_worse_is_not_named():
    results = many(LUCKY, dict.fromkeys(LUCKY, 0.01), gain=-0.05)
    assert told.headline(results).startswith("random")


def test_an_arm_that_reads_hidden_masks_is_never_the_one_to_name():
    results = many(LUCKY, {"lucky": 0.001, "a": 0.2, "c": 0.2}, oracle={"lucky"})
    assert "lucky" not in told.headline(results)
    assert "none of the 2 other honest arms" in told.headline(results)
    assert lead_of(results, "accuracy").others == 2


def test_the_largest_gain_of_several_is_named_and_their_number_told():
    results = many(LUCKY, dict.fromkeys(LUCKY, 0.01))
    results["tests"][2]["difference"] = -0.3
    assert told.headline(results).startswith("c reaches 0.82")
    assert "largest gain of 3 that were shown to be better, among 3" in told.certainty(results)


def test_the_estimate_without_the_seed_that_judges_is_told_where_an_arm_was_chosen_among_many():
    winner = {"winner": {"accuracy": {"arm": "lucky", "by": "aubc", "leave_one_out": 0.612}}}
    for p in ({}, dict.fromkeys(LUCKY, 0.01)):
        results = many(LUCKY, p)
        results["summary"]["random"] = {"accuracy": {"aubc": {"mean": 0.655}}}
        said = told.certainty({**results, **winner})
        assert "AUBC of 0.612 on average; that of random is 0.655." in said
        assert "0.612" not in told.certainty(results)
    assert "0.612" not in told.certainty({**study(0.01), **winner})
