"""Asking: one seed set for all, errors before the first training, and honest details."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discs import disc_spec
from foveal.core.errors import EvidenceError, SpecError, UnknownName
from foveal.core.evidence import Evidence
from foveal.core.packing import pack, unpack
from foveal.core.pool import Pool, Sample
from foveal.loop.ask import PLOTTED, size_relation
from foveal.loop.rehearsal import rehearse
from foveal.loop.seed_set import random_query
from generators import permutations, sample_ids, unit_values


def pool_of(ids):
    return Pool(tuple(Sample(i, i, i) for i in ids), ("unlabeled",) * len(ids), ("a", "b"))


@given(st.integers(1, 20).flatmap(permutations), st.integers(0, 50), st.data())
def test_a_seed_set_depends_on_the_seed_and_the_candidates_only(order, seed, data):
    ids = sample_ids(len(order))
    size = data.draw(st.integers(1, len(ids)))
    query = random_query(pool_of(ids), size, seed)
    assert query == random_query(pool_of([ids[i] for i in order]), size, seed)
    assert len(set(query.ids)) == size
    assert set(query.ids) <= set(ids)
    assert (query.round, query.seed, query.strategy) == (0, seed, "seed_set")


def test_another_seed_is_another_seed_set():
    pool = pool_of(sample_ids(40))
    assert len({random_query(pool, 10, seed).ids for seed in range(20)}) == 20


def rehearsed(**changes):
    rehearse(disc_spec(**changes))


@pytest.mark.parametrize("source", ["predicted", "oracle", "weak", "atlas", "none"])
@pytest.mark.parametrize("strategy", ["random", "entropy", "eg_al", "stratified_random"])
def test_sound_specs_pass(strategy, source):
    rehearsed(acquire__strategy=strategy, regions__source=source)


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"acquire__strategy": "eg_all"}, UnknownName, "Did you mean 'eg_al'"),
        ({"acquire__parameters": {"wieght": 0.1}}, SpecError, "Did you mean 'weight'"),
        ({"acquire__parameters": {"weight": "much"}}, SpecError, "a finite number"),
        ({"acquire__parameters": {"weight": 3}}, SpecError, r"must lie in \[0, 1\]"),
        (
            {"acquire__strategy": "misalignment", "regions__source": "none"},
            EvidenceError,
            "regions.source",
        ),
    ],
)
def test_what_would_fail_after_the_first_training_fails_before_it(changes, error, told):
    with pytest.raises(error, match=told):
        rehearsed(**changes)


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(unit_values(n), unit_values(n))))
def test_the_relation_of_size_is_a_correlation_or_absent(values):
    size, astray = values
    ids = sample_ids(len(size))
    told = size_relation(Evidence(ids, {"region_size": size, "misalignment": astray}), 0, 1)
    assert told["n"] == len(told["points"]) == len(ids)
    constant = len(set(size)) == 1 or len(set(astray)) == 1
    assert (told["spearman"] is None) == (constant or len(ids) < 3)
    assert told["spearman"] is None or -1 <= told["spearman"] <= 1


def test_small_regions_that_are_missed_show_as_a_negative_relation():
    size = np.linspace(0.01, 0.5, 500)
    told = size_relation(
        Evidence(sample_ids(500), {"region_size": size, "misalignment": 1 - size}), 0, 1
    )
    assert told["spearman"] == pytest.approx(-1)
    assert len(told["points"]) == PLOTTED
    assert len({tuple(p) for p in told["points"]}) == PLOTTED


def test_without_regions_there_is_no_relation():
    assert size_relation(Evidence(("a",), {"probs": np.array([[0.5, 0.5]])}), 0, 1) is None


@given(st.integers(1, 6).flatmap(unit_values))
def test_packed_maps_come_back_within_half_a_step(values):
    np.testing.assert_allclose(unpack(pack(values)), values, atol=1 / 510 + 1e-6)


def test_packing_clips():
    np.testing.assert_array_equal(unpack(pack(np.array([-1.0, 2.0]))), [0, 1])
