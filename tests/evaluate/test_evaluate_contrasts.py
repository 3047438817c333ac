"""Contrasts: symmetric, matched by seed, adjusted, and in agreement with SciPy and by hand."""

import numpy as np
import pytest
from hypothesis import given
from recorded import LABELS, run, studies
from scipy import stats

from foveal.evaluate import aubc, compare, holm, paired_t

AGREED = {
    "metric",
    "a",
    "b",
    "pairs",
    "difference",
    "p",
    "p_holm",
    "p_wilcoxon",
    "p_wilcoxon_holm",
    "effect",
    "interval",
    "family",
}


def negative(value):
    return None if value is None else pytest.approx(-value)


def flat(name, levels):
    """An arm whose area under the curve is its level, a level a seed."""
    return [run(name, seed, [level] * 3) for seed, level in enumerate(levels)]


def test_a_contrast_as_worked_by_hand():
    # Differences 1, 2, 3: mean 2, deviation 1; all three point one way, so 2 of 8 signs do.
    (test,) = compare([*flat("a", [2, 4, 6]), *flat("b", [1, 2, 3])])
    assert test["difference"] == pytest.approx(2)
    assert test["effect"] == pytest.approx(2)
    assert test["p"] == test["p_holm"] == pytest.approx(1 - 1 / np.sqrt(1 + 2 / 12))
    assert test["p_wilcoxon"] == test["p_wilcoxon_holm"] == 0.25
    assert test["interval"] == pytest.approx([1, 3], abs=0.01)  # 1 of 27 resamples is all ones
    assert test["pairs"] == 3


def test_both_tests_agree_with_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.random(10), rng.random(10)
    (test,) = compare([*flat("a", a), *flat("b", b)])
    assert test["p"] == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert test["p_wilcoxon"] == pytest.approx(stats.wilcoxon(a, b, method="exact").pvalue)
    many = stats.bootstrap((a - b,), np.mean, method="percentile", rng=rng, n_resamples=20_000)
    assert test["interval"] == pytest.approx(list(many.confidence_interval), abs=0.01)


def test_both_tests_are_adjusted_over_all_pairs():
    runs = [*flat("a", range(6)), *flat("b", range(1, 7)), *flat("c", [9, 1, 4, 7, 3, 5])]
    for p in ("p", "p_wilcoxon"):
        least = min(compare(runs), key=lambda t: t[p])
        assert least[f"{p}_holm"] == pytest.approx(3 * least[p])


def test_one_shared_seed_gives_a_difference_and_no_more():
    (test,) = compare([*flat("a", [0.5]), *flat("b", [0.25, 0.75])])
    assert (test["pairs"], test["difference"]) == (1, 0.25)
    told = {"metric", "a", "b", "pairs", "difference", "family"}
    assert {test[k] for k in AGREED - told} == {None}


def test_the_same_runs_give_the_same_interval():
    runs = [*flat("a", [0.1, 0.5, 0.7]), *flat("b", [0.2, 0.3, 0.4])]
    assert compare(runs) == compare(runs)


@given(studies())
def test_comparison_is_antisymmetric(runs):
    there = {(t["metric"], t["a"], t["b"]): t for t in compare(runs)}
    back = {(t["metric"], t["b"], t["a"]): t for t in compare(runs[::-1])}
    assert there.keys() == back.keys()
    for key, test in there.items():
        other = back[key]
        assert other["difference"] == negative(test["difference"])
        assert other["p"] == (None if test["p"] is None else pytest.approx(test["p"]))
        assert other["p_wilcoxon"] == test["p_wilcoxon"]
        assert other["effect"] == negative(test["effect"])
        turned = test["interval"] and [-end for end in reversed(test["interval"])]
        assert other["interval"] == (turned and pytest.approx(turned))
        assert other["p_holm"] == (None if test["p"] is None else pytest.approx(test["p_holm"]))


