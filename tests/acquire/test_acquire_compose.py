"""Laws of composed strategies: limits that are the parts themselves, and errors that say where."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveal.acquire import (
    Chosen,
    Constraints,
    Scored,
    acquire,
    get,
    names,
    registry,
    scorer,
    selector,
)
from foveal.acquire.forms import average_ranks, over_pool, stochastic_batch, weight_of
from foveal.acquire.settings import checked
from foveal.acquire.strategies.eg_al import eg_al
from foveal.acquire.strategies.uncertainty import entropy
from foveal.core.chance import generator
from foveal.core.errors import EvidenceError, SpecError, UnknownName
from foveal.core.evidence import Evidence
from generators import evidence, permutations

HELD = ("probs", "misalignment", "embedding", "mc_probs")
EXPRESSIONS = [
    "0.7*entropy + 0.3*misalignment",
    "rank(entropy + 2*misalignment)",
    "power(entropy)",
    "power(0.5*rank(bald + eg_al) + margin)",
    "stochastic(entropy + misalignment)",
    "heaviest(eg_al)",
    "heaviest(power(margin))",
    "2*entropy",
]


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    """Selectors filed by a test are gone after it."""
    names()
    monkeypatch.setattr(registry, "_filed", dict(registry._filed))

    @selector("heaviest", needs=("embedding",), optional=("weight",), tasks=registry.BOTH)
    def heaviest(embedding, k, rng, weight=None, *, base: float = 0.0):
        """The highest weights.

        Source: none
        """
        w = base + (np.ones(len(embedding)) if weight is None else weight)
        return Chosen(np.argsort(-w, kind="stable")[:k], {"mass": w}, ("told by heaviest",))


def pool(n=40, seed=0):
    rng = generator(seed, "pool")
    held = {
        "probs": rng.dirichlet([1, 1, 1], n),
        "misalignment": rng.random(n),
        "embedding": rng.normal(size=(n, 3)),
        "mc_probs": rng.dirichlet([1, 1, 1], (4, n)),
    }
    return Evidence(tuple(f"s{i:02}" for i in range(n)), held)


def test_a_weighted_sum_end_to_end():
    query = acquire(pool(), "0.7*entropy+0.3 * misalignment", 5)
    assert query.strategy == "0.7*entropy + 0.3*misalignment"
    assert set(query.scores) == {"score", "entropy", "misalignment"}
    assert query.parameters == {"entropy.log_base": "e", "entropy.normalize": False}
    told = f"entropy {query.scores['entropy'][0]:.3g}, misalignment"
    assert query.why[0].startswith(told)
    assert query.why[0].endswith("; higher than all other candidates")


def test_its_parts_are_raw_scores():
    held = pool().arrays
    scored = get("0.7*entropy + 0.3*eg_al").fn(**held, **get("0.7*entropy + 0.3*eg_al").settings)
    inner = eg_al(held["probs"], held["misalignment"])
    assert set(scored.parts) == {"entropy", "eg_al", "eg_al.entropy", "eg_al.misalignment"}
    np.testing.assert_array_equal(scored.parts["entropy"], entropy(held["probs"]))
    np.testing.assert_array_equal(scored.parts["eg_al"], inner.score)
    expected = 0.7 * over_pool(entropy(held["probs"])) + 0.3 * over_pool(inner.score)
    np.testing.assert_allclose(scored.score, expected)


@given(evidence(HELD), st.floats(0, 1))
def test_the_sum_of_entropy_and_misalignment_is_eg_al(held, weight):
    sum_of_two = get(f"{weight!r}*entropy + {1 - weight!r}*misalignment")
    score = sum_of_two.fn(**held.arrays, **sum_of_two.settings).score
    expected = eg_al(held.arrays["probs"], held.arrays["misalignment"], weight=weight).score
    np.testing.assert_allclose(score, expected, atol=1e-12)


@given(evidence(HELD), st.floats(0, 1))
def test_the_ranks_of_entropy_and_misalignment_are_eg_al_of_ranks(held, weight):
    ranks = get(f"rank({weight!r}*entropy + {1 - weight!r}*misalignment)")
    score = ranks.fn(**held.arrays, **ranks.settings).score
    p, d = held.arrays["probs"], held.arrays["misalignment"]
    expected = eg_al(p, d, weight=weight, form="rank_average").score
    np.testing.assert_allclose(score, expected, atol=1e-12)


@pytest.mark.parametrize("form", ["{}", "rank({})"])
@settings(max_examples=30)
@given(held=evidence(HELD))
def test_weights_of_one_and_zero_leave_one_part(form, held):
    for expression, part in [
        ("1*entropy + 0*misalignment", "entropy"),
        ("0*entropy + 1*misalignment", "misalignment"),
    ]:
        query = acquire(held, form.format(expression), len(held))
        alone = query.scores[part]
        assert all(a >= b - 1e-9 for a, b in pairwise(alone))


@pytest.mark.parametrize("expression", EXPRESSIONS)
@settings(max_examples=15)
@given(data=st.data())
def test_the_order_of_the_pool_does_not_matter(expression, data):
    held = data.draw(evidence(HELD))
    order = data.draw(permutations(len(held)))
    budget = data.draw(st.integers(1, len(held)))
    one = acquire(held, expression, budget, seed=3, round=1)
    assert one == acquire(held.rows(order), expression, budget, seed=3, round=1)
    assert len(set(one.ids)) == budget
    assert all(one.why)


def test_a_high_beta_is_the_ranking_itself_and_a_low_one_is_not():
    plain = acquire(pool(), "entropy", 10).ids
    assert acquire(pool(), "power(entropy)", 10, parameters={"power.beta": 1e9}).ids == plain
    draws = {
        acquire(pool(), "power(entropy)", 10, seed=s, parameters={"power.beta": 0.1}).ids
        for s in range(4)
    }
    assert len(draws) == 4


def test_noise_within_a_sum_is_not_squeezed_by_the_zero_of_the_scale():
    n = 300
    noisy = acquire(pool(n), "power(entropy) + 0*margin", n).scores["score"]
    assert np.quantile(noisy, 0.9) - np.quantile(noisy, 0.1) > 0.05


def test_one_stochastic_batch_is_random_and_many_are_better():
    score = generator(0, "score").random(30)
    repeats = 3000
    drawn = [stochastic_batch(score, 3, generator(i, "one"), batches=1) for i in range(repeats)]
    times = np.bincount(np.concatenate(drawn), minlength=30)
    assert (np.abs(times / repeats - 0.1) < 5 * math.sqrt(0.09 / repeats)).all()
    means = [
        np.mean([score[stochastic_batch(score, 3, generator(i, "m"), batches=b)] for i in range(9)])
        for b in (1, 30, 3000)
    ]
    assert means == sorted(means)
    assert means[2] <= np.sort(score)[-3:].mean()


def test_a_stochastic_batch_is_the_best_of_those_drawn():
    score = generator(0, "score").random(12)
    rng = generator(4, "batches")
    drawn = [rng.choice(12, 4, replace=False, shuffle=False) for _ in range(50)]
    best = max(drawn, key=lambda batch: score[batch].mean())
    chosen = stochastic_batch(score, 4, generator(4, "batches"), batches=50)
    assert set(chosen) == set(best)
    assert (np.diff(score[chosen]) <= 0).all()


def test_stochastic_batches_by_seed():
    queries = [acquire(pool(), "stochastic(entropy)", 5, seed=s) for s in (0, 0, 1)]
    assert queries[0] == queries[1]
    assert queries[0].ids != queries[2].ids
    assert set(queries[0].scores) == {"entropy"}
    assert queries[0].why[0].startswith("in the random batch with the highest mean score: entropy")
    with pytest.raises(SpecError, match=r"`stochastic\.batches` must be at least 1, not 0"):
        acquire(pool(), "stochastic(entropy)", 5, parameters={"stochastic.batches": 0})


def test_a_selector_gets_the_score_as_its_weight():
    query = acquire(pool(), "heaviest(eg_al)", 5, parameters={"eg_al.weight": 0.2})
    assert query.ids == acquire(pool(), "eg_al", 5, parameters={"weight": 0.2}).ids
    assert query.scores["heaviest.mass"][0] == 1 == query.scores["eg_al"][0]
    assert set(query.scores) == {"eg_al", "eg_al.entropy", "eg_al.misalignment", "heaviest.mass"}
    assert query.notes == ("told by heaviest",)
    assert query.why[0].startswith("chosen by heaviest as one of a set; weighted by eg al 1")
    assert get("heaviest(eg_al)").optional == ("misalignment",)


def test_what_a_weight_lacked_is_told():
    held = Evidence(pool().ids, {k: pool().arrays[k] for k in ("probs", "embedding")})
    for expression in ("heaviest(eg_al)", "eg_al + margin", "power(eg_al)", "stochastic(eg_al)"):
        assert "entropy alone" in acquire(held, expression, 2).notes[0]


def test_the_selectors_own_reason_is_kept():
    def why(facts):
        return f"mass {facts['mass']:.1f} above {facts['base']}"

    @selector("reasoned", needs=("embedding",), optional=("weight",), why=why)
    def reasoned(embedding, k, rng, weight=None, *, base: float = 0.5):
        """Some."""
        return Chosen(np.argsort(-weight)[:k], {"mass": weight})

    (first, *_) = acquire(pool(), "reasoned(margin)", 2).why
    assert first.startswith("mass 1.0 above 0.5; weighted by margin 0.")


def test_a_selector_that_returns_bare_positions_will_do():
    @selector("bare", needs=("embedding",), optional=("weight",))
    def bare(embedding, k, rng, weight=None):
        """Some."""
        return np.argsort(-weight)[:k]

    assert acquire(pool(), "bare(margin)", 4).ids == acquire(pool(), "margin", 4).ids


@given(arrays(np.float64, st.integers(1, 12), elements=st.sampled_from([0.0, 0.25, 1.0, -3.5])))
def test_scales_keep_the_order_and_lie_in_the_unit_interval(score):
    for scale in (over_pool, average_ranks, weight_of):
        scaled = scale(score)
        assert scaled.min() >= 0
        assert scaled.max() <= 1
        above = score[:, None] > score[None, :]
        assert (scaled[:, None] > scaled[None, :])[above].all()
    constant = np.ptp(score) == 0
    assert over_pool(score).any() != constant
    assert weight_of(score).any()
    assert (weight_of(score) == 1).all() == constant


def test_rounding_is_no_score():
    assert (over_pool(np.array([0.3, 0.3 + 1e-12])) == 0).all()


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        (" entropy ", "entropy"),
        ("1*entropy", "entropy"),
        ("1.0*entropy+margin", "entropy + margin"),
        ("2.50*entropy+.5*margin", "2.5*entropy + 0.5*margin"),
        ("1e-5*entropy + 2E1*margin", "1e-05*entropy + 20*margin"),
        ("rank( entropy )", "rank(entropy)"),
        ("power(1*entropy)", "power(entropy)"),
        ("3*power(rank(margin+entropy))", "3*power(rank(margin + entropy))"),
        ("heaviest(2*margin+bald)", "heaviest(2*margin + bald)"),
    ],
)
def test_the_name_is_the_expression_in_its_usual_form(written, usual):
    assert get(written).name == usual
    assert get(usual).name == usual


def test_a_single_name_is_the_filed_strategy_itself():
    assert get(" entropy ") is get("entropy")
    assert get("1*batch_bald") is get("batch_bald")


def test_the_record_is_that_of_the_parts_together():
    plan = get("0.7*eg_al + power(bald) + 0.1*misalignment")
    assert plan.kind == "scorer"
    assert plan.needs == ("probs", "mc_probs", "misalignment")
    assert plan.optional == ()
    assert plan.chance
    assert plan.tasks == registry.BOTH
    assert plan.settings["power.beta"] == 1.0
    assert "arXiv:2602.13308" in plan.source
    assert "arXiv:1112.5745" in plan.source
    assert "eg_al: " in plan.fn.__doc__
    assert get("heaviest(margin)").kind == get("stochastic(margin)").kind == "selector"
    assert not get("stochastic(margin)").chance
    assert get("power(margin)").chance


def test_settings_of_parts_are_checked_by_the_parts():
    plan = get("power(eg_al + margin)")
    assert checked(plan, dict(plan.settings)) == dict(plan.settings)
    assert checked(plan, {"eg_al.log_base": 2, "power.beta": 3})["eg_al.log_base"] == "2"
    with pytest.raises(SpecError, match=r"no setting 'eg_al.wieght'. Did you mean 'eg_al.weight'"):
        checked(plan, {"eg_al.wieght": 0.1})
    with pytest.raises(SpecError, match=r"`eg_al.form` .*must be one of 'convex'"):
        checked(plan, {"eg_al.form": "concave"})
    with pytest.raises(SpecError, match=r"`power.beta` .*must be a finite number"):
        checked(plan, {"power.beta": "high"})
    with pytest.raises(SpecError, match=r"`weight` of eg_al must lie in"):
        acquire(pool(), plan.name, 1, parameters={"eg_al.weight": 2.0})


def test_a_setting_reaches_its_part():
    for expression in ("eg_al", "2*eg_al", "rank(eg_al)", "heaviest(eg_al)"):
        key = "weight" if expression == "eg_al" else "eg_al.weight"
        ids = acquire(pool(), expression, 5, parameters={key: 0.0}).ids
        assert ids == acquire(pool(), "misalignment", 5).ids


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "'the end' stands where the name of a strategy is expected"),
        ("   ", "'the end' stands where the name"),
        ("rank()", r"'\)' stands where the name"),
        ("entropy +", "'the end' stands where the name"),
        ("0.7*", "'the end' stands where the name"),
        ("entropy + 3", r"'the end' stands where `\*` is expected after the weight 3"),
        ("0.7 entropy", r"'entropy' stands where `\*` is expected after the weight 0.7"),
        ("2*3*entropy", "'3' stands where the name"),
        ("entropy margin", r"'margin' stands where `\+` or the end"),
        ("rank(entropy", r"'the end' stands where `\)` is expected to close `rank\(`"),
        ("entropy)", r"'\)' stands where `\+` or the end"),
        ("(entropy)", r"'\(' stands where the name"),
        ("-1*entropy", "'-' has no meaning, for weights are at least 0"),
        ("entropy - margin", "'-' has no meaning, for weights are at least 0"),
        ("entropy + -0.5*margin", "'-' has no meaning, for weights are at least 0"),
        ("entropy / (margin)", "'/' has no meaning"),
        ("__import__('os')+entropy", '"\'" has no meaning'),
        ("0*entropy + 0*margin", "all weights of a sum are 0"),
        ("1e999*entropy", "one of its weights is not finite"),
        ("heaviest + entropy", "'heaviest' chooses a set and has no score, which a sum needs"),
        ("2*heaviest", "'heaviest' chooses a set"),
        ("rank(heaviest)", "'heaviest' chooses a set"),
        ("power(heaviest)", "'heaviest' chooses a set and has no score, which power noise needs"),
        ("stochastic(stochastic(entropy))", r"'stochastic\(entropy\)' chooses a set"),
        ("heaviest(batch_bald)", "'batch_bald' chooses a set"),
        ("entropy(margin)", "'entropy' takes no weight.*selectors that can: .*heaviest"),
        ("batch_bald(margin)", "'batch_bald' takes no weight.*selectors that can: .*heaviest"),
        ("rank(" * 60 + "entropy" + ")" * 60, "more than 100 names, numbers and signs; shorten"),
    ],
)
def test_what_cannot_be_read_or_joined_is_told(expression, message):
    with pytest.raises(SpecError, match=rf"must be a sum such as .*, but .*{message}"):
        get(expression)


@pytest.mark.parametrize(
    ("expression", "near"),
    [
        ("entropi + margin", "'entropi'. Did you mean 'entropy'"),
        ("0.5*entropy + 0.5*mragin", "'mragin'. Did you mean 'margin'"),
        ("ranks(entropy)", "'ranks'. Did you mean 'rank'"),
        ("heavyest(entropy)", "'heavyest'. Did you mean 'heaviest'"),
        ("eg-al", "'eg-al'. Did you mean 'eg_al'"),
    ],
)
def test_an_unknown_part_hears_the_nearest(expression, near):
    with pytest.raises(UnknownName, match=near):
        get(expression)


def test_evidence_that_a_part_lacks_is_named():
    held = Evidence(pool().ids, {"probs": pool().arrays["probs"]})
    with pytest.raises(EvidenceError, match=r"'entropy \+ bald' needs `mc_probs`"):
        acquire(held, "entropy+bald", 1)


def test_parts_without_a_common_task_are_not_joined():
    @scorer("many_only", needs=("embedding",), tasks=("multilabel",))
    def many_only(embedding):
        """Some."""
        return embedding[:, 0]

    @scorer("one_only", needs=("embedding",))
    def one_only(embedding):
        """Some."""
        return embedding[:, 0]

    assert get("many_only + entropy").tasks == ("multilabel",)
    with pytest.raises(SpecError, match=r"no task in common"):
        get("many_only + one_only")


def test_several_findings():
    held = dict(pool().arrays) | {"probs": generator(1, "labels").random((40, 2))}
    del held["mc_probs"]
    many = Evidence(pool().ids, held, task="multilabel")
    query = acquire(many, "0.5*entropy + 0.5*misalignment", 3)
    assert set(query.scores) == {"score", "entropy", "misalignment"}
    # Weighted by a score of embeddings a selector can; by one of probabilities it cannot.
    assert len(acquire(many, "heaviest(misalignment)", 3).ids) == 3
    for expression in ("heaviest(entropy)", "stochastic(entropy)"):
        with pytest.raises(EvidenceError, match="multilabel; strategies that can"):
            acquire(many, expression, 3)


def test_caps_hold_for_composed_selectors_too():
    groups = [f"g{i % 10}" for i in range(40)]
    for expression in EXPRESSIONS:
        query = acquire(pool(), expression, 10, groups=groups, constraints=Constraints(per_group=1))
        assert len({int(i[1:]) % 10 for i in query.ids}) == 10


def test_a_plug_in_may_use_any_name():
    scorer("my + own", needs=("probs",))(lambda probs: Scored(probs[:, 0]))
    assert acquire(pool(), "my + own", 1).strategy == "my + own"
