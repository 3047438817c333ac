"""Simulated experts: what they say, what it costs, and errors that are as frequent as set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from discs import disc_spec
from foveal.core.errors import DataError
from foveal.core.region import box_of
from foveal.core.spec import CostSpec
from foveal.loop.annotators import NoisyOracle, Oracle, annotator_of, seconds_of, shifted

COST = CostSpec(class_seconds=3, box_seconds=5, mask_seconds=11)
KINDS = st.sampled_from(["none", "box", "mask"])
masks = arrays(bool, array_shapes(min_dims=2, max_dims=3, max_side=8))
SIDE = 40


class Made:
    """A truth of n samples: classes in turn, one small region, or none, or an empty one."""

    def __init__(self, classes=3, region="small"):
        self.classes, self.kind = classes, region

    def label(self, sample):
        return int(sample) % self.classes

    def region(self, sample):
        if self.kind == "unknown":
            return None
        mask = np.zeros((SIDE, SIDE), bool)
        if self.kind == "small":
            mask[18:21, 18:22] = True
            mask[18, 18] = False
        return mask


def noisy(kind="mask", seed=0, error=0.0, shift=0.0, truth=None, classes=3):
    return NoisyOracle(Oracle(truth or Made(classes), kind, COST), classes, error, shift, seed)


@given(masks, KINDS)
def test_a_region_is_paid_for_if_there_was_something_to_draw(mask, kind):
    extra = {"none": 0, "box": 5, "mask": 11}[kind] if mask.any() else 0
    region = None if kind == "none" else mask
    assert seconds_of(COST, region, kind) == 3 + extra


@pytest.mark.parametrize(("kind", "seconds"), [("none", 3), ("box", 8), ("mask", 14)])
def test_the_oracle_gives_what_is_asked_and_no_more(kind, seconds):
    answer = Oracle(Made(), kind, COST).annotate("4", 2)
    told = answer.annotation
    assert (told.sample, told.label, told.verdict, told.round) == ("4", 1, "labeled", 2)
    assert (told.seconds, told.region_kind, told.at) == (seconds, kind, "")
    exact = Made().region("4")
    expected = {"none": None, "box": box_of(exact), "mask": exact}[kind]
    np.testing.assert_array_equal(answer.region, expected)


def test_nothing_to_see_costs_the_class_alone():
    answer = Oracle(Made(region="empty"), "mask", COST).annotate("0", 0)
    assert answer.annotation.seconds == 3
    assert answer.annotation.region_kind == "mask"
    assert not answer.region.any()


def test_an_unknown_region_cannot_be_drawn():
    with pytest.raises(DataError, match="must draw a region on sample '7'"):
        Oracle(Made(region="unknown"), "mask", COST).annotate("7", 0)
    assert Oracle(Made(region="unknown"), "none", COST).annotate("7", 0).region is None


@given(st.permutations(range(8)), st.integers(0, 99))
def test_noise_does_not_depend_on_the_order_of_questions(order, seed):
    def answers(samples):
        expert = noisy(seed=seed, error=0.5, shift=0.1)
        given = {i: expert.annotate(str(i), r) for r, i in enumerate(samples)}
        return [(given[i].annotation.label, given[i].region.tobytes()) for i in range(8)]

    assert answers(order) == answers(range(8))


def test_classes_are_wrong_as_often_as_set_and_in_every_way():
    n, error = 3000, 0.2
    expert = noisy("none", error=error)
    offsets = [(expert.annotate(str(i), 0).annotation.label - i) % 3 for i in range(n)]
    counts = np.bincount(offsets, minlength=3)
    deviation = np.sqrt(n * error * (1 - error))
    assert abs(n - counts[0] - n * error) < 4 * deviation
    assert abs(int(counts[1]) - int(counts[2])) < 4 * deviation


@pytest.mark.parametrize(("error", "classes", "wrong"), [(0, 3, 0), (1, 3, 50), (1, 1, 0)])
def test_never_and_always_mean_what_they_say(error, classes, wrong):
    expert = noisy("none", error=error, classes=classes)
    labels = [expert.annotate(str(i), 0).annotation.label for i in range(50)]
    assert sum(label != i % classes for i, label in enumerate(labels)) == wrong
    assert set(labels) <= set(range(classes))


def test_regions_are_moved_as_far_as_set():
    expert = noisy(shift=0.05)
    centers = [np.argwhere(expert.annotate(str(i), 0).region).mean(0) for i in range(800)]
    moves = np.array(centers) - np.argwhere(Made().region("0")).mean(0)
    assert np.abs(moves.mean(0)).max() < 4 * 0.05 * SIDE / np.sqrt(800)
    np.testing.assert_allclose(moves.std(0), 0.05 * SIDE, rtol=0.15)


@given(masks, st.floats(0, 3), st.integers(0, 99))
def test_a_moved_region_keeps_its_form(mask, deviation, seed):
    moved = shifted(mask, deviation, np.random.default_rng(seed))
    assert moved.shape == mask.shape
    assert moved.sum() == mask.sum()
    if mask.any():
        here, there = (np.argwhere(m) - np.argwhere(m).min(0) for m in (mask, moved))
        np.testing.assert_array_equal(here, there)


def test_noise_of_nothing_changes_nothing():
    exact, noise = Oracle(Made(), "mask", COST).annotate("5", 1), noisy().annotate("5", 1)
    assert noise.annotation == exact.annotation
    np.testing.assert_array_equal(noise.region, exact.region)


@pytest.mark.parametrize("kind", ["oracle", "noisy"])
def test_the_spec_chooses_the_expert(kind):
    spec = disc_spec(annotator__kind=kind, annotator__class_error=1, seed=3)
    label = annotator_of(spec, Made(2), 2).annotate("0", 0).annotation.label
    assert label == (kind == "noisy")
