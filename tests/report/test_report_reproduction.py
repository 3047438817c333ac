"""Published beside ours: every measure by hand, and a verdict that knows the differences."""

import pytest
from scipy import stats

from foveal.core.preset import Published, parse_preset
from foveal.report.reproduction import (
    likeness,
    markdown,
    measured,
    ours_of,
    stood_beside,
    theirs_of,
)


def published(**changes):
    plain = {
        "data": "BraTS",
        "what": "accuracy",
        "arm": "ours",
        "metric": "accuracy",
        "measure": "final",
        "source": "abstract",
    }
    return Published(**(plain | changes))


def run(arm, seed, accuracy):
    return {
        "strategy": arm,
        "seed": seed,
        "labels": [10, 20, 40],
        "metrics": {"accuracy": accuracy},
        "class_counts": [{"a": 5, "b": 1}, {"a": 9, "b": 4}, {"a": 12, "b": 9}],
        "recall_per_class": [{"a": 0.9, "b": 0.1}, {"a": 0.8, "b": 0.3}, {"a": 0.7, "b": None}],
    }


RUNS = [
    run("random", 0, [0.5, 0.5, 0.5]),
    run("random", 1, [0.4, 0.4, 0.4]),
    run("ours", 0, [0.5, 0.6, 0.8]),
    run("ours", 1, [0.4, 0.7, 0.9]),
]


@pytest.mark.parametrize(
    ("metric", "measure", "expected"),
    [
        ("accuracy", "final", [0.8, 0.9]),
        ("accuracy", "first", [0.6, 0.7]),
        ("accuracy", "gain", [0.1, 0.3]),
        ("accuracy", "aubc", [0.55 / 3 + 0.7 * 2 / 3, 0.55 / 3 + 0.8 * 2 / 3]),
        ("accuracy", "lead", [0.55 / 3 + 0.7 * 2 / 3 - 0.5, 0.55 / 3 + 0.8 * 2 / 3 - 0.4]),
        ("rare_found", "first", [3, 3]),
        ("rare_found", "final", [8, 8]),
        ("rare_recall", "first", [0.3, 0.3]),
        ("rare_recall", "final", []),  # no image of the class in the test part
        ("dice", "final", []),
    ],
)
def test_every_measure_by_hand(metric, measure, expected):
    one = published(metric=metric, measure=measure)
    assert measured(one, RUNS, ["b"]) == pytest.approx(expected)


def test_a_lead_pairs_seeds():
    one = published(measure="lead", unit="points")
    assert measured(one, [r for r in RUNS if (r["strategy"], r["seed"]) != ("random", 0)]) == [
        pytest.approx(0.55 / 3 + 0.8 * 2 / 3 - 0.4)
    ]
    p = stats.ttest_1samp(measured(one, RUNS), 0).pvalue
    assert f"p {p:.3f}" in ours_of(one, RUNS)


def test_numbers_stand_in_the_unit_of_the_publication():
    percent = published(unit="%", value=77.22)
    assert theirs_of(percent) == "77.22 %"
    assert ours_of(percent, RUNS) == "85.00 ± 7.07 % (2 seeds)"
    gain = published(unit="points", value=42.8, measure="gain")
    assert theirs_of(gain) == "+42.8 points"
    assert ours_of(gain, RUNS[:3]) == "+10.0 points (1 seed)"
    assert theirs_of(published(value=0.3376, spread=0.0243)) == "0.338 ± 0.024"
    assert theirs_of(published(told="above random")) == "above random"
    assert ours_of(published(arm="else"), RUNS) == "not run"


PRESET = parse_preset(
    {
        "name": "x",
        "title": "A study",
        "paper": "Somebody, somewhere",
        "sizes": {"seed_set": 1, "budget": 1, "rounds": 1},
        "settings": {},
        "published": [
            published(value=0.7).model_dump(),
            published(data="Other", value=0.6).model_dump(),
        ],
        "protocol": [
            {"aspect": "query", "theirs": "60", "ours": "{budget}", "same_if": {"budget": 60}}
        ],
        "not_public": ["the seed"],
    }
)


def results(budget):
    return {"spec": {"budget": budget}, "runs": RUNS, "warnings": ["few seeds"]}


def test_numbers_are_alike_only_on_the_same_data_by_the_same_protocol():
    same, other = stood_beside(PRESET, "brats", results(60))
    assert same.differs == ()
    assert other.differs == ("data",)
    for row in stood_beside(PRESET, "BUSI", results(30)):
        assert row.differs == ("data", "query")


def test_what_differs_everywhere_is_said_in_words():
    assert "data, query differ in every row" in likeness(stood_beside(PRESET, "BUSI", results(30)))
    assert "yes" in likeness(stood_beside(PRESET, "BraTS", results(60)))


def test_the_page_has_every_number_every_difference_and_every_gap():
    page = markdown(PRESET, {"BraTS": results(30), "BUSI": results(60)}, "foveal reproduce x")
    assert "| BraTS: accuracy | abstract | 0.700 | 0.850 ± 0.071 (2 seeds) | ours | no |" in page
    assert "| query | 60 | 30 | no |" in page
    assert "| query | 60 | 60 | yes |" in page
    assert page.count("- the seed") == 1
    assert page.index("few seeds") < page.index("## Published beside ours: BUSI")


def test_a_bar_in_a_text_does_not_break_the_table():
    barred = PRESET.model_copy(update={"published": (published(what="a | b"),)})
    page = markdown(barred, {"BraTS": results(1)}, "foveal reproduce x")
    assert all(line.count("|") in (5, 7) for line in page.splitlines() if line.startswith("|"))
