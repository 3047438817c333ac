"""Ranks over data sets: nothing is named that was not shown, and no address leads outside."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import DataError
from foveal.evaluate import rank_over_sets
from foveal.report import write_report
from foveal.report.ranks import Ranks, ranks_figure, ranks_of, ranks_title, set_links


def study(scores, names=("a", "b", "c")):
    """Results over data sets from (sets, arms) areas under the curve."""
    found = rank_over_sets(np.array(scores))
    rows = [(-np.array(row)).argsort().argsort() + 1.0 for row in scores]
    held = {
        "arms": list(names),
        "mean_ranks": list(found.ranks),
        "critical_difference": found.critical_difference,
        "friedman_p": found.p,
        "sets": len(scores),
        "ranks": {f"set{i}": row.tolist() for i, row in enumerate(rows)},
    }
    sets = [
        {
            "name": f"Set {i}",
            "folder": f"set{i}",
            "failures": i,
            "metrics": {"macro_auroc": {n: {"aubc": v} for n, v in zip(names, row, strict=True)}},
        }
        for i, row in enumerate(scores)
    ]
    return {"name": "Sets", "sets": sets, "ranking": {"macro_auroc": held}}


CLEAR = [[0.7, 0.9, 0.8]] * 8
TIED = [[0.7, 0.9, 0.8], [0.9, 0.7, 0.8]]


def test_arms_stand_by_their_mean_rank_and_the_better_is_named_over_those_it_beats():
    (ranks,) = ranks_of(study(CLEAR))
    assert ranks.arms == ("b", "c", "a")
    assert ranks.means == (1, 2, 3)
    assert ranks.table["set0"] == (1, 2, 3)
    assert ranks_title(ranks).endswith("(macro AUROC); it was shown to be better than a")


def test_where_friedman_shows_nothing_no_arm_is_named_and_no_bar_is_drawn():
    (ranks,) = ranks_of(study(TIED))
    assert ranks_title(ranks).startswith("Friedman’s test shows no difference between 3 arms")
    assert ranks.groups == []


@given(
    means=st.lists(st.floats(1, 12), min_size=2, max_size=12),
    difference=st.floats(0.1, 6),
)
def test_a_bar_joins_arms_closer_than_the_difference_and_no_bar_lies_within_another(
    means, difference
):
    means = tuple(sorted(means))
    ranks = Ranks("m", tuple(map(str, range(len(means)))), means, difference, 0.01, 5, {})
    groups = ranks.groups
    joined = {(i, j) for a, b in groups for i in range(a, b + 1) for j in range(i + 1, b + 1)}
    n = len(means)
    close = {(i, j) for i in range(n) for j in range(i + 1, n) if means[j] - means[i] < difference}
    assert joined == close
    assert not any(a <= c and d <= b for a, b in groups for c, d in groups if (a, b) != (c, d))


def test_an_arm_alone_is_no_ranking():
    with pytest.raises(DataError, match="two arms"):
        ranks_figure(Ranks("m", ("a",), (1.0,), None, None, 2, {}))


def test_the_page_of_several_sets_links_to_each(tmp_path):
    page = write_report(study(CLEAR), tmp_path).read_text()
    assert re.findall(r'<section id="(\w+)">', page) == ["sets", "ranking", "glossary"]
    links = re.findall(r'href="([^#"]*)"', page)
    assert links == [f"./set{i}/report.html" for i in range(8)]
    assert "1 (0.900)" in page
    assert "7 runs stopped with an error" in page
    assert (tmp_path / "figures" / "ranks-macro-auroc.svg").is_file()


@pytest.mark.parametrize("folder", ["javascript:alert(1)", "//host/x", '"><script>'])
def test_an_address_stays_beside_the_page(folder):
    (link,) = set_links({"sets": [{"name": "x", "folder": folder}]}).data["links"]
    assert re.fullmatch(r"\./[\w%./()-]+/report\.html", link.address)
    assert ":" not in link.address


@pytest.mark.parametrize(
    "results", [{"sets": []}, {"ranking": {}}, {"ranking": {"accuracy": None}}]
)
def test_next_to_nothing_still_makes_a_page(results, tmp_path):
    assert "No two arms ran on several data sets." in write_report(results, tmp_path).read_text()
