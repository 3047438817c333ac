"""Laws of the worker's decisions: what to do next, how sure a metric is, what the card says."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.pool import Pool, Sample
from foveal.core.query import Query
from foveal.core.spec import parse_spec
from foveal.evaluate import accuracy
from foveal.loop.live.card import model_card
from foveal.loop.live.interval import mean_interval, patient_interval
from foveal.loop.live.order import slice_by_slice
from foveal.loop.live.plan import next_task


def state(lessons=0, since=0, trained=0, known=0, queries=1, history=(), classes=2, outlines=False):
    """As much of a project's state as plans read."""
    told = tuple((f"s{i}", SimpleNamespace(label=i % classes)) for i in range(lessons))
    return SimpleNamespace(
        outlines=outlines,
        trained=(None,) * trained,
        details=({"trainings": known},),
        queries=(None,) * queries,
        history=history,
        live=SimpleNamespace(train_every=6),
        lessons=lambda: told,
        labels_since_training=lambda: since,
    )


READ = (SimpleNamespace(purpose="first"),)
IMPORTED = (SimpleNamespace(purpose="imported"),)


@pytest.mark.parametrize(
    ("asked", "present", "expected"),
    [
        (False, state(), "cold"),
        (False, state(history=READ, lessons=1, since=1), "wait"),
        (False, state(history=READ, lessons=5, since=5), "wait"),
        (True, state(history=READ, lessons=5, since=5), "train"),
        (True, state(history=READ, lessons=3, since=3), "wait"),
        (False, state(history=READ, lessons=6, since=6), "train"),
        (False, state(history=IMPORTED, lessons=6, since=6), "train"),
        (False, state(history=READ, lessons=6, trained=1), "ask"),
        (True, state(history=READ, lessons=12, since=6, trained=1), "ask"),
        (False, state(history=READ, lessons=6, trained=1, known=1, queries=2), "wait"),
        (True, state(history=READ, lessons=6, trained=1, known=1, queries=2), "wait"),
    ],
)
def test_the_one_thing_to_do(asked, present, expected):
    assert next_task(present, asked) == expected


@pytest.mark.parametrize(("outlines", "expected"), [(False, "wait"), (True, "train")])
def test_one_class_teaches_nothing_unless_regions_teach(outlines, expected):
    present = state(history=READ, lessons=6, since=6, classes=1, outlines=outlines)
    assert next_task(present, asked=False) == expected


def some_probs(rng, n):
    labels = rng.integers(0, 2, n)
    right = np.clip(rng.normal(0.6, 0.2, n), 0, 1)
    probs = np.stack([np.where(labels == 0, right, 1 - right)] * 2, 1)
    probs[:, 1] = 1 - probs[:, 0]
    return probs, labels


def interval_of(groups, seed=0, n=60):
    probs, labels = some_probs(np.random.default_rng(1), n)
    return patient_interval(accuracy, probs, labels, groups, np.random.default_rng(seed))


def test_an_interval_holds_the_value_and_repeats_by_seed():
    probs, labels = some_probs(np.random.default_rng(1), 60)
    low, high = interval_of([str(i) for i in range(60)])
    assert low < accuracy(probs, labels) < high
    assert interval_of([str(i) for i in range(60)]) == (low, high)


def test_an_interval_of_images_by_the_patient_agrees_with_the_closed_form():
    low, high = interval_of([str(i) for i in range(60)])
    probs, labels = some_probs(np.random.default_rng(1), 60)
    p = accuracy(probs, labels)
    spread = 2 * 1.96 * np.sqrt(p * (1 - p) / 60)
    assert (high - low) == pytest.approx(spread, rel=0.15)


def test_images_of_few_patients_say_less():
    probs, labels = some_probs(np.random.default_rng(2), 10)
    groups = [f"{i}-{j}" for i in range(10) for j in range(8)]
    together = [f"{i}" for i in range(10) for j in range(8)]
    many = np.repeat(probs, 8, 0), np.repeat(labels, 8)
    apart = patient_interval(accuracy, *many, groups, np.random.default_rng(0))
    tied = patient_interval(accuracy, *many, together, np.random.default_rng(0))
    assert tied[1] - tied[0] > 2 * (apart[1] - apart[0])


def test_an_interval_of_a_mean_agrees_with_the_closed_form_and_leaves_out_what_is_not_there():
    values = np.random.default_rng(3).normal(0.6, 0.1, 80)
    low, high = mean_interval(list(values), np.random.default_rng(0))
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(80), rel=0.15)
    assert mean_interval([*values, None, None], np.random.default_rng(0)) == (low, high)
    assert mean_interval([0.5, None], np.random.default_rng(0)) is None


def test_one_patient_gives_no_interval():
    assert interval_of(["a"] * 60) is None


def test_a_metric_that_mostly_does_not_exist_gives_no_interval():
    probs, labels = some_probs(np.random.default_rng(1), 60)
    groups = [str(i) for i in range(60)]
    assert (
        patient_interval(lambda *_: None, probs, labels, groups, np.random.default_rng(0)) is None
    )


@given(st.permutations([(v, k) for v in "abc" for k in range(3)]))
def test_people_read_a_volume_slice_by_slice(ranked):
    samples = tuple(
        Sample(f"{v}{k}", v, f"{v}.nii.gz#k:{k}", series=f"{v}.nii.gz#k", position=k)
        for v, k in ranked
    )
    pool = Pool(samples, ("unlabeled",) * 9, ("x", "y"))
    ids = tuple(s.id for s in samples)
    query = Query(ids, "s", scores={"score": tuple(range(9))}, why=tuple(f"why {i}" for i in ids))
    read = slice_by_slice(query, pool)
    assert read.why == tuple(f"why {i}" for i in read.ids)
    assert dict(zip(read.ids, read.scores["score"], strict=True)) == {
        i: n for n, i in enumerate(ids)
    }
    volumes = list(dict.fromkeys(i[0] for i in ids))
    assert read.ids == tuple(f"{v}{k}" for v in volumes for k in range(3))


@pytest.mark.parametrize(
    ("unknown", "heading"), [(0, "test images of other patients\n"), (9, "test images\n")]
)
def test_a_card_speaks_of_other_patients_only_where_they_are_known(unknown, heading):
    live = SimpleNamespace(
        created={"version": "1"}, project="p", trained=(None,), classes=("a", "b"),
        lessons=lambda: (),
    )  # fmt: skip
    card = model_card(live, parse_spec({"data": {"source": "x"}}), {}, {"references": 7}, unknown)
    assert f"## Measured on 7 {heading}" in card
    assert ("the patients of 9 images are not known" in card) == bool(unknown)
