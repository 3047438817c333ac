"""Evidence in, ranked query out."""

import doctest
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire import Constraints, Scored, acquire, engine, names, registry, scorer, selector
from foveal.core.errors import BudgetError, EvidenceError, PoolExhausted, SpecError, UnknownName
from foveal.core.evidence import Evidence
from generators import cluster_names, evidence, group_names, permutations, sample_ids


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    names()
    monkeypatch.setattr(registry, "_filed", dict(registry._filed))


def pool(probs, **more):
    arrays = {"probs": np.asarray(probs, dtype=np.float64)}
    return Evidence(sample_ids(len(probs)), arrays | more, "model-1")


THREE = pool([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]])


@pytest.fixture
def spread():
    """A greedy selector: start at random, then always the farthest."""

    @selector("spread", needs=("embedding",), optional=("labeled_embedding",))
    def spread(embedding, k, rng, labeled_embedding=None):
        chosen = [] if labeled_embedding is not None else [int(rng.integers(len(embedding)))]
        start = labeled_embedding if labeled_embedding is not None else embedding[chosen]
        near = np.linalg.norm(embedding[:, None] - start, axis=-1).min(axis=1)
        near[chosen] = -1
        while len(chosen) < k:
            far = int(near.argmax())
            chosen.append(far)
            near = np.minimum(near, np.linalg.norm(embedding - embedding[far], axis=-1))
            near[chosen] = -1
        return np.array(chosen)


def test_a_query_tells_all_about_itself():
    query = acquire(THREE, "entropy", 2, parameters={"log_base": "2"}, seed=7, round=4)
    assert query.ids == ("s001", "s002")
    assert query.strategy == "entropy"
    assert query.parameters == {"log_base": "2", "normalize": False}
    assert (query.seed, query.round, query.fingerprint) == (7, 4, "model-1")
    assert query.scores["score"] == pytest.approx((1.0, 0.8813), abs=1e-4)
    assert query.why == (
        "entropy 1.00 of at most 1.00, higher than all other candidates",
        "entropy 0.88 of at most 1.00, higher than 50 % of the pool",
    )
    assert query.notes == ()


def test_parts_of_the_score_are_kept_for_the_report():
    both = pool([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]], misalignment=np.array([0.2, 0.92, 0.5]))
    query = acquire(both, "eg_al", 1)
    assert query.ids == ("s001",)
    assert query.scores["misalignment"] == (0.92,)
    assert query.scores["entropy"] == pytest.approx((np.log(2),))
    assert query.why == (
        "entropy 0.69 of at most 0.69; the model's map agrees with the expected region by 0.08 "
        "of 1; higher than all other candidates",
    )


def test_missing_misalignment_is_told():
    query = acquire(THREE, "eg_al", 2)
    assert query.ids == acquire(THREE, "entropy", 2).ids
    (note,) = query.notes
    assert "entropy alone" in note


def test_ties_are_broken_by_seed_and_round_not_by_row():
    level = pool(np.full((40, 2), 0.5))
    answers = {acquire(level, "entropy", 5, seed=s, round=r).ids for s in (0, 1) for r in (0, 1)}
    assert len(answers) == 4
    first = acquire(level, "entropy", 1).ids
    assert first != level.ids[:1]
    (note,) = acquire(level, "entropy", 5).notes
    assert "scores all candidates alike" in note


@given(evidence(["probs", "misalignment"]), st.data())
def test_constraints_do_not_depend_on_row_order_either(some, data):
    n = len(some)
    groups, clusters = data.draw(group_names(n)), data.draw(cluster_names(n))
    order, budget = data.draw(permutations(n)), data.draw(st.integers(1, n))
    rules = Constraints(per_group=1, one_per_cluster=True, balance="predicted")

    def ask(rows):
        return acquire(
            some.rows(rows),
            "eg_al",
            budget,
            groups=[groups[i] for i in rows],
            clusters=[clusters[i] for i in rows],
            constraints=rules,
        )

    assert ask(range(n)) == ask(order)
    assert len(ask(range(n)).ids) == budget


@pytest.mark.usefixtures("spread")
def test_a_selector_chooses_a_set_whatever_the_order():
    points = np.array([[0, 0], [0, 1], [9, 9], [9, 8], [0, 9], [1, 9]], dtype=np.float64)
    some = Evidence(sample_ids(6), {"embedding": points})
    corners = [{"s000", "s001"}, {"s002", "s003"}, {"s004", "s005"}]
    query = acquire(some, "spread", 3)
    assert all(len(corner & set(query.ids)) == 1 for corner in corners)
    assert query.scores == {}
    assert query.why == ("chosen by spread as one of a set",) * 3
    for order in itertools.islice(itertools.permutations(range(6)), 0, 720, 90):
        assert acquire(some.rows(order), "spread", 3) == query
    assert len({acquire(some, "spread", 3, seed=s).ids for s in range(8)}) > 1


