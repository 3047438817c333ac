"""A plateau stops, a rising curve does not, and what cannot be known is said."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from foveal.acquire.stopping import (
    Advice,
    History,
    Limits,
    advise,
    budget,
    confidence,
    expected_gain,
    kappa,
    next_gain,
    stability,
)
from foveal.core.errors import EvidenceError, SpecError
from generators import probabilities

LABELS = np.arange(1, 9) * 30
CURVES = {
    "power": lambda x: 0.95 - 1.5 * x**-0.5,
    "fast power": lambda x: 0.9 - 8 / x,
    "exponential": lambda x: 0.9 - 0.3 * np.exp(-x / 80),
    "slow": lambda x: 0.9 - 0.4 * np.exp(-x / 300),
    "level": lambda x: 0.85 + 0 * x,
}
every_curve = pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)


def simulated(curve, rounds, noise, runs, seed=0):
    """Runs of a noisy curve, and its true gain by the next 30 labels."""
    x = 30.0 * np.arange(1, rounds + 1)
    rng = np.random.default_rng(seed)
    values = curve(x) + noise * rng.standard_normal((runs, rounds))
    return x.tolist(), values.tolist(), float(curve(x[-1] + 30) - curve(x[-1]))


# Expected gain.


@every_curve
@pytest.mark.parametrize("rounds", [4, 8])
def test_the_interval_covers_the_true_gain_about_as_often_as_it_says(curve, rounds):
    x, runs, true = simulated(curve, rounds, noise=0.01, runs=200)
    covered = [g.low <= true <= g.high for g in (next_gain(x, v, 30, level=0.9) for v in runs)]
    assert np.mean(covered) >= 0.82  # three standard errors of 200 runs below 0.9, or more


@every_curve
def test_a_narrower_level_covers_less(curve):
    x, runs, true = simulated(curve, 8, noise=0.01, runs=100)
    for values in runs[:20]:
        half, most = (next_gain(x, values, 30, level=level) for level in (0.5, 0.95))
        assert most.low <= half.low <= half.best <= half.high <= most.high
    covered = [g.low <= true <= g.high for g in (next_gain(x, v, 30, level=0.3) for v in runs)]
    assert np.mean(covered) < 0.75  # so the interval is not simply always wide


@every_curve
def test_a_curve_without_noise_is_extrapolated_exactly(curve):
    x = 30.0 * np.arange(1, 11)
    gain = next_gain(x.tolist(), curve(x).tolist(), 30)
    assert gain.best == pytest.approx(curve(330) - curve(300), abs=2e-4)


@given(st.floats(-0.3, 0.3), st.floats(0.1, 3))
def test_a_shifted_curve_gains_the_same_and_a_mirrored_one_the_opposite(shift, scale):
    x, values = LABELS.tolist(), np.array([0.6, 0.7, 0.72, 0.76, 0.75, 0.78, 0.79, 0.785])
    gain = next_gain(x, values.tolist(), 30)
    shifted = next_gain(x, (values + shift).tolist(), 30)
    mirrored = next_gain(x, (-values).tolist(), 30)
    assert (shifted.low, shifted.high) == pytest.approx((gain.low, gain.high))
    assert (-mirrored.high, -mirrored.low) == pytest.approx((gain.low, gain.high))
    stretched = next_gain([scale * i for i in x], values.tolist(), scale * 30)
    assert (stretched.low, stretched.high) == pytest.approx((gain.low, gain.high))


def test_a_plateau_stops_and_a_rising_curve_does_not():
    level = [0.7, 0.82, 0.846, 0.851, 0.85, 0.852, 0.851, 0.851]
    rising = [0.5, 0.55, 0.6, 0.64, 0.69, 0.73, 0.76, 0.8]
    stop = expected_gain(LABELS, level, 30, validation_size=1000)
    assert stop.stop
    assert "expected to add 0.000 ± 0.00" in stop.words
    assert stop.words.endswith("less than the 0.005 that would be worth it; you may stop")
    assert stop.numbers["high"] < 0.005
    go = expected_gain(LABELS, rising, 30, validation_size=1000)
    assert not go.stop
    assert go.words.endswith("go on")
    assert go.numbers["low"] > 0.005


def test_what_is_worthwhile_is_the_users_to_say():
    slow = [0.7, 0.72, 0.738, 0.756, 0.772, 0.788, 0.802, 0.816]
    assert not expected_gain(LABELS, slow, 30).stop
    assert expected_gain(LABELS, slow, 30, worthwhile=0.05).stop


def test_a_small_validation_part_cannot_tell():
    level = [0.85, 0.84, 0.86, 0.85]
    small = expected_gain(LABELS[:4], level, 30, validation_size=20)
    assert not small.stop
    assert small.words.startswith("cannot tell yet: ")
    assert "a larger validation part (now 20 images)" in small.words
    large = expected_gain(LABELS[:4], level, 30, validation_size=20_000)
    assert large.numbers["high"] < small.numbers["high"]


@pytest.mark.parametrize("values", [[], [0.7], [0.7, 0.8], [None, 0.7, None, 0.8]])
def test_too_few_rounds_cannot_tell(values):
    said = expected_gain(LABELS[: len(values)], values, 30)
    assert not said.stop
    assert said.words.startswith("cannot tell yet: a learning curve needs 3 rounds")
    assert said.numbers == {}


def test_three_rounds_give_an_interval_that_admits_how_little_they_tell():
    three = next_gain([30, 60, 90], [0.6, 0.7, 0.75], 30)
    many = next_gain(LABELS, CURVES["exponential"](LABELS), 30)
    assert three.half_width > 5 * many.half_width
    assert math.isfinite(three.half_width)


def test_rounds_that_brought_no_label_count_as_one_more_look():
    assert next_gain([30, 30, 60], [0.6, 0.61, 0.7], 30) is None
    assert next_gain([30, 60, 60, 90], [0.6, 0.7, 0.71, 0.75], 30).points == 4


def test_errors_are_to_fall():
    falling = [0.3, 0.27, 0.24, 0.21, 0.19, 0.17, 0.15, 0.13]
    said = expected_gain(LABELS, falling, 30, metric="ece")
    assert not said.stop
    assert "take 0.0" in said.words
    assert "off ECE" in said.words
    worse = expected_gain(LABELS, falling, 30, metric="macro_auroc")
    assert worse.stop
    assert worse.words.endswith("look why it has become worse")


def test_a_curve_asked_wrongly_is_refused():
    for labels, values in [
        ([30, 20, 40], [0.1] * 3),
        ([0, 20, 40], [0.1] * 3),
        ([30, 40], [0.1] * 3),
        ([30, 40, 50], [0.1, math.nan, 0.2]),
    ]:
        with pytest.raises(EvidenceError):
            expected_gain(labels, values, 30)
    with pytest.raises(EvidenceError, match="`more`"):
        expected_gain([30], [0.5], 0)
    with pytest.raises(EvidenceError, match="`level`"):
        next_gain([30], [0.5], 1, level=1.0)
    with pytest.raises(EvidenceError, match="`validation_size`"):
        next_gain([30], [0.5], 1, validation_size=0)
    with pytest.raises(SpecError, match="`worthwhile`"):
        expected_gain([30], [0.5], 1, worthwhile=0)


# Stability.


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_kappa_is_that_of_scikit_learn(pairs):
    first, second = np.array(pairs).T
    mine = kappa(first, second)
    if len(np.unique(pairs)) < 2:
        assert mine is None
        return
    theirs = cohen_kappa_score(first, second)
    assert mine == pytest.approx(theirs)
    assert mine == pytest.approx(kappa(second, first))


def rounds_of(*classes):
    return [{f"s{i}": c for i, c in enumerate(row)} for row in classes]


def test_predictions_that_stand_still_stop():
    said = stability(rounds_of([0, 1, 1, 0], [0, 1, 2, 0], *[[0, 1, 2, 1]] * 4))
    assert said.stop
    assert said.numbers == {"kappa": 1.0, "lowest": 1.0, "threshold": 0.99, "samples": 4.0}
    assert "perhaps stably wrong" in said.words


def test_the_average_over_the_last_three_comparisons_decides():
    still, moved = [0, 1] * 50, [0, 1] * 48 + [1, 0, 1, 0]
    k = kappa(still, moved)
    said = stability(rounds_of(still, moved, moved, moved))
    assert said.numbers["kappa"] == pytest.approx((k + 2) / 3)
    assert said.numbers["lowest"] == pytest.approx(k)
    assert not said.stop
    assert stability(rounds_of(still, moved, moved, moved), threshold=(k + 2) / 3 - 1e-9).stop
    assert stability(rounds_of(still, moved, moved, moved, moved)).stop
    assert not stability(rounds_of(still, moved, still, moved)).stop


def test_too_few_rounds_of_predictions_cannot_tell():
    said = stability(rounds_of(*[[0, 1]] * 3))
    assert not said.stop
    assert said.words == "cannot tell yet: the last 4 rounds are compared, and there are 3"
    assert "there are none" in stability([]).words


def test_a_model_that_knows_one_class_only_does_not_stop():
    said = stability(rounds_of(*[[1, 1, 1]] * 5))
    assert not said.stop
    assert "same class" in said.words
    assert not stability(rounds_of(*[[]] * 5)).stop
    assert "no sample in common" in stability(rounds_of(*[[]] * 5)).words


def test_a_shrinking_pool_is_compared_on_what_is_left():
    whole = {f"s{i}": i % 2 for i in range(10)}
    shrinking = [{k: v for k, v in whole.items() if int(k[1:]) >= r} for r in range(4)]
    said = stability(shrinking)
    assert said.stop
    assert said.numbers["samples"] == 7


def test_stability_settings_are_checked():
    for wrong in ({"threshold": 1.1}, {"comparisons": 0}, {"threshold": math.nan}):
        with pytest.raises(SpecError):
            stability([], **wrong)


# Confidence.


@given(probabilities())
def test_uncertainty_is_of_the_pool_that_is_left(probs):
    n, classes = probs.shape
    p = probs.astype(np.float64)
    logs = np.log(p, where=p > 0, out=np.zeros_like(p))
    doubt = -(p * logs).sum(axis=1) / np.log(classes)
    for measure, wanted in (
        ("mean", doubt.mean()),
        ("max", doubt.max()),
        ("expected_error", (1 - p.max(axis=1)).mean()),
    ):
        said = confidence(probs, measure=measure, threshold=0.3)
        assert said.numbers["uncertainty"] == pytest.approx(wanted, abs=1e-6)
        assert said.numbers["samples"] == n
        assert said.stop == (said.numbers["uncertainty"] < 0.3)


def test_one_doubtful_sample_counts_for_the_largest_but_not_for_the_mean():
    probs = np.array([[1.0, 0.0]] * 99 + [[0.5, 0.5]])
    assert confidence(probs, measure="mean").stop
    assert not confidence(probs, measure="max").stop
    assert confidence(probs, measure="expected_error").stop


def test_findings_are_judged_one_by_one():
    sure, unsure = np.array([[1.0, 1.0]]), np.array([[1.0, 0.5]])
    assert confidence(sure, task="multilabel").numbers["uncertainty"] == 0
    assert confidence(unsure, task="multilabel").numbers["uncertainty"] == pytest.approx(0.5)


def test_confidence_says_what_it_cannot_say():
    assert not confidence(None).stop
    assert confidence(np.zeros((0, 3))).stop
    assert "same class" in confidence(np.ones((4, 1))).words
    assert not confidence(np.ones((4, 1))).stop
    with pytest.raises(SpecError, match=r"no measure 'men'. Did you mean 'mean'"):
        confidence(None, measure="men")
    with pytest.raises(SpecError, match="`threshold`"):
        confidence(None, threshold=0)
    with pytest.raises(EvidenceError, match="sum to 1"):
        confidence(np.array([[0.5, 0.6]]))


# Budget, and all together.


def test_a_budget_stops_when_one_unit_is_used_up():
    room = budget({"labels": 120, "minutes": 3.5}, {"labels": 300, "minutes": 20})
    assert not room.stop
    assert room.words.startswith("120 of 300 labels, 3.5 of 20 minutes are spent")
    over = budget({"labels": 120, "minutes": 20}, {"labels": 300, "minutes": 20})
    assert over.stop
    assert "the minutes allowed are used up" in over.words
    assert over.numbers["allowed_minutes"] == 20
    assert not budget({"labels": 120}, {}).stop
    with pytest.raises(SpecError, match=r"no unit 'label'. Did you mean 'labels'"):
        budget({"label": 1}, {})
    with pytest.raises(SpecError, match="a limit of rounds needs the rounds spent"):
        budget({"labels": 1}, {"rounds": 2})


def test_advice_comes_from_every_criterion():
    values = [0.7, 0.82, 0.846, 0.851, 0.85, 0.852, 0.851, 0.851]
    history = History(
        labels=LABELS.tolist(),
        values=values,
        validation_size=500,
        predictions=rounds_of(*[[0, 1, 0]] * 8),
        probs=np.array([[0.999, 0.001]]),
        minutes=12,
    )
    told = advise(history, 30, Limits(labels=300, minutes=60, rounds=8))
    assert [a.criterion for a in told] == ["budget", "expected_gain", "stability", "confidence"]
    assert [a.stop for a in told] == [True, True, True, True]
    assert "8 of 8 rounds" in told[0].words
    assert told[1] == expected_gain(LABELS, values, 30, validation_size=500)


def test_a_run_that_has_just_begun_is_not_stopped():
    told = advise(History(), 30)
    assert not any(a.stop for a in told)
    assert all(isinstance(a, Advice) and a.words for a in told)
