"""Subgroups: the worst group is found among those that are large enough."""

import pytest

from foveal.report.failures import failures
from foveal.report.reading import arms_of
from foveal.report.subgroups import groups_of, subgroups, subgroups_title, worst_and_best

SITES = {"A": (100, 0.9), "B": (40, 0.7), "C": (19, 0.1)}


def study(sites=SITES, metric="accuracy", seeds=2):
    held = {
        site: {"n": n, "metrics": {metric: value, "macro_auroc": None}}
        for site, (n, value) in sites.items()
    }
    run = {"strategy": "a", "labels": [1], "metrics": {metric: [0.5]}, "subgroups": {"site": held}}
    return {"runs": [run] * seeds}


def test_small_groups_are_shown_and_take_no_part():
    results = study()
    (arm,) = arms_of(results)
    groups = groups_of([arm], "site")
    assert [(g.value, g.n, g.small) for g in groups] == [
        ("A", 100, False),
        ("B", 40, False),
        ("C", 19, True),
    ]
    assert worst_and_best(arm, "site", "accuracy", groups) == (("B", 0.7), ("A", 0.9))
    table = subgroups(results).data["blocks"][0][1][0]
    assert table.rows[0].cells == ("0.90", "0.70", "0.10")
    assert (table.rows[0].worst, table.rows[0].gap) == ("B", "0.20")


def test_the_highest_error_is_the_worst():
    results = study(metric="ece")
    (arm,) = arms_of(results)
    assert worst_and_best(arm, "site", "ece", groups_of([arm], "site")) == (("A", 0.9), ("B", 0.7))


def test_the_title_names_the_widest_gap():
    results = study()
    assert subgroups_title(arms_of(results), ["site"]) == (
        "a does worst where site is B: accuracy 0.70, against 0.90 where it is A"
    )


@pytest.mark.parametrize("sites", [{"A": (100, 0.9)}, {"A": (100, 0.9), "B": (5, 0.1)}])
def test_fewer_than_two_groups_have_no_gap(sites):
    row = subgroups(study(sites)).data["blocks"][0][1][0].rows[0]
    assert (row.worst, row.gap) == ("–", "–")


def test_a_metric_that_no_group_has_is_left_out_and_without_groups_there_is_no_section():
    titles = [table.title for table in subgroups(study()).data["blocks"][0][1]]
    assert titles == ["Accuracy"]
    assert subgroups({"runs": [{"strategy": "a"}]}) is None


def test_every_failure_is_a_row_with_its_error():
    assert failures(study()) is None
    stopped = {"arm": "gone", "seed": 3, "round": 7, "labels": 210, "error": "EvidenceError: nan"}
    section = failures(study() | {"failures": [stopped, stopped | {"seed": 4}]})
    assert section.title == "2 runs stopped with an error"
    row = section.data["rows"][0]
    assert (row.arm.name, row.seed, row.round, row.labels) == ("gone", "3", "7", "210")
    assert row.error == "EvidenceError: nan"
