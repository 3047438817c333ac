"""Scores over pixels: closed forms, one ranking where they must agree, and the turns of two."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import entr

from foveal.acquire import acquire, get, names
from foveal.acquire.strategies.difference import difference_energy, difference_entropy
from foveal.acquire.strategies.pixel_bald import pixel_bald
from foveal.acquire.strategies.pixel_cluster_margin import pixel_cluster_margin
from foveal.acquire.strategies.pixel_pcdal import pixel_pcdal
from foveal.acquire.strategies.pixel_uncertainty import (
    pixel_entropy,
    pixel_entropy_top,
    pixel_least_confidence,
    pixel_margin,
)
from foveal.acquire.strategies.selective_uncertainty import (
    boundary_aware,
    by_turns,
    selective_uncertainty,
    target_aware,
)
from foveal.acquire.strategies.uncertainty import entropy, least_confidence, margin
from foveal.core.errors import EvidenceError, SpecError
from foveal.core.evidence import PIXELWISE, Evidence
from generators import nats, sample_ids, unit_values

PIXEL_STRATEGIES = [n for n in names() if "segmentation" in get(n).tasks]


def averaged(maps):
    """The means over pixels that the evidence is defined by, from (n, H, W) maps of p."""
    p = np.asarray(maps, dtype=np.float64).reshape(len(maps), -1)
    return {
        "pixel_entropy": (entr(p) + entr(1 - p)).mean(axis=1),
        "pixel_confidence": np.maximum(p, 1 - p).mean(axis=1),
        "pixel_margin": np.abs(2 * p - 1).mean(axis=1),
    }


def constant_maps(values):
    return np.broadcast_to(np.asarray(values)[:, None, None], (len(values), 3, 4))


@given(st.lists(st.integers(0, 50), min_size=2, max_size=12, unique=True))
def test_constant_pictures_are_ranked_alike_by_all_three_and_as_one_prediction_would_be(steps):
    p = np.array(steps) / 100  # on one side of one half, so that no two are equally unsure
    held = averaged(constant_maps(p))
    scores = [
        pixel_entropy(held["pixel_entropy"]),
        pixel_least_confidence(held["pixel_confidence"]),
        pixel_margin(held["pixel_margin"]),
    ]
    single = np.stack([1 - p, p], axis=1)
    for score, alone in zip(scores, (entropy, least_confidence, margin), strict=True):
        np.testing.assert_array_equal(np.argsort(-score), np.argsort(-p))
        np.testing.assert_allclose(score, alone(single), atol=1e-12)


def test_the_most_uncertain_picture_scores_ln_2_one_half_and_one():
    held = averaged(constant_maps([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(pixel_entropy(held["pixel_entropy"]), [0, math.log(2), 0])
    np.testing.assert_allclose(pixel_least_confidence(held["pixel_confidence"]), [0, 0.5, 0])
    np.testing.assert_allclose(pixel_margin(held["pixel_margin"]), [0, 1, 0])


@given(unit_values(8))
def test_least_confidence_is_half_the_margin(values):
    least = pixel_least_confidence((1 + values) / 2)
    np.testing.assert_allclose(2 * least, pixel_margin(values))


@pytest.mark.parametrize(
    "score",
    [
        pixel_entropy,
        pixel_entropy_top,
        pixel_bald,
        pixel_pcdal,
        target_aware,
        boundary_aware,
        difference_entropy,
        difference_energy,
    ],
)
def test_what_is_uncertain_already_is_asked_by_its_size(score):
    values = np.array([0.1, 0.0, 0.25], dtype=np.float32)
    np.testing.assert_array_equal(score(values), values)
    assert score(values).dtype == np.float64


@given(nats(9), nats(9), st.integers(1, 9), st.sampled_from(["target", "boundary"]))
def test_each_turn_takes_the_highest_of_its_score_that_is_left(target, boundary, k, first):
    chosen = selective_uncertainty(target, boundary, k, np.random.default_rng(0), first=first)
    scores = [target, boundary] if first == "target" else [boundary, target]
    left = set(range(9))
    for turn, pick in enumerate(chosen.positions.tolist()):
        score = scores[turn % 2]
        assert score[pick] == max(score[i] for i in left)
        left.remove(pick)
    assert len(left) == 9 - k


def test_where_both_agree_the_turns_go_down_one_ranking():
    score = np.array([0.1, 0.6, 0.3])
    assert by_turns((score, score), 3).tolist() == [1, 2, 0]
    assert by_turns((score,), 2).tolist() == [1, 2]


def test_cluster_margin_over_pixels_is_cluster_margin_with_its_margins():
    rng = np.random.default_rng(3)
    p = rng.random(60)
    rows = rng.normal(size=(60, 3))
    held = {
        "probs": np.stack([1 - p, p], axis=1),
        "embedding": rows,
        "pixel_margin": abs(2 * p - 1),
    }
    pool = Evidence(sample_ids(60), held)
    gap = dict(zip(pool.ids, held["pixel_margin"], strict=True))
    query = acquire(pool, "pixel_cluster_margin", 4, parameters={"factor": 2.0})
    assert max(gap[i] for i in query.ids) <= np.sort(held["pixel_margin"])[7]
    same = [
        get(name).fn(held[first], rows, 9, np.random.default_rng(1))
        for name, first in (("pixel_cluster_margin", "pixel_margin"), ("cluster_margin", "probs"))
    ]
    np.testing.assert_array_equal(*same)


@pytest.mark.parametrize(
    "settings", [{"factor": 0.5}, {"cluster_size": 0.0}, {"hac_rows": 1}], ids=str
)
def test_settings_of_cluster_margin_out_of_range_are_refused(settings):
    with pytest.raises(SpecError, match="of pixel_cluster_margin must be at least"):
        pixel_cluster_margin(np.ones(1), np.zeros((1, 2)), 1, np.random.default_rng(), **settings)


@pytest.mark.parametrize("name", PIXEL_STRATEGIES)
def test_they_read_scores_over_pixels_and_say_who_fills_them(name):
    assert set(get(name).needs) & PIXELWISE
    with pytest.raises(EvidenceError, match="a run with `task: segmentation` fills it"):
        acquire(Evidence(("a", "b"), {"probs": np.full((2, 2), 0.5)}), name, 1)


def test_every_score_over_pixels_is_read_by_some_strategy():
    assert {need for n in PIXEL_STRATEGIES for need in get(n).needs} >= PIXELWISE


def test_they_join_with_strategies_for_classes():
    rng = np.random.default_rng(0)
    held = {"pixel_entropy": rng.random(20) / 2, "embedding": rng.normal(size=(20, 2))}
    held["probs"] = rng.dirichlet((1, 1), 20)
    pool = Evidence(sample_ids(20), held)
    for name in ("pixel_entropy + entropy", "stochastic(pixel_entropy)", "k_center(pixel_entropy)"):
        assert get(name).tasks == ("segmentation",)
        assert len(acquire(pool, name, 3).ids) == 3


@pytest.mark.parametrize(("kernel", "shown_by"), [("features", 0.3), ("gradient", 0.6)])
def test_slices_that_look_like_those_with_change_are_found_by_flqmi(kernel, shown_by):
    """A rare cluster, 5 of 400, of which two labeled samples show what is sought.

    Gradients can tell only where the model already predicts foreground; features need no such.
    """
    rng = np.random.default_rng(7)
    rare = np.arange(400) < 5
    center = np.where(rare[:, None], [6.0, 6.0, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0])
    shown = np.where(rare, shown_by, 0.05) + rng.uniform(-0.04, 0.04, 400)
    pool = Evidence(
        sample_ids(400),
        {
            "probs": np.stack([1 - shown, shown], axis=1),
            "embedding": center + rng.normal(size=(400, 4)),
        },
    )
    exemplar = Evidence(
        sample_ids(2, "e"),
        {
            "probs": np.array([[0.5, 0.5], [0.4, 0.6]]),
            "embedding": np.array([[6.0, 6.0, 0.0, 0.0]] * 2) + rng.normal(size=(2, 4)),
            "label": np.array([1, 1]),
        },
    )
    query = acquire(pool, "flqmi", 5, parameters={"kernel": kernel}, context={"exemplar": exemplar})
    assert sum(rare[int(i[1:])] for i in query.ids) == 5
    drawn = acquire(pool, "random", 5)
    assert sum(rare[int(i[1:])] for i in drawn.ids) <= 1