@pytest.mark.usefixtures("spread")
def test_a_selector_sees_the_labeled_samples():
    points = np.array([[0.0], [5.0], [10.0]])
    some = Evidence(sample_ids(3), {"embedding": points})
    labeled = Evidence(("known",), {"embedding": np.array([[10.0]])})
    assert acquire(some, "spread", 1, context={"labeled": labeled}).ids == ("s000",)


@pytest.mark.usefixtures("spread")
def test_a_selector_respects_the_patients():
    points = np.array([[0.0], [10.0], [5.0], [4.0]])
    some = Evidence(sample_ids(4), {"embedding": points})
    rules = Constraints(per_group=1)
    for seed in range(5):
        query = acquire(
            some, "spread", 2, seed=seed, groups=["p", "p", "q", "q"], constraints=rules
        )
        assert len({i in ("s000", "s001") for i in query.ids}) == 2
        assert query.notes == ()


@pytest.mark.parametrize(
    "answer",
    [
        lambda n, k: np.zeros(k, dtype=np.int64),
        lambda n, k: np.arange(k - 1),
        lambda n, k: np.arange(k) + n - 1,
        lambda n, k: -1 - np.arange(k),
        lambda n, k: np.arange(k, dtype=np.float64),
    ],
)
def test_a_selector_that_breaks_its_contract_is_refused(answer):
    selector("broken", needs=("probs",))(lambda probs, k, rng: answer(len(probs), k))
    with pytest.raises(EvidenceError, match=r"'broken' must choose 2 distinct positions below 3"):
        acquire(THREE, "broken", 2)


@pytest.mark.parametrize(
    "answer",
    [
        np.array([0.1, np.nan, 0.2]),
        np.array([0.1, np.inf, 0.2]),
        np.zeros((3, 1)),
        np.zeros(2),
        Scored(np.zeros(3), {"part": np.full(3, np.nan)}),
    ],
)
def test_a_scorer_that_breaks_its_contract_is_refused(answer):
    scorer("broken", needs=("probs",))(lambda probs: answer)
    with pytest.raises(EvidenceError, match=r"'broken' gave unusable scores"):
        acquire(THREE, "broken", 1)


def test_a_strategy_without_words_gets_general_ones():
    scorer("first_class", needs=("probs",))(lambda probs: probs[:, 0])
    assert acquire(THREE, "first_class", 1).why == (
        "first class 0.9, higher than all other candidates",
    )


def test_whole_numbers_are_scores_too():
    scorer("flags", needs=("probs",))(lambda probs: probs[:, 0] > 0.6)
    assert set(acquire(THREE, "flags", 2).ids) == {"s000", "s002"}


def test_budgets_are_checked_with_a_remedy():
    with pytest.raises(BudgetError, match=r"at least 1, not 0"):
        acquire(THREE, "entropy", 0)
    with pytest.raises(BudgetError, match=r"4 were asked for and 3 candidates.*at most 3"):
        acquire(THREE, "entropy", 4)
    some = Constraints(exclude={"s000"})
    with pytest.raises(BudgetError, match=r"2 candidates are left \(of 3"):
        acquire(THREE, "entropy", 3, constraints=some)


def test_an_empty_pool_is_exhausted():
    with pytest.raises(PoolExhausted, match=r"none are left"):
        acquire(Evidence((), {"probs": np.zeros((0, 2))}), "entropy", 1)
    with pytest.raises(PoolExhausted, match=r"all 3 are excluded"):
        acquire(THREE, "entropy", 1, constraints=Constraints(exclude=THREE.ids))


def test_excluded_samples_are_never_asked():
    query = acquire(THREE, "entropy", 2, constraints=Constraints(exclude={"s001"}))
    assert set(query.ids) == {"s000", "s002"}


def test_a_query_may_stay_short_if_told():
    strict = Constraints(per_group=1, relax=False)
    query = acquire(THREE, "entropy", 3, groups=["p", "p", "q"], constraints=strict)
    assert query.ids == ("s001", "s002")
    assert "only 2 of 3" in query.notes[0]
    relaxed = acquire(
        THREE, "entropy", 3, groups=["p", "p", "q"], constraints=Constraints(per_group=1)
    )
    assert relaxed.ids == ("s001", "s002", "s000")
    assert "raised from 1 to 2" in relaxed.notes[0]


