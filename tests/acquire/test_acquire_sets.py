"""Laws of set functions and of greedy: closed forms, brute force, and what greedy promises."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.acquire.sets import (
    ConcaveOverModular,
    Coverage,
    GraphCutGain,
    LogDet,
    LogDetDifference,
    Modular,
    QueryCoverage,
    by_parts,
    features,
    gradients,
    maximize,
    similarity,
    total_similarity,
)
from foveal.core.errors import EvidenceError, SpecError

N, Q = 7, 3
GREEDY = 1 - 1 / math.e


def toys(seed, n=N, d=4, signed=False):
    """Embeddings with a repeated and a zero row."""
    x = np.random.default_rng(seed).normal(size=(n, d))
    x = x if signed else np.abs(x)
    x[1] = x[0]
    x[-1] = 0
    return x


def cosines(a, b):
    def unit(x):
        length = np.linalg.norm(x, axis=1, keepdims=True)
        return np.divide(x, length, out=np.zeros_like(x), where=length > 0)

    return unit(a) @ unit(b).T


def value(make, picks):
    """f(A) - f(nothing), by the gains along the way."""
    f, total = make(), 0.0
    for i in picks:
        total += f.gains()[i]
        f.add(i)
    return total


def coverage_of(s, cap, floor, weight):
    """The definition, set by set."""

    def f(members):
        best = np.max([s[j] for j in members], axis=0, initial=0)
        return float((weight * np.maximum(np.minimum(best, cap) - floor, 0)).sum())

    return f


def query_coverage_of(s, eta):
    def f(members):
        rows = np.maximum(s[list(members)], 0)
        return rows.max(axis=0, initial=0).sum() + eta * rows.max(axis=1, initial=0).sum()

    return f


def com_of(s, eta):
    def f(members):
        rows = np.maximum(s[list(members)], 0)
        return eta * np.sqrt(rows.sum(axis=1)).sum() + np.sqrt(rows.sum(axis=0)).sum()

    return f


def monotone_submodular(seed):
    """Name: (a fresh function, its definition)."""
    x, q = toys(seed), toys(seed + 1, Q)
    near, sought = cosines(x, x), cosines(x, q)
    cap, floor = sought.max(axis=1), 0.5 * cosines(x, toys(seed + 2, 2)).max(axis=1)
    weight = np.random.default_rng(seed).uniform(0, 1, N)
    everything, nothing, ones = np.full(N, np.inf), np.zeros(N), np.ones(N)
    return {
        "facility location": (lambda: Coverage(near), coverage_of(near, everything, nothing, ones)),
        "flvmi": (lambda: Coverage(near, cap=cap), coverage_of(near, cap, nothing, ones)),
        "flcg": (lambda: Coverage(near, floor=floor), coverage_of(near, everything, floor, ones)),
        "flcmi": (
            lambda: Coverage(near, cap, floor, weight),
            coverage_of(near, cap, floor, weight),
        ),
        "flqmi": (lambda: QueryCoverage(sought, 0.7), query_coverage_of(sought, 0.7)),
        "com": (lambda: ConcaveOverModular(sought, 0.7), com_of(sought, 0.7)),
        "gcmi": (
            lambda: Modular(sought.sum(1)),
            lambda members: sought[list(members)].sum(),
        ),
    }


NAMES = sorted(monotone_submodular(0))
every = pytest.mark.parametrize("name", NAMES)
seeds = st.integers(0, 10_000)


@every
@settings(max_examples=20)
@given(seed=seeds, data=st.data())
def test_gains_are_differences_of_the_definition(name, seed, data):
    make, definition = monotone_submodular(seed)[name]
    members = data.draw(st.lists(st.integers(0, N - 1), unique=True, max_size=4))
    assert value(make, members) == pytest.approx(definition(members) - definition([]), abs=1e-5)


@every
@settings(max_examples=20)
@given(seed=seeds)
def test_gains_are_never_negative_and_shrink(name, seed):
    make, _ = monotone_submodular(seed)[name]
    f = make()
    before = f.gains().copy()
    for i in (2, 0, 4):
        f.add(i)
        after = f.gains().copy()
        assert (after >= -1e-6).all()
        assert (after <= before + 1e-6).all()
        before = after


@every
@settings(max_examples=20)
@given(seed=seeds, k=st.integers(1, 4))
def test_greedy_keeps_its_promise(name, seed, k):
    make, definition = monotone_submodular(seed)[name]
    best = max(definition(c) for c in itertools.combinations(range(N), k)) - definition([])
    assert value(make, maximize(make(), k)) >= GREEDY * best - 1e-5


@every
@settings(max_examples=20)
@given(seed=seeds, k=st.integers(0, N))
def test_lazy_greedy_is_greedy(name, seed, k):
    make, _ = monotone_submodular(seed)[name]
    naive = maximize(make(), k, "naive")
    np.testing.assert_array_equal(maximize(make(), k, "lazy"), naive)
    assert len(set(naive.tolist())) == k


@every
def test_gains_of_some_are_those_of_all(name):
    f = monotone_submodular(3)[name][0]()
    f.add(2)
    some = np.array([5, 1])
    np.testing.assert_array_equal(f.gains(some), f.gains()[some])


@every
@settings(max_examples=10)
@given(seed=seeds)
def test_stochastic_greedy_is_repeatable_and_nearly_as_good(name, seed):
    make, definition = monotone_submodular(seed)[name]
    first = maximize(make(), 3, "stochastic", np.random.default_rng(seed))
    np.testing.assert_array_equal(
        first, maximize(make(), 3, "stochastic", np.random.default_rng(seed))
    )
    assert len(set(first.tolist())) == 3
    assert (
        value(make, first)
        <= max(definition(c) for c in itertools.combinations(range(N), 3)) - definition([]) + 1e-5
    )


def logdet(kernel, members):
    return np.linalg.slogdet(kernel[np.ix_(members, members)])[1]


@settings(max_examples=20)
@given(seed=seeds, eta=st.sampled_from([0.0, 0.5, 1.0]))
def test_mutual_information_of_log_det_by_its_definition(seed, eta):
    x, q = toys(seed, signed=True), np.random.default_rng(seed).normal(size=(Q, 4))
    joint = cosines(np.vstack([x, q]), np.vstack([x, q])) + np.eye(N + Q)
    joint[-1 - Q, -1 - Q] = 1  # the zero row: nothing but the ridge
    joint[:N, N:] *= eta
    joint[N:, :N] *= eta
    query, picks = [*range(N, N + Q)], [3, 0, 1]

    def make():
        nothing = features(q[:0])
        return LogDetDifference(LogDet(features(x), nothing), LogDet(features(x), features(q), eta))

    expected = logdet(joint, picks) + logdet(joint, query) - logdet(joint, picks + query)
    assert value(make, picks) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=20)
@given(seed=seeds)
def test_conditional_log_dets_by_their_definitions(seed):
    rng = np.random.default_rng(seed)
    x, q, p = toys(seed, signed=True), rng.normal(size=(Q, 4)), rng.normal(size=(2, 4))
    everything = np.vstack([x, q, p])
    kernel = cosines(everything, everything) + np.eye(N + Q + 2)
    query, private, picks = [7, 8, 9], [10, 11], [2, 5, 0]
    pool = features(x)

    gain = value(lambda: LogDet(pool, features(p)), picks)
    assert gain == pytest.approx(
        logdet(kernel, picks + private) - logdet(kernel, private), abs=1e-5
    )

    def mutual():
        both = LogDet(pool, features(p).joined(features(q)))
        return LogDetDifference(LogDet(pool, features(p)), both)

    expected = (
        logdet(kernel, picks + private)
        + logdet(kernel, query + private)
        - logdet(kernel, picks + query + private)
        - logdet(kernel, private)
    )
    assert value(mutual, picks) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=20)
@given(seed=seeds, trade=st.sampled_from([0.0, 0.5, 2.0]), nu=st.sampled_from([0.0, 1.0]))
def test_graph_cut_gain_by_its_definition(seed, trade, nu):
    x, p = toys(seed), toys(seed + 1, 3)
    s, away = cosines(x, x), cosines(x, p)

    def f(members):
        cut = s[:, members].sum() - trade * s[np.ix_(members, members)].sum()
        return cut - 2 * trade * nu * away[members].sum()

    picks = [4, 0, 1]
    gain = value(lambda: GraphCutGain(features(x), features(p), trade, nu), picks)
    assert gain == pytest.approx(f(picks), abs=1e-4)
    f_of = GraphCutGain(features(x), features(p), trade, nu)
    np.testing.assert_array_equal(
        maximize(f_of, 4),
        maximize(GraphCutGain(features(x), features(p), trade, nu), 4, "naive"),
    )


@settings(max_examples=20)
@given(seed=seeds)
def test_gradients_are_compared_as_if_they_were_written_down(seed):
    rng = np.random.default_rng(seed)
    h, r = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    with_bias = np.column_stack([h, np.ones(6)])
    whole = np.einsum("nc,nd->ncd", r, with_bias).reshape(6, -1)
    items = gradients(r, h)
    np.testing.assert_allclose(similarity(items, items), cosines(whole, whole), atol=1e-6)
    np.testing.assert_allclose(
        total_similarity(items, items.rows(np.arange(3))),
        cosines(whole, whole[:3]).sum(axis=1),
        atol=1e-5,
    )


def test_a_thing_without_length_is_similar_to_nothing():
    items = features(np.array([[0.0, 0.0], [1.0, 0.0]]))
    np.testing.assert_array_equal(similarity(items, items), [[0, 0], [0, 1]])


def test_lazy_greedy_is_refused_where_it_would_err():
    x = features(toys(0))
    f = LogDetDifference(LogDet(x, x.rows(np.array([], int))), LogDet(x, x.rows(np.array([2]))))
    with pytest.raises(SpecError, match="naive"):
        maximize(f, 2, "lazy")


def test_stochastic_greedy_needs_chance():
    with pytest.raises(SpecError, match="rng"):
        maximize(Modular(np.ones(3)), 2, "stochastic")


def test_repeats_in_what_is_given_need_a_ridge():
    x = features(np.eye(3))
    twice = features(np.ones((2, 3)))
    with pytest.raises(EvidenceError, match="raise `ridge`"):
        LogDet(x, twice, ridge=0.0)
    assert np.isfinite(LogDet(x, twice).gains()).all()


def test_a_cross_block_scaled_too_high_is_told():
    x = features(np.array([[1.0, 0.0], [0.9, 0.1]]))
    with pytest.raises(EvidenceError, match="lower `eta`"):
        LogDet(x, x, scale=3.0)


def test_in_two_rounds_nearly_as_good_as_at_once():
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(8, 6)) * 4
    x = np.repeat(centers, 30, axis=0) + rng.normal(size=(240, 6)) * 0.3
    near = cosines(x, x)

    def choose(candidates, ground, k):
        f = Coverage(near[np.ix_(candidates, ground)])
        return candidates[maximize(f, k)]

    everyone = np.arange(240)
    at_once = choose(everyone, everyone, 8)
    divided = by_parts(240, 8, 60, choose, np.random.default_rng(1))
    assert len(set(divided.tolist())) == 8
    best = value(lambda: Coverage(near), at_once)
    assert value(lambda: Coverage(near), divided) > 0.98 * best
    assert value(lambda: Coverage(near), range(8)) < 0.9 * best
    np.testing.assert_array_equal(by_parts(240, 8, 240, choose, np.random.default_rng(1)), at_once)
    again = by_parts(240, 8, 60, choose, np.random.default_rng(1))
    np.testing.assert_array_equal(divided, again)
