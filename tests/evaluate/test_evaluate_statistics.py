"""Statistics: scipy and enumeration as second opinions, and the cases where formulas break."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from foveal.core.errors import EvidenceError
from foveal.evaluate import bootstrap_interval, critical_t, effect_size, holm, paired_t, wilcoxon

coarse = st.integers(0, 4).map(lambda n: n / 4)  # many ties, zeros and constant differences


@st.composite
def pairs(draw, least=2, most=8, values=coarse):
    n = draw(st.integers(least, most))
    a, b = (draw(st.lists(values, min_size=n, max_size=n)) for _ in "ab")
    return a, b


TESTS = (paired_t, wilcoxon)


@given(pairs(values=st.floats(0, 1, allow_subnormal=False)))
def test_student_agrees_with_scipy(case):
    differences = np.subtract(*case)
    if differences.std() < 1e-6:
        return
    assert paired_t(*case) == pytest.approx(stats.ttest_rel(*case).pvalue, abs=1e-9)


def test_student_by_hand():
    # Differences 1, 2, 3: mean 2, standard deviation 1, t = 2 sqrt(3), 2 degrees of freedom.
    p = 1 - 1 / np.sqrt(1 + 2 / 12)  # two-sided tail of t(2) in closed form
    assert paired_t([2, 4, 6], [1, 2, 3]) == pytest.approx(p)


@given(st.permutations(range(1, 9)), st.lists(st.booleans(), min_size=8, max_size=8))
def test_wilcoxon_agrees_with_scipy_where_scipy_is_exact(ranks, signs):
    a = [r if s else -r for r, s in zip(ranks, signs, strict=True)]
    exact = stats.wilcoxon(a, method="exact").pvalue
    assert wilcoxon(a, [0] * 8) == pytest.approx(exact)


@given(pairs())
def test_wilcoxon_is_the_count_of_all_signs(case):
    differences = np.subtract(*case)
    moved = differences[differences != 0]
    ranks = stats.rankdata(np.abs(moved))
    found = ranks[moved > 0].sum()
    sums = [
        sum(itertools.compress(ranks, signs))
        for signs in itertools.product([0, 1], repeat=len(ranks))
    ]
    below = np.mean([s <= found for s in sums])
    above = np.mean([s >= found for s in sums])
    assert wilcoxon(*case) == pytest.approx(min(1, 2 * min(below, above)))


def test_five_seeds_cannot_reach_five_percent_by_ranks():
    assert wilcoxon([1, 2, 3, 4, 5], [0] * 5) == 0.0625


@pytest.mark.parametrize("test", TESTS)
class TestBoth:
    @given(case=pairs())
    def test_p_is_a_probability_and_sides_do_not_matter(self, test, case):
        a, b = case
        p = test(a, b)
        assert 0 <= p <= 1
        assert test(b, a) == pytest.approx(p)

    @given(case=pairs(), data=st.data())
    def test_the_order_of_seeds_does_not_matter(self, test, case, data):
        a, b = case
        order = data.draw(st.permutations(range(len(a))))
        assert test([a[i] for i in order], [b[i] for i in order]) == pytest.approx(test(a, b))

    @given(a=st.lists(coarse, min_size=2, max_size=8))
    def test_identical_samples_do_not_differ(self, test, a):
        assert test(a, list(a)) == 1

    def test_rounding_is_no_difference(self, test):
        assert test([0.1 + 0.2, 0.1 + 0.2, 0.6], [0.3, 0.3, 0.6]) == 1

    @pytest.mark.parametrize("sample", [[], [0.5]])
    def test_fewer_than_two_pairs_say_nothing(self, test, sample):
        assert test(sample, [0.1] * len(sample)) is None

    @pytest.mark.parametrize("other", [[1.0], [1.0, float("nan")], [1.0, float("inf")]])
    def test_samples_that_are_no_pairs_are_refused(self, test, other):
        with pytest.raises(EvidenceError, match="paired samples"):
            test([1.0, float("inf")], other)


def test_a_constant_difference_is_the_limit_of_certainty():
    assert paired_t([0.5, 0.75, 1.0], [0.25, 0.5, 0.75]) == 0


@pytest.mark.parametrize(("seeds", "bound"), [(3, 4.30), (5, 2.776), (10, 2.262)])
def test_critical_values_are_those_of_the_tables(seeds, bound):
    assert critical_t(seeds) == pytest.approx(bound, abs=0.005)


probabilities = st.lists(st.none() | st.floats(0, 1), max_size=8)


@given(probabilities)
def test_holm_adjusts_upward_keeps_order_and_leaves_gaps(p):
    adjusted = holm(p)
    assert [a is None for a in adjusted] == [x is None for x in p]
    made = [(x, a) for x, a in zip(p, adjusted, strict=True) if x is not None]
    assert all(x <= a <= 1 for x, a in made)
    assert all(a <= b for (_, a), (_, b) in itertools.pairwise(sorted(made)))
    assert all(a <= min(1, len(made) * x) + 1e-12 for x, a in made)  # never worse than Bonferroni


@given(probabilities, st.floats(0.001, 0.5))
def test_holm_rejects_what_stepping_down_rejects(p, level):
    made = sorted(x for x in p if x is not None)
    rejected = 0
    while rejected < len(made) and made[rejected] * (len(made) - rejected) <= level:
        rejected += 1
    assert sum(a is not None and a <= level for a in holm(p)) == rejected


def test_holm_by_hand():
    assert holm([0.04, 0.01, None, 0.03]) == pytest.approx([0.06, 0.03, None, 0.06])
    assert holm([]) == []
    with pytest.raises(EvidenceError, match="p-values"):
        holm([1.2])


@given(pairs())
def test_a_bootstrap_interval_lies_within_the_differences(case):
    low, high = bootstrap_interval(*case, np.random.default_rng(0), draws=200)
    differences = np.subtract(*case)
    assert differences.min() - 1e-12 <= low <= high <= differences.max() + 1e-12


@given(pairs())
def test_a_bootstrap_interval_turns_round_with_its_samples(case):
    a, b = case
    low, high = bootstrap_interval(a, b, np.random.default_rng(0), draws=200)
    mirrored = bootstrap_interval(b, a, np.random.default_rng(0), draws=200)
    assert mirrored == pytest.approx((-high, -low), abs=1e-9)


def test_a_bootstrap_interval_agrees_with_the_normal_one_for_many_pairs():
    rng = np.random.default_rng(3)
    a = rng.normal(0.5, 1, 2000)
    low, high = bootstrap_interval(a, np.zeros(2000), rng)
    half = 1.96 * a.std(ddof=1) / np.sqrt(2000)
    assert (low, high) == pytest.approx((a.mean() - half, a.mean() + half), abs=0.004)


def test_a_bootstrap_needs_pairs_and_sane_settings():
    rng = np.random.default_rng(0)
    assert bootstrap_interval([1.0], [0.0], rng) is None
    with pytest.raises(EvidenceError, match="level"):
        bootstrap_interval([1.0, 2.0], [0.0, 0.0], rng, level=1.0)
    with pytest.raises(EvidenceError, match="draws"):
        bootstrap_interval([1.0, 2.0], [0.0, 0.0], rng, draws=0)


def test_an_effect_is_counted_in_deviations_of_the_differences():
    assert effect_size([2, 4, 6], [1, 2, 3]) == pytest.approx(2)
    assert effect_size([1, 2, 3], [2, 4, 6]) == pytest.approx(-2)
    assert effect_size([0.1, 0.2], [0.2, 0.1]) == 0


@pytest.mark.parametrize("case", [([], []), ([1.0], [0.0]), ([0.4, 0.6, 0.9], [0.1, 0.3, 0.6])])
def test_an_effect_without_spread_does_not_exist(case):
    assert effect_size(*case) is None
