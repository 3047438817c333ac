"""All labels: shares are read off mean curves, and arms that never come near say so."""

import pytest

from foveal.report.reference import against_all, reference_section


def run(name, seed, values, labels=(10, 20, 30)):
    return {"strategy": name, "seed": seed, "labels": list(labels), "metrics": {"dice": values}}


RUNS = [
    run("slow", 0, [0.1, 0.2, 0.4]),
    run("quick", 0, [0.2, 0.7, 0.9]),
    run("quick", 1, [0.4, 0.7, 0.7]),
    run("random", 0, [0.2, 0.5, 0.79]),
]
ALL = {"labels": 100, "seeds": [0, 1], "metrics": {"dice": [0.75, 0.85]}}


def test_the_share_is_interpolated_on_the_mean_curve():
    rows = {row.arm: row for row in against_all(RUNS, ALL, "dice")}
    # full .8, enough .76: quick has .7 at 20 and .8 at 30
    assert rows["quick"].share == pytest.approx(0.26)
    assert rows["quick"].of_full == pytest.approx(1.0)
    assert rows["quick"].last_share == pytest.approx(0.3)
    assert rows["slow"].share is None
    assert rows["slow"].of_full == pytest.approx(0.5)


def test_arms_come_in_the_order_of_labels_needed_and_the_rest_by_their_end():
    assert [row.arm for row in against_all(RUNS, ALL, "dice")] == ["quick", "random", "slow"]


@pytest.mark.parametrize(
    "reference", [None, {"labels": 9, "seeds": [], "metrics": {"dice": [None]}},
                  {"labels": 9, "seeds": [0], "metrics": {"dice": [0.0]}}],
)  # fmt: skip
def test_without_a_full_value_nothing_is_said(reference):
    assert against_all(RUNS, reference, "dice") == []
    results = {"runs": RUNS, "summary": {}, "reference": reference}
    assert reference_section(results) is None


def test_the_title_names_the_arm_and_its_share():
    section = reference_section({"runs": RUNS, "reference": ALL})
    assert section is not None
    assert (
        section.title == "quick reaches 95\u00a0% of the Dice of all labels with 26\u00a0% of them"
    )
    nobody = reference_section({"runs": RUNS[:1], "reference": ALL})
    assert nobody is not None
    assert nobody.title.startswith("No arm reaches")
    assert nobody.data["rows"][0][1] == "not reached"
