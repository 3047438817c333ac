"""Leaked against honest: like compared with like, a share only of a gain that was shown."""

import pytest

from foveal.report.leaks import kept_words, leaks, leaks_title, sees, share_kept, trained_alike
from foveal.report.reading import arms_of

ARMS = {  # name: strategy, regions, explanation weight, gain over random of the same training, p
    "random": ("random", "none", 0.0, None, None),
    "oracle": ("eg_al", "oracle", 0.0, 0.04, 0.01),
    "predicted": ("eg_al", "predicted", 0.0, 0.03, 0.2),
    "atlas": ("eg_al", "atlas", 0.0, -0.01, 0.9),
    "entropy": ("entropy", "none", 0.0, 0.02, 0.3),
}


def study(arms=ARMS, **changes):
    table = {name: changes.get(name, row) for name, row in arms.items()}
    runs = [
        {
            "strategy": name,
            "acquire": strategy,
            "regions": regions,
            "annotate": "mask",
            "oracle": regions == "oracle",
            "explanation_weight": weight,
            "labels": [1, 2],
            "metrics": {"accuracy": [0.5, 0.6]},
        }
        for name, (strategy, regions, weight, _, _) in table.items()
    ]
    tests = [
        {"metric": "accuracy", "a": "random", "b": name, "difference": -gain, "p_holm": p}
        for name, (*_, gain, p) in table.items()
        if gain is not None
    ]
    return {"runs": runs, "tests": tests}


def members(results):
    arms = arms_of(results)
    return [s for _, group in trained_alike(arms, arms, results, "accuracy") for s in group]


def test_sources_stand_from_the_leaked_to_none():
    assert [s.source for s in members(study())] == ["oracle", "predicted", "atlas", "none", "none"]


def test_the_share_is_the_honest_gain_over_the_oracles():
    by = {s.arm.name: s for s in members(study())}
    assert share_kept(by["predicted"], by["oracle"]) == pytest.approx(0.75)
    assert share_kept(by["atlas"], by["oracle"]) == pytest.approx(-0.25)
    said = [line.replace("\u00a0", " ") for line in kept_words(members(study()))]
    assert "predicted keeps 75 % of the gain of oracle." in said
    assert not any("entropy" in line for line in said)  # another strategy is no honest twin
    assert "predicted keeps 75" in leaks_title(members(study()))


@pytest.mark.parametrize("oracle", [(0.04, 0.05), (-0.04, 0.001), (0.04, None)])
def test_no_share_of_a_gain_that_was_not_shown(oracle):
    found = members(study(oracle=("eg_al", "oracle", 0.0, *oracle)))
    assert all(share_kept(s, found[0]) is None for s in found)
    assert "no gain that an honest source could keep" in kept_words(found)[0]
    assert leaks_title(found) == "Even with hidden masks no gain over random choice was shown"


def test_an_arm_is_compared_with_the_random_choice_that_trains_alike():
    arms = ARMS | {
        "random + loss": ("random", "none", 2.0, 0.1, 0.01),
        "oracle + loss": ("eg_al", "oracle", 2.0, 0.11, 0.01),
    }
    results = study(arms)
    row = {"metric": "accuracy", "a": "oracle + loss", "b": "random + loss", "difference": 0.01}
    results["tests"].append(row | {"p_holm": 0.6})
    by = {s.arm.name: s for s in members(results)}
    assert by["oracle + loss"].rival.name == "random + loss"
    assert by["oracle + loss"].gain.difference == 0.01
    assert by["oracle"].rival.name == "random"
    assert by["random"].gain is None


def test_a_share_that_training_adds_to_says_so():
    assert "training" not in leaks_title(members(study()))
    arms = {
        name: (strategy, regions, 2.0 if strategy == "eg_al" else 0.0, *rest)
        for name, (strategy, regions, _, *rest) in ARMS.items()
    }
    found = members(study(arms))
    assert leaks_title(found).endswith("what training adds included")
    assert kept_words([s for s in found if s.arm.name != "random"])[0].endswith("included.")


def test_each_arm_is_told_what_it_sees():
    words = {arm.name: sees(arm) for arm in arms_of(study())}
    assert "hidden masks of all candidates" in words["oracle"]
    assert not any("hidden" in said for name, said in words.items() if name != "oracle")
    assert "regions bought so far" in words["predicted"]
    assert words["random"] == "classes bought so far; no regions"


def test_a_strategy_that_asks_the_validation_part_says_so():
    run = {"acquire": "glister", "regions": "none"}
    (arm,) = arms_of({"runs": [run]})
    assert "labels of the validation part" in sees(arm)


def test_one_source_for_all_needs_no_comparison():
    alike = {name: ("eg_al", "none", *row[2:]) for name, row in ARMS.items()}
    assert leaks(study(alike)) is None
    assert leaks(study()) is not None