@given(studies())
def test_every_pair_is_tested_once_for_each_metric(runs):
    tests = compare(runs)
    strategies = {r["strategy"] for r in runs}
    found = [(t["metric"], frozenset((t["a"], t["b"]))) for t in tests]
    assert len(found) == len(set(found)) == len(strategies) * (len(strategies) - 1)
    assert all(set(t) == AGREED for t in tests)
    assert all(t["p"] is None or t["p"] <= t["p_holm"] for t in tests)


def test_a_strategy_compared_with_its_twin_does_not_differ():
    curves = [[0.5, 0.6, 0.7], [0.4, 0.7, 0.9], [0.5, 0.5, 0.8]]
    runs = [run(name, seed, c) for name in ("a", "b") for seed, c in enumerate(curves)]
    (test,) = compare(runs)
    assert (test["difference"], test["p"], test["p_holm"]) == (0, 1, 1)
    assert (test["p_wilcoxon"], test["effect"], test["interval"]) == (1, None, [0, 0])


def test_pairs_are_matched_by_seed():
    ours = {0: [0.5, 0.6, 0.7], 1: [0.6, 0.7, 0.9], 2: [0.3, 0.4, 0.6]}
    theirs = {2: [0.3, 0.3, 0.4], 0: [0.5, 0.5, 0.5], 7: [1.0, 1.0, 1.0]}
    runs = [run("a", s, v) for s, v in ours.items()] + [run("b", s, v) for s, v in theirs.items()]
    (test,) = compare(runs)
    a = [aubc(LABELS, ours[s]) for s in (0, 2)]
    b = [aubc(LABELS, theirs[s]) for s in (0, 2)]
    assert test["difference"] == pytest.approx(np.mean(np.subtract(a, b)))
    assert test["p"] == pytest.approx(paired_t(a, b))
    assert test["pairs"] == 2


def test_holm_is_over_the_pairs_of_one_metric():
    rng = np.random.default_rng(0)
    runs = [
        run(name, seed, list(level + 0.1 * rng.random(3)))
        for name, level in (("a", 0.1), ("b", 0.4), ("c", 0.7))
        for seed in range(4)
    ]
    tests = sorted(compare(runs), key=lambda t: t["p"])
    assert tests[0]["p_holm"] == pytest.approx(3 * tests[0]["p"])
    doubled = [{**r, "metrics": {**r["metrics"], "dice": r["metrics"]["accuracy"]}} for r in runs]
    assert [t for t in compare(doubled) if t["metric"] == "accuracy"] == compare(runs)


def test_a_metric_that_one_arm_has_alone_is_not_compared():
    runs = [run("a", 0, [0.1, 0.2, 0.3]), run("b", 0, [0.1, 0.2, 0.3], metric="dice")]
    assert compare(runs) == []


def test_tests_against_random_are_a_family_of_their_own():
    rng = np.random.default_rng(3)
    runs = [one for name in ("a", "b", "random", "c") for one in flat(name, rng.random(6))]
    tests = compare(runs)
    against = [t for t in tests if "random" in (t["a"], t["b"])]
    others = [t for t in tests if t not in against]
    assert {t["family"] for t in against} == {"random"}
    assert {t["family"] for t in others} == {"others"}
    for family in (against, others):
        for p in ("p", "p_wilcoxon"):
            assert [t[f"{p}_holm"] for t in family] == holm([t[p] for t in family])


def test_more_arms_do_not_weaken_a_test_against_random_by_their_pairs():
    rng = np.random.default_rng(3)
    few = [one for name in ("a", "random") for one in flat(name, rng.random(6))]
    many = [*few, *(one for name in "bcde" for one in flat(name, rng.random(6)))]
    (alone,) = compare(few)
    (beside,) = [t for t in compare(many) if {t["a"], t["b"]} == {"a", "random"}]
    assert beside["p_holm"] <= min(1, 5 * alone["p"]) + 1e-12
