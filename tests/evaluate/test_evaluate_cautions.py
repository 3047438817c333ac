"""Cautions: too few seeds, seeds and axes that differ, told in numbers that can be checked."""

import pytest
from recorded import run, seeds

from foveal.evaluate import holm, warnings_for, wilcoxon


def test_few_seeds_are_told_and_enough_are_not():
    (one,) = warnings_for(seeds(1))
    assert "With 1 seed in common nothing can be said about significance" in one
    three, ranks = warnings_for(seeds(3))
    assert "3 seeds in common" in three
    assert "|t| > 4.30" in three
    assert "its p is at least 0.25. It would take 6 seeds" in ranks
    assert warnings_for(seeds(6)) == []


def test_seeds_that_are_not_shared_are_told():
    lines = warnings_for([*seeds(6), run("b", 9, [0.1, 0.2, 0.3])])
    assert lines == [
        "Not all strategies ran with the same seeds; pairs are matched by seed, and further runs "
        "of b count in means only."
    ]


def test_axes_that_differ_are_told():
    runs = seeds(6)
    runs[0] = {**runs[0], "labels": [30, 60, 80]}
    (line,) = warnings_for(runs)
    assert "different numbers of labels (the last from 80 to 90)" in line


@pytest.mark.parametrize(("arms", "enough"), [(2, 6), (3, 7), (4, 8), (12, 12)])
def test_the_seeds_that_ranks_would_take_are_just_enough(arms, enough):
    names = [f"arm {i}" for i in range(arms)]
    (line,) = [w for w in warnings_for(seeds(enough - 1, names)) if "Wilcoxon" in w]
    assert f"It would take {enough} seeds." in line
    assert not any("Wilcoxon" in w for w in warnings_for(seeds(enough, names)))
    for count in (enough - 1, enough):
        least = wilcoxon(range(1, count + 1), [0] * count)
        others = [1.0] * (arms * (arms - 1) // 2 - 1)
        assert (holm([least, *others])[0] <= 0.05) == (count == enough)


def test_one_arm_is_compared_with_nothing():
    assert warnings_for(seeds(5, ["a"])) == []


def test_with_random_choice_its_own_family_decides_how_many_seeds_ranks_take():
    names = ["random", "a", "b", "c"]
    (line,) = [w for w in warnings_for(seeds(6, names)) if "Wilcoxon" in w]
    assert "over 3 pairs" in line
    assert not any("Wilcoxon" in w for w in warnings_for(seeds(7, names)))
