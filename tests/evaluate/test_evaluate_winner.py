"""Winner: what the best of many is worth on a seed that did not choose it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from recorded import run

from foveal.evaluate import leave_one_out, winners

TABLES = arrays(
    float,
    st.tuples(st.integers(1, 5), st.integers(2, 6)),
    elements=st.integers(0, 8).map(lambda v: v / 8),
)


def test_as_worked_by_hand():
    # Without seed 0 the second arm leads (.6 to .5), without seed 1 the first, without 2 the first.
    areas = np.array([[0.9, 0.5, 0.5], [0.1, 0.6, 0.6]])
    assert leave_one_out(areas, areas) == pytest.approx((0.1 + 0.5 + 0.5) / 3)
    assert leave_one_out(areas, 1 - areas) == pytest.approx((0.9 + 0.5 + 0.5) / 3)


@given(TABLES)
def test_it_is_what_a_loop_over_the_seeds_gives(areas):
    read = []
    for seed in range(areas.shape[1]):
        others = np.delete(areas, seed, axis=1)
        best = int(others.sum(axis=1).argmax())
        read.append(areas[best, seed])
    assert leave_one_out(areas, areas) == pytest.approx(np.mean(read))


@given(TABLES)
def test_a_winner_on_all_seeds_keeps_its_lead_and_no_estimate_beats_the_best_mean(areas):
    estimate = leave_one_out(areas, areas)
    assert estimate <= areas.max(axis=0).mean() + 1e-12
    ahead = np.vstack([areas, areas.max(axis=0) + 1])
    assert leave_one_out(ahead, ahead) == pytest.approx(ahead[-1].mean())


def test_of_arms_that_differ_by_luck_alone_the_lead_melts():
    luck = np.random.default_rng(0).normal(size=(200, 20, 5))
    leads = [areas.mean(axis=1).max() for areas in luck]
    honest = [leave_one_out(areas, areas) for areas in luck]
    assert np.mean(leads) > 0.7
    assert abs(np.mean(honest)) < 0.1


def test_one_seed_tells_nothing():
    assert leave_one_out(np.ones((3, 1)), np.ones((3, 1))) is None


def test_the_winner_has_the_largest_area_and_is_read_at_its_end_too():
    runs = [
        run(name, seed, values)
        for name, values in (("early", [0.5, 0.8, 0.8]), ("late", [0.1, 0.1, 0.9]))
        for seed in range(2)
    ]
    found = winners(runs)["accuracy"]
    assert (found["arm"], found["by"], found["of"]) == ("early", "aubc", 2)
    assert found["value"] == found["leave_one_out"] == pytest.approx(0.725)
    assert found["final"] == found["final_leave_one_out"] == 0.8


def test_errors_win_by_being_small():
    runs = [run("a", 0, [0.3] * 3, metric="ece"), run("b", 0, [0.1] * 3, metric="ece")]
    assert winners(runs)["ece"]["arm"] == "b"
    assert winners(runs)["ece"]["leave_one_out"] is None


def test_who_reads_hidden_masks_does_not_compete_with_who_does_not():
    runs = [run("oracle", 0, [0.9] * 3, oracle=True), run("honest", 0, [0.1] * 3, oracle=False)]
    assert winners(runs)["accuracy"]["arm"] == "honest"
    assert winners(runs[:1])["accuracy"]["arm"] == "oracle"


def test_arms_without_a_shared_seed_have_no_winner():
    assert winners([run("a", 0, [0.9] * 3), run("b", 1, [0.1] * 3)]) == {}
