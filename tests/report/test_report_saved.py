"""Labels saved: shares of what random spends, and no praise where nothing was shown."""

import pytest

from foveal.core.errors import DataError
from foveal.report.reading import arms_of
from foveal.report.saved import saved, saved_figure, saved_title, saving_words, savings_of


def study(needs, *, p_holm=0.01, seconds=6000):
    """Arms with (labels, minutes) to random's final value; random: 200 labels, 100 minutes."""
    names = ["random", *needs]
    runs = [
        {
            "strategy": name,
            "acquire": name,
            "labels": [100, 200],
            "cost_seconds": [seconds / 2, seconds] if seconds else [],
            "metrics": {"macro_auroc": [0.5, 0.8]},
        }
        for name in names
        for _ in range(2)
    ]
    summary = {
        name: {"macro_auroc": {"labels_to_target": labels, "minutes_to_target": minutes}}
        for name, (labels, minutes) in {"random": (200, 100), **needs}.items()
    }
    rows = [
        {"metric": "macro_auroc", "a": n, "b": "random", "difference": 0.1, "p_holm": p_holm}
        for n in needs
    ]
    return {"runs": runs, "summary": summary, "tests": rows}


def said(labels, minutes, **more):
    (saving,) = savings_of(study({"FLQMI": (labels, minutes)}, **more), "macro_auroc")
    return saving_words(saving, "macro_auroc").replace("\u00a0", " ")


def test_shares_are_of_what_random_spends():
    assert said(82, 38) == (
        "reaches random’s final macro AUROC with 41 % of its labels (82 of 200) and 38 % of its "
        "expert minutes (38 of 100)."
    )


def test_dear_labels_are_told():
    assert "41 % of its labels (82 of 200) but 150 % of its expert minutes" in said(82, 150)


@pytest.mark.parametrize("minutes", [None, float("nan")])
def test_minutes_that_nobody_knows_are_not_mentioned(minutes):
    assert said(82, minutes) == (
        "reaches random’s final macro AUROC with 41 % of its labels (82 of 200)."
    )
    assert "minutes" not in said(82, 38, seconds=0)


def test_an_arm_that_never_gets_there_is_told_and_comes_last():
    results = study({"slow": (None, None), "late": (190, 90), "early": (50, 20)})
    savings = savings_of(results, "macro_auroc")
    assert [s.arm.name for s in savings] == ["early", "late", "slow"]
    assert saving_words(savings[-1], "macro_auroc") == "does not reach random’s final macro AUROC."


@pytest.mark.parametrize(("p", "named"), [(0.049, True), (0.05, False), (None, False)])
def test_the_title_names_an_arm_only_if_it_was_shown_to_be_better(p, named):
    title = saved_title(
        savings_of(study({"FLQMI": (82, 38)}, p_holm=p), "macro_auroc"), "macro_auroc"
    )
    assert title.startswith("FLQMI reaches") == named
    assert ("none was shown to be better" in title) != named


def test_no_arm_with_fewer_labels_is_no_saving():
    title = saved_title(savings_of(study({"a": (None, None)}), "macro_auroc"), "macro_auroc")
    assert title == "No arm reaches random’s final macro AUROC with fewer labels"


def test_arms_that_read_hidden_masks_save_nothing_for_anybody():
    results = study({"a": (150, 70), "peek": (50, 20)})
    results["tests"][0]["p_holm"] = 0.5
    for run in results["runs"]:
        run["oracle"] = run["strategy"] == "peek"
    title = saved_title(savings_of(results, "macro_auroc"), "macro_auroc")
    assert title.startswith("1 of 1 honest arm reaches")
    assert "none was shown" in title


def test_without_random_there_is_no_section():
    results = study({"a": (50, 20)})
    results["runs"] = [run for run in results["runs"] if run["strategy"] != "random"]
    assert [arm.name for arm in arms_of(results)] == ["a"]
    assert saved(results) is None


def test_random_that_meets_its_own_end_early_is_a_caution():
    results = study({"a": (50, 20)})
    assert saved(results).data["own"] is None
    results["summary"]["random"]["macro_auroc"]["labels_to_target"] = 120
    assert saved(results).data["own"] == "120"


@pytest.mark.parametrize(("own", "early"), [(200, True), (120, False)])
def test_what_random_does_as_early_is_no_saving(own, early):
    results = study({"a": (150, 70)}, p_holm=0.5)
    results["summary"]["random"]["macro_auroc"]["labels_to_target"] = own
    assert saved(results).title.startswith("1 of 1 arm reaches") == early
    assert saved(results).title.startswith("No arm reaches") != early


def test_where_random_ends_as_it_began_there_is_nothing_to_save():
    results = study({"a": (100, 50)})
    results["summary"]["random"]["macro_auroc"]["labels_to_target"] = 100
    section = saved(results)
    assert section.title.startswith("No labels to save")
    assert not section.pictures


def test_bars_end_at_the_shares():
    figure = saved_figure(study({"a": (50, 30), "b": (None, None)}), "macro_auroc")
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.25, 0.3]
    with pytest.raises(DataError, match="reaches random's final value"):
        saved_figure(study({"b": (None, None)}), "macro_auroc")
