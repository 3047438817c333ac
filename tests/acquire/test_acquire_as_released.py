"""What published longitudinal code does, flaw by flaw, and that it is marked as that."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import entr

from foveal.acquire import acquire, get, names
from foveal.acquire.strategies.as_released import (
    released_bald,
    released_entropy,
    released_least_confidence,
    released_margin,
)
from foveal.cli.strategy_pages import RELEASED, families, honesty, index, page
from foveal.core.evidence import Evidence
from generators import sample_ids

P = np.linspace(0, 1, 10001)


def test_the_one_sided_entropy_peaks_at_one_over_e():
    one_sided = released_entropy(entr(P))  # pictures of one pixel each
    assert P[one_sided.argmax()] == pytest.approx(1 / math.e, abs=1e-4)
    assert one_sided.max() == pytest.approx(1 / math.e)
    assert one_sided[5000] < one_sided.max()  # at one half, where the full entropy is highest
    both = get("pixel_entropy").fn(entr(P) + entr(1 - P))
    assert P[both.argmax()] == 0.5


def test_the_emptiest_picture_is_asked_first_however_certain():
    summed = np.array([0.0, 50.0, 100.0])  # 100 pixels: certainly empty, at one half, all lesion
    assert released_least_confidence(summed).argmax() == 0
    correct = get("pixel_least_confidence").fn(np.array([1.0, 0.5, 1.0]))
    assert correct.argmax() == 1


@given(st.permutations(range(12)), st.integers(1, 12))
def test_margins_of_sorted_sums_take_the_last_rows_whatever_the_sums(sums, k):
    scored = released_margin(np.array(sums, dtype=np.float64))
    taken = np.argsort(-scored.score, kind="stable")[:k]
    assert taken.tolist() == list(range(11, 11 - k, -1))
    as_published = _published_margin(np.array(sums, dtype=np.float64), np.arange(12), k)
    np.testing.assert_array_equal(taken, as_published)


def _published_margin(confidence, rows, k):
    ordered = np.sort(confidence)[::-1]
    gap = 2 * ordered - 1
    return rows[np.argsort(gap)[:k]]


def test_information_that_is_rounding_makes_an_arbitrary_choice():
    np.testing.assert_array_equal(released_bald(np.array([0.0, -1e-9])), [0.0, -1e-9])
    pool = Evidence(sample_ids(30), {"released_bald": np.zeros(30)})
    query = acquire(pool, "released_bald", 3)
    assert any("random draw" in note for note in query.notes)


def test_they_are_marked_wherever_they_are_listed_and_whenever_they_are_used():
    flawed = [n for n in names() if get(n).reproduction]
    assert flawed == [
        "released_bald",
        "released_entropy",
        "released_least_confidence",
        "released_margin",
    ]
    assert [plan.name for plan in families()[RELEASED]] == flawed
    assert index().index(f"## {RELEASED}") < index().index("| [released_entropy]")
    pool = Evidence(
        sample_ids(5),
        {name: np.arange(5.0) for need in flawed for name in get(need).needs},
    )
    for name in flawed:
        assert "For reproduction only" in page(get(name))
        assert "for reproduction only" in honesty(get(name))
        assert "use it to reproduce, not to ask" in acquire(pool, name, 2).notes[0]
        assert get(f"power({name})").reproduction
    assert not get("pixel_entropy").reproduction
    assert not acquire(pool, "random", 2).notes
