"""Gallery: the cases of all arms, or of many arms those of the best and of random choice."""

import pytest

from foveal.report.gallery import gallery
from foveal.report.pictures import Panel

CASE = {"id": "a", "panel": "a.png", "label": "cyst", "predicted": "cyst", "why": "drawn"}


def results(count):
    """`count` arms, the later the better, and random choice."""
    runs = [
        {
            "strategy": name,
            "acquire": "random" if name == "random" else "entropy",
            "seed": 0,
            "labels": [5, 10],
            "metrics": {"macro_auroc": [0.5, 0.5 + i / 100]},
            "gallery": [{"round": 1, "cases": [CASE]}],
        }
        for i, name in enumerate(["random", *(f"s{i}" for i in range(count))])
    ]
    return {"runs": runs}


@pytest.mark.parametrize(("count", "shown"), [(3, 4), (15, 16), (16, 7), (40, 7)])
def test_of_many_arms_the_pictures_of_the_best_and_of_random_are_shown(count, shown):
    read = []
    section = gallery(results(count), lambda path: read.append(path) or Panel(note="here"))
    arms = [run.arm.name for run in section.data["runs"]]
    assert len(arms) == len(read) == shown
    assert section.data["left_out"] == count + 1 - shown
    assert "random" in arms
    assert f"s{count - 1}" in arms
