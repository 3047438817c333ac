"""Penalty matrix: rows win, columns lose, and the order follows the losses."""

import numpy as np
import pytest

from foveal.core.errors import DataError
from foveal.evaluate import penalty_matrix
from foveal.report.penalty import penalty, penalty_figure, penalty_of, penalty_title

NAMES = ("random", "good", "fair")


def study(matrix, names=NAMES):
    runs = [
        {"strategy": n, "acquire": n, "labels": [1], "metrics": {"accuracy": [0.5]}} for n in names
    ]
    held = {"arms": list(names), "matrix": np.asarray(matrix).tolist()}
    return {"runs": runs, "penalty": {"accuracy": held}}


def measured():
    rng = np.random.default_rng(0)
    lifts = np.array([0.0, 0.3, 0.1])[:, None, None]
    return penalty_matrix(lifts + rng.normal(0, 0.05, (3, 5, 8)))


def test_the_least_beaten_arm_stands_first_and_losses_are_column_means_over_the_others():
    matrix = measured()
    found = penalty_of(study(matrix), "accuracy")
    assert [arm.name for arm in found.arms] == ["good", "fair", "random"]
    order = [1, 2, 0]
    np.testing.assert_array_equal(found.won, matrix[np.ix_(order, order)])
    np.testing.assert_allclose(found.lost, matrix.sum(axis=0)[order] / 2)
    assert "good is never beaten, random most often" in penalty_title(found, "accuracy")


def test_every_number_stands_in_the_row_of_the_winner():
    texts = (
        penalty_figure(study([[0, 0, 0], [0.5, 0, 0.25], [0.125, 0, 0]]), "accuracy").axes[0].texts
    )
    cells = {(round(t.get_position()[1], 2), t.get_position()[0]): t.get_text() for t in texts}
    order = [[None, "25", "50"], ["0", None, "12"], ["0", "0", None]]
    expected = {(i, j): v for i, row in enumerate(order) for j, v in enumerate(row) if v}
    assert cells == expected | {(3.35, 0): "0", (3.35, 1): "12", (3.35, 2): "31"}


def test_arms_that_are_beaten_alike_are_all_named():
    found = penalty_of(study([[0, 0, 0], [0.5, 0, 0.5], [0, 0, 0]]), "accuracy")
    title = penalty_title(found, "accuracy").replace("\u00a0", " ")
    assert title.startswith("good is never beaten, random and fair most often, in 25 % of their")


def test_no_win_is_told():
    assert penalty_title(penalty_of(study(np.zeros((3, 3))), "accuracy"), "accuracy") == (
        "No arm beats another at any budget (accuracy)"
    )


@pytest.mark.parametrize(
    "held",
    [
        None,
        {},
        {"arms": ["random"], "matrix": [[0]]},
        {"arms": ["random", "gone"], "matrix": [[0, 0]] * 2},
    ],
)
def test_a_matrix_that_does_not_fit_the_arms_is_left_out(held):
    results = study(np.zeros((3, 3))) | {"penalty": {"accuracy": held}}
    assert penalty(results) is None
    with pytest.raises(DataError, match="penalty matrix of 'accuracy'"):
        penalty_figure(results, "accuracy")


def test_of_many_arms_those_that_stand_out_are_drawn_with_their_losses_to_all():
    names = ["random", *(f"s{i}" for i in range(20))]
    matrix = np.triu(np.ones((21, 21)), 1)
    found = penalty_of(study(matrix, names), "accuracy")
    assert [arm.name for arm in found.arms] == names[:6]  # they end alike: the first six
    assert found.left_out == 15
    np.testing.assert_allclose(found.lost, np.arange(6) / 20)
