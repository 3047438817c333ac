"""Regions are asked of a share of a batch: of those the model looks at most wrongly."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discs import disc_spec
from foveal.core.evidence import Evidence
from foveal.core.query import Query
from foveal.loop import Experiment
from foveal.loop.constraints import expected_seconds
from foveal.loop.region_share import with_share


def query(n):
    return Query(tuple(f"s{i}" for i in range(n)), strategy="random")


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=20),
    st.fractions(Fraction(1, 20), 1, max_denominator=20).filter(lambda share: share < 1),
    st.integers(0, 9),
)
def test_the_most_misaligned_are_asked_and_no_more_than_the_share(astray, share, seed):
    ids = query(len(astray)).ids
    known = dict(zip(ids, astray, strict=True))
    asked = with_share(query(len(ids)), float(share), np.random.default_rng(seed), known)
    yes = [known[i] for i in ids if asked.asks_region(i)]
    no = [known[i] for i in ids if not asked.asks_region(i)]
    assert len(yes) == math.ceil(share * len(ids))
    assert not no or min(yes) >= max(no)
    assert asked.ids == ids


def test_without_misalignment_every_sample_has_the_same_chance():
    rng = np.random.default_rng(0)
    asked = [with_share(query(8), 0.25, rng).ask_region for _ in range(2000)]
    assert {sum(one) for one in asked} == {2}
    np.testing.assert_allclose(np.mean(asked, axis=0), 0.25, atol=0.04)


def test_a_whole_share_changes_nothing():
    whole = with_share(query(5), 1.0, np.random.default_rng(0))
    assert whole == query(5)
    assert all(whole.asks_region(i) for i in whole.ids)


@pytest.mark.parametrize("annotator", ["oracle", "noisy"])
def test_a_run_buys_and_pays_for_that_share_of_regions(bench, tmp_path, annotator):
    spec = disc_spec(
        regions__share=0.4, annotator__kind=annotator, acquire__strategy="random", labels=16
    )
    with Experiment(spec, bench, tmp_path) as experiment:
        state = experiment.run()
    for asked in state.queries:
        drawn = [i for i in asked.ids if state.annotations[i].region_kind == "mask"]
        assert drawn == [i for i in asked.ids if asked.asks_region(i)]
        assert len(drawn) == math.ceil(0.4 * len(asked.ids) - 1e-9)
    paid = {i: state.annotations[i].seconds for i in state.labeled()}
    alone = spec.cost.class_seconds
    assert all(paid[i] == alone for q in state.queries for i in q.ids if not q.asks_region(i))
    assert any("looked at most wrongly" in note for q in state.queries[1:] for note in q.notes)
    with Experiment(spec, bench, tmp_path) as again:
        assert again.state.queries == state.queries


def test_seconds_that_are_expected_follow_the_share():
    evidence = Evidence(("a", "b"), {"region_size": np.array([0.1, 0.0])})
    spec = disc_spec(regions__share=0.5, cost__class_seconds=4.0, cost__mask_seconds=20.0)
    assert expected_seconds(evidence, spec).tolist() == [14.0, 4.0]