def test_what_is_asked_wrongly_is_said():
    with pytest.raises(UnknownName, match=r"no strategy 'entrop'. Did you mean 'entropy'"):
        acquire(THREE, "entrop", 1)
    with pytest.raises(SpecError, match=r"no setting 'logbase'. Did you mean 'log_base'"):
        acquire(THREE, "entropy", 1, parameters={"logbase": "2"})
    with pytest.raises(EvidenceError, match=r"needs `misalignment`"):
        acquire(THREE, "misalignment", 1)
    with pytest.raises(EvidenceError, match=r"`groups` must have 3 names"):
        acquire(THREE, "entropy", 1, groups=["a"], constraints=Constraints(per_group=1))
    no_probs = Evidence(("a",), {"misalignment": np.zeros(1)})
    with pytest.raises(EvidenceError, match=r"needs `probs`"):
        acquire(no_probs, "misalignment", 1, constraints=Constraints(balance="predicted"))


def test_a_large_pool_is_ranked_as_a_plain_sort_would():
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(10), 100_000)
    query = acquire(pool(probs), "least_confidence", 50)
    best = np.argsort(probs.max(axis=1))[:50]
    ids = sample_ids(100_000)
    assert query.ids == tuple(ids[i] for i in best)


def test_the_example_in_the_docstring_is_true():
    assert doctest.testmod(engine) == doctest.TestResults(failed=0, attempted=6)


def test_pins_are_asked_first_with_their_scores():
    rules = Constraints(pin=("s002",))
    query = acquire(THREE, "entropy", 2, constraints=rules)
    assert query.ids == ("s002", "s001")
    assert query.scores["score"] == pytest.approx((0.6109, 0.6931), abs=1e-4)
    assert query.why[0].startswith("pinned; entropy 0.61 of at most 0.69, higher than 50 %")
    assert query.why[1].startswith("entropy 0.69")
    pair = acquire(THREE, "entropy", 3, constraints=Constraints(pin=("s002", "s000")))
    assert pair.ids == ("s002", "s000", "s001")


@pytest.mark.usefixtures("spread")
def test_pins_of_a_selector_are_its_batch_too():
    points = np.array([[0.0], [10.0], [5.0], [4.0]])
    some = Evidence(sample_ids(4), {"embedding": points})
    query = acquire(some, "spread", 3, constraints=Constraints(pin=("s002",)))
    assert query.ids[0] == "s002"
    assert len(set(query.ids)) == 3
    assert query.why[0] == "pinned"


def test_pins_that_cannot_be_met_are_refused_with_a_remedy():
    with pytest.raises(SpecError, match=r"'s009' is not in the pool.*take it out of `pin`"):
        acquire(THREE, "entropy", 1, constraints=Constraints(pin=("s009",)))
    with pytest.raises(BudgetError, match=r"a budget of 1 must hold.*take 2; pin fewer"):
        acquire(THREE, "entropy", 1, constraints=Constraints(pin=("s000", "s001")))
    with pytest.raises(BudgetError, match=r"10 s must hold the pinned.*take 12 s"):
        acquire(
            THREE,
            "entropy",
            seconds=10,
            costs=[6, 6, 1],
            constraints=Constraints(pin=("s000", "s001")),
        )
    rules = Constraints(pin=("s000", "s001"), per_study=1, relax=False)
    with pytest.raises(SpecError, match=r"`per_study` \(1\), but 's000', 's001' fall under one"):
        acquire(THREE, "entropy", 2, studies=["x", "x", "y"], constraints=rules)


def test_studies_and_strata_are_honored():
    rules = Constraints(per_study=1)
    query = acquire(THREE, "entropy", 2, studies=["x", "y", "y"], constraints=rules)
    assert query.ids == ("s001", "s000")
    shares = Constraints(per_stratum="equal")
    query = acquire(THREE, "entropy", 2, strata=["north", "south", "south"], constraints=shares)
    assert set(query.ids) == {"s001", "s000"}
    for argument in ("studies", "strata"):
        with pytest.raises(EvidenceError, match=rf"`{argument}` must have 3 names"):
            acquire(THREE, "entropy", 1, **{argument: ["x"]})


