"""Contrasts: turned the right way round, shown below the level only, older results still read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.report.contrasts import Contrast, against, contrast_between, contrasts_of
from foveal.report.pairs import least_wilcoxon
from foveal.report.pairs import test_blocks as blocks_of
from foveal.report.reading import arms_of

ROW = {"metric": "m", "a": "x", "b": "y", "difference": 0.2, "p": 0.02, "p_holm": 0.04}
FULL = ROW | {"pairs": 5, "effect": 1.5, "interval": [-0.1, 0.5], "p_wilcoxon": 0.0625}


def test_a_contrast_turned_round_changes_its_sign_and_keeps_its_p():
    forth, back = (contrast_between({"tests": [FULL]}, "m", *pair) for pair in (("x", "y"), "yx"))
    assert forth is not None
    assert back is not None
    assert (forth.difference, forth.effect, forth.interval) == (0.2, 1.5, (-0.1, 0.5))
    assert (back.difference, back.effect, back.interval) == (-0.2, -1.5, (-0.5, 0.1))
    assert forth.p_holm == back.p_holm == 0.04
    assert (forth.better, forth.worse, back.better, back.worse) == (True, False, False, True)
    assert contrast_between({"tests": [FULL]}, "other", "x", "y") is None


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1))
def test_turning_twice_changes_nothing(difference, end, p):
    contrast = Contrast("m", "x", "y", difference, p, p, interval=(min(0, end), max(0, end)))
    assert contrast.turned().turned() == contrast


@pytest.mark.parametrize(
    ("p", "shown"), [(0.0499, True), (0.05, False), (None, False), (math.nan, False)]
)
def test_a_difference_is_shown_strictly_below_the_level(p, shown):
    contrast = contrast_between({"tests": [ROW | {"p_holm": p}]}, "m", "x", "y")
    assert contrast is not None
    assert contrast.shown == shown


def test_less_error_is_the_better_end():
    (contrast,) = contrasts_of({"tests": [ROW | {"metric": "ece"}]})
    assert (contrast.worse, contrast.better, contrast.gain) == (True, False, -0.2)


def test_what_older_results_lack_is_none():
    (contrast,) = contrasts_of({"tests": [ROW]})
    assert (contrast.pairs, contrast.effect, contrast.interval, contrast.p_wilcoxon) == (None,) * 4


@pytest.mark.parametrize("interval", [None, [], [0.1], [None, 0.2], [0.1, math.nan], "ab"])
def test_a_broken_interval_is_none(interval):
    (contrast,) = contrasts_of({"tests": [ROW | {"interval": interval}]})
    assert contrast.interval is None


def results_of(names, rows):
    runs = [{"strategy": n, "acquire": n, "seed": s} for n in names for s in range(2)]
    return {"runs": runs, "tests": rows}


def test_tests_against_one_arm_are_each_arm_minus_that():
    rows = [ROW | {"a": "random"}, ROW | {"b": "random"}, ROW]
    results = results_of(["random", "x", "y"], rows)
    found = against(results, "m", "random", arms_of(results))
    assert {name: c.difference for name, c in found.items()} == {"y": -0.2, "x": 0.2}


def test_pairs_with_random_come_first_and_every_pair_is_listed_once():
    names = ["a", "random", "b"]
    rows = [ROW | {"a": a, "b": b} for a, b in (("a", "random"), ("a", "b"), ("random", "b"))]
    (block,) = blocks_of(results_of(names, rows))
    assert [(r.a.name, r.b.name) for r in block.first] == [("a", "random"), ("b", "random")]
    assert [(r.a.name, r.b.name) for r in block.rest] == [("a", "b")]
    assert [r.cells[0] for r in block.first] == ["+0.200", "\u22120.200"]


def test_of_many_pairs_the_smallest_p_are_listed_and_the_others_counted():
    names = ["random", *(f"s{i}" for i in range(20))]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[:i]]
    rows = [ROW | {"a": a, "b": b, "p": (i * 37 % 211) / 211} for i, (a, b) in enumerate(pairs)]
    (block,) = blocks_of(results_of(names, rows))
    assert len(block.first) == 20
    assert len(block.rest) + block.unlisted == len(pairs) - 20
    between = sorted(r["p"] for r in rows if "random" not in (r["a"], r["b"]))
    assert [row.cells[1] for row in block.rest[:3]] == [
        "< 0.001" if p < 0.001 else f"{p:.3f}" for p in between[:3]
    ]


@pytest.mark.parametrize(("pairs", "said"), [(3, "0.250"), (5, "0.062"), (6, ""), (10, "")])
def test_wilcoxon_without_power_is_told(pairs, said):
    assert least_wilcoxon(contrasts_of({"tests": [FULL | {"pairs": pairs}]})) == said
