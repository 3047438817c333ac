"""The summary of a comparison: its shape, its symmetry, and its honesty about what is missing."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import EvidenceError
from foveal.evaluate import aubc, compare, paired_t, summarize, warnings_for

LABELS = [30, 60, 90]


def run(strategy, seed, values, labels=LABELS, metric="accuracy", **more):
    return {
        "strategy": strategy,
        "seed": seed,
        "labels": labels,
        "metrics": {metric: values},
        **more,
    }


values = st.lists(st.none() | st.integers(0, 8).map(lambda n: n / 8), min_size=3, max_size=3)


@st.composite
def studies(draw):
    """Up to three strategies, seeds that differ, two metrics, holes everywhere."""
    runs = []
    for strategy in draw(st.sampled_from([["random"], ["random", "b"], ["a", "random", "c"]])):
        for seed in sorted(draw(st.sets(st.integers(0, 4), min_size=1))):
            metrics = {"accuracy": draw(values), "ece": draw(values)}
            runs.append({"strategy": strategy, "seed": seed, "labels": LABELS, "metrics": metrics})
    return runs


@given(studies())
def test_everything_is_json_without_nan(runs):
    json.dumps([summarize(runs), compare(runs), warnings_for(runs)], allow_nan=False)


@given(studies())
def test_the_summary_has_the_agreed_shape(runs):
    summary = summarize(runs)
    assert set(summary) == {r["strategy"] for r in runs}
    for metrics in summary.values():
        assert set(metrics) == {"accuracy", "ece"}
        for entry in metrics.values():
            assert set(entry) == {"aubc", "final", "labels_to_target"}
            assert set(entry["aubc"]) == set(entry["final"]) == {"mean", "std"}


@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_runs_does_not_matter(runs, random):
    shuffled = random.sample(runs, len(runs))
    before, after = summarize(runs), summarize(shuffled)
    for strategy, metrics in before.items():
        for metric, entry in metrics.items():
            other = after[strategy][metric]
            assert other["aubc"] == pytest.approx(entry["aubc"])
            assert other["final"] == pytest.approx(entry["final"])


@given(studies())
def test_comparison_is_antisymmetric(runs):
    there = {(t["metric"], t["a"], t["b"]): t for t in compare(runs)}
    back = {(t["metric"], t["b"], t["a"]): t for t in compare(runs[::-1])}
    assert there.keys() == back.keys()
    for key, test in there.items():
        other = back[key]
        negated = None if test["difference"] is None else pytest.approx(-test["difference"])
        assert other["difference"] == negated
        assert other["p"] == (None if test["p"] is None else pytest.approx(test["p"]))
        assert other["p_holm"] == (None if test["p"] is None else pytest.approx(test["p_holm"]))


@given(studies())
def test_every_pair_is_tested_once_for_each_metric(runs):
    tests = compare(runs)
    strategies = {r["strategy"] for r in runs}
    found = [(t["metric"], frozenset((t["a"], t["b"]))) for t in tests]
    assert len(found) == len(set(found)) == len(strategies) * (len(strategies) - 1)
    assert all(set(t) == {"metric", "a", "b", "difference", "p", "p_holm"} for t in tests)
    assert all(t["p"] is None or t["p"] <= t["p_holm"] for t in tests)


def test_a_strategy_compared_with_its_twin_does_not_differ():
    curves = [[0.5, 0.6, 0.7], [0.4, 0.7, 0.9], [0.5, 0.5, 0.8]]
    runs = [run(name, seed, c) for name in ("a", "b") for seed, c in enumerate(curves)]
    (test,) = compare(runs)
    assert (test["difference"], test["p"], test["p_holm"]) == (0, 1, 1)


def test_pairs_are_matched_by_seed():
    ours = {0: [0.5, 0.6, 0.7], 1: [0.6, 0.7, 0.9], 2: [0.3, 0.4, 0.6]}
    theirs = {2: [0.3, 0.3, 0.4], 0: [0.5, 0.5, 0.5], 7: [1.0, 1.0, 1.0]}
    runs = [run("a", s, v) for s, v in ours.items()] + [run("b", s, v) for s, v in theirs.items()]
    (test,) = compare(runs)
    a = [aubc(LABELS, ours[s]) for s in (0, 2)]
    b = [aubc(LABELS, theirs[s]) for s in (0, 2)]
    assert test["difference"] == pytest.approx(np.mean(np.subtract(a, b)))
    assert test["p"] == pytest.approx(paired_t(a, b))


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


def test_means_and_deviations_in_closed_form():
    runs = [run("random", 0, [0.2, 0.4, 0.6]), run("random", 1, [0.4, 0.6, 0.8])]
    entry = summarize(runs)["random"]["accuracy"]
    assert entry["aubc"] == pytest.approx({"mean": 0.5, "std": 0.2 / np.sqrt(2)})
    assert entry["final"] == pytest.approx({"mean": 0.7, "std": 0.2 / np.sqrt(2)})
    assert entry["labels_to_target"] == pytest.approx(90)


def test_one_seed_has_no_deviation_and_no_test():
    runs = [run("random", 0, [0.5, 0.6, 0.7]), run("b", 0, [0.6, 0.7, 0.8])]
    assert summarize(runs)["b"]["accuracy"]["aubc"] == {"mean": pytest.approx(0.7), "std": None}
    (test,) = compare(runs)
    assert test["difference"] == pytest.approx(-0.1)
    assert test["p"] is test["p_holm"] is None


def test_labels_to_target_is_where_the_mean_curve_meets_the_end_of_random():
    runs = [
        run("random", 0, [0.4, 0.5, 0.6]),
        run("random", 1, [0.6, 0.7, 0.8]),
        run("good", 0, [0.5, 0.8, 0.9]),
        run("good", 1, [0.5, 0.8, 0.9]),
        run("bad", 0, [0.1, 0.2, 0.3]),
    ]
    summary = summarize(runs)
    reached = {name: summary[name]["accuracy"]["labels_to_target"] for name in summary}
    assert reached == {"random": 90, "good": pytest.approx(50), "bad": None}


def test_errors_reach_their_target_from_above():
    runs = [
        run("random", 0, [0.4, 0.3, 0.2], metric="ece"),
        run("good", 0, [0.3, 0.1, 0.1], metric="ece"),
    ]
    assert summarize(runs)["good"]["ece"]["labels_to_target"] == pytest.approx(45)


def test_without_random_there_is_no_target():
    assert summarize([run("a", 0, [0.1, 0.2, 0.3])])["a"]["accuracy"]["labels_to_target"] is None


def test_the_mean_curve_spans_what_all_runs_have():
    runs = [
        run("random", 0, [0.0, 1.0], labels=[0, 100]),
        run("random", 1, [0.0, 0.5], labels=[0, 50]),
    ]
    # Both rise by 0.01 a label; the target is 0.75, which the common range 0 to 50 does not hold.
    assert summarize(runs)["random"]["accuracy"]["labels_to_target"] is None
    apart = [run("random", 0, [0.1], labels=[10]), run("random", 1, [0.1], labels=[20])]
    assert summarize(apart)["random"]["accuracy"]["labels_to_target"] is None


def test_what_does_not_exist_is_skipped_and_told():
    runs = [run("a", seed, [0.5, None, 0.7]) for seed in range(5)]
    runs.append(run("b", 0, [None, None, None]))
    summary = summarize(runs)
    assert summary["a"]["accuracy"]["aubc"]["mean"] == pytest.approx(0.6)
    assert summary["b"]["accuracy"]["final"] == {"mean": None, "std": None}
    assert compare(runs)[0]["difference"] is None
    assert any("does not exist at 8 points" in line for line in warnings_for(runs))


def test_a_metric_of_some_runs_only():
    runs = [run("a", 0, [0.1, 0.2, 0.3]), run("b", 0, [0.1, 0.2, 0.3], metric="dice")]
    summary = summarize(runs)
    assert set(summary["a"]) == {"accuracy"}
    assert set(summary["b"]) == {"dice"}
    assert compare(runs) == []


def test_no_runs():
    assert summarize([]) == {}
    assert compare([]) == warnings_for([]) == []


def test_a_run_twice_is_refused():
    with pytest.raises(EvidenceError, match="seed 0 occurs twice"):
        summarize([run("a", 0, [1, 1, 1]), run("a", 0, [1, 1, 1])])


def seeds(count, names=("a", "b")):
    return [run(name, seed, [0.1, 0.2, 0.3]) for name in names for seed in range(count)]


def test_few_seeds_are_told_and_enough_are_not():
    (one,) = warnings_for(seeds(1))
    assert "With 1 seed in common nothing can be said about significance" in one
    (three,) = warnings_for(seeds(3))
    assert "3 seeds in common" in three
    assert "|t| > 4.30" in three
    assert warnings_for(seeds(5)) == []


def test_seeds_that_are_not_shared_are_told():
    lines = warnings_for([*seeds(5), run("b", 9, [0.1, 0.2, 0.3])])
    assert lines == [
        "Not all strategies ran with the same seeds; pairs are matched by seed, and further runs "
        "of b count in means only."
    ]


def test_axes_that_differ_are_told():
    runs = seeds(5)
    runs[0] = {**runs[0], "labels": [30, 60, 80]}
    (line,) = warnings_for(runs)
    assert "different numbers of labels (the last from 80 to 90)" in line