def test_seconds_buy_what_is_worth_most():
    query = acquire(THREE, "entropy", seconds=20, costs=[1, 19, 18])
    assert query.ids == ("s001", "s000")
    assert query.notes == ("2 samples are expected to take 20 s of 20 s allowed, chosen by score",)
    cheap = acquire(THREE, "entropy", seconds=20, costs=[5, 30, 5])
    assert set(cheap.ids) == {"s000", "s002"}


def test_with_a_budget_costs_are_told_and_decide_nothing():
    query = acquire(THREE, "entropy", 2, costs=[1, 19, 18])
    assert query.ids == acquire(THREE, "entropy", 2).ids
    assert query.notes == ("2 samples are expected to take 37 s",)


def test_budget_or_seconds():
    with pytest.raises(
        SpecError, match=r"either `budget` \(samples\) or `seconds`, but got neither"
    ):
        acquire(THREE, "entropy")
    with pytest.raises(SpecError, match=r"but got both"):
        acquire(THREE, "entropy", 1, seconds=5, costs=[1, 1, 1])
    with pytest.raises(SpecError, match=r"`seconds` needs `costs`"):
        acquire(THREE, "entropy", seconds=5)
    with pytest.raises(BudgetError, match=r"the cheapest, 's002', takes 7 s"):
        acquire(THREE, "entropy", seconds=5, costs=[8, 9, 7])
    none = Constraints(exclude=THREE.ids)
    with pytest.raises(PoolExhausted, match=r"all 3 are excluded"):
        acquire(THREE, "entropy", seconds=5, costs=[8, 9, 7], constraints=none)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_costs_are_checked(bad):
    with pytest.raises(EvidenceError, match=r"`costs` must be finite seconds.*sample 's001'"):
        acquire(THREE, "entropy", seconds=5, costs=[1, bad, 1])
    with pytest.raises(EvidenceError, match=r"`costs` must have 3 numbers"):
        acquire(THREE, "entropy", seconds=5, costs=[1, 1])


@given(evidence(["probs", "embedding"]), st.data())
def test_seconds_pins_and_strata_do_not_depend_on_row_order(some, data):
    n = len(some)
    order = data.draw(permutations(n))
    costs = data.draw(st.lists(st.sampled_from([0.0, 2.0, 5.0]), min_size=n, max_size=n))
    strata, studies = data.draw(group_names(n)), data.draw(cluster_names(n))
    pin = data.draw(st.sampled_from(some.ids))
    seconds = costs[some.ids.index(pin)] + data.draw(st.floats(1, 30))
    rules = Constraints(per_study=1, per_stratum="proportional", pin=(pin,))

    def ask(strategy, rows):
        return acquire(
            some.rows(rows),
            strategy,
            seconds=seconds,
            costs=[costs[i] for i in rows],
            strata=[strata[i] for i in rows],
            studies=[studies[i] for i in rows],
            constraints=rules,
        )

    cost_of = dict(zip(some.ids, costs, strict=True))
    for strategy in ("entropy", "random"):
        query = ask(strategy, range(n))
        assert query == ask(strategy, order)
        assert query.ids[0] == pin
        assert sum(cost_of[i] for i in query.ids) <= seconds * (1 + 1e-9)
        assert sum(query.stands_for) == n


@pytest.mark.usefixtures("spread")
def test_a_selector_spends_seconds_whatever_the_order():
    points = np.array([[0, 0], [0, 1], [9, 9], [9, 8], [0, 9], [1, 9]], dtype=np.float64)
    some, costs = Evidence(sample_ids(6), {"embedding": points}), [3, 3, 3, 3, 3, 3]
    query = acquire(some, "spread", seconds=10, costs=costs)
    assert query.ids == acquire(some, "spread", 3).ids
    for order in itertools.islice(itertools.permutations(range(6)), 0, 720, 90):
        assert acquire(some.rows(order), "spread", seconds=10, costs=costs) == query
    assert query.notes == ("3 samples are expected to take 9 s of 10 s allowed",)


def test_each_pick_tells_how_many_it_stands_for():
    points = np.array([[0.0], [0.1], [0.2], [9.0], [9.1]])
    held = {"probs": np.array([[0.5, 0.5], *[[0.9, 0.1]] * 2, [0.6, 0.4], [0.9, 0.1]])}
    some = Evidence(sample_ids(5), held | {"embedding": points})
    query = acquire(some, "entropy", 2)
    assert query.ids == ("s000", "s003")
    assert query.stands_for == (3, 2)
    fewer = acquire(some, "entropy", 2, constraints=Constraints(exclude={"s001"}))
    assert fewer.stands_for == (2, 2)
    assert acquire(Evidence(some.ids, held), "entropy", 2).stands_for == ()
