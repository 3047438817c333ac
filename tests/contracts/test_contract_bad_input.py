"""What every strategy says to input that cannot be right, and how it bears what is merely odd."""

import numpy as np
import pytest

from foveal.acquire import acquire, get, located, names
from foveal.core.errors import BudgetError, EvidenceError
from foveal.core.evidence import PIXELWISE, SAMPLE_AXIS, Evidence
from generators import FEATURES, sample_ids

CLASSES = 3
SHARES = (
    "misalignment",
    "region_size",
    "predicted_loss",
    "discriminator",
    "critic",
    "deepfool_distance",
    "bim_distance",
    *sorted(PIXELWISE),
)
every_strategy = pytest.mark.parametrize("name", names())
every_selector = pytest.mark.parametrize("name", [n for n in names() if get(n).kind == "selector"])


def arrays(n, seed=0):
    """Well-formed evidence of every name."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.ones(CLASSES), n)
    return {
        "probs": probs,
        "mc_probs": np.stack([rng.dirichlet(np.ones(CLASSES), n) for _ in range(4)]),
        "view_probs": np.stack([probs, rng.dirichlet(np.ones(CLASSES), n)]),
        "embedding": rng.normal(size=(n, FEATURES)),
        "backbone_embedding": rng.normal(size=(n, FEATURES)),
        "label": rng.integers(0, CLASSES, n),
        "weight": rng.random(n),
        "explanation_gradient": rng.normal(size=(n, FEATURES)),
        **{a: rng.random(n) for a in SHARES},
    }


def posed(name, n, change=lambda held: held):
    """A strategy's evidence and context, with the pool's arrays changed."""
    places = {"pool": {}}
    for need in (*get(name).needs, *get(name).optional):
        place, array = located(need)
        places.setdefault(place, {})[array] = None
    places.pop("head", None)
    held = {p: arrays(n if p == "pool" else 6, i) for i, p in enumerate(places)}
    held["pool"] = change({k: v for k, v in held["pool"].items() if k != "label"})
    sets = {p: Evidence(sample_ids(6, p), a) for p, a in held.items() if p != "pool"}
    rng = np.random.default_rng(9)
    head = {"weight": rng.normal(size=(CLASSES, FEATURES)), "bias": rng.normal(size=CLASSES)}
    sets["head"] = Evidence(sample_ids(CLASSES, "c"), head)
    return Evidence(sample_ids(n), held["pool"]), sets


@every_strategy
def test_more_than_there_are_is_refused(name):
    pool, sets = posed(name, 5)
    with pytest.raises(BudgetError, match="ask for at most 5"):
        acquire(pool, name, 6, context=sets)


@every_selector
@pytest.mark.parametrize("k", [-1, 6])
def test_more_than_there_are_is_refused_also_by_the_function_itself(name, k):
    pool, sets = posed(name, 5)
    held = {"rng": np.random.default_rng(0), "k": k}
    for need in get(name).needs:
        place, array = located(need)
        source = pool if place == "pool" else sets[place]
        held[need] = source.arrays.get(array, np.zeros((5, CLASSES)))
    with pytest.raises(BudgetError, match=f"`k` of {name} must lie in"):
        get(name).fn(**held)


@every_strategy
def test_a_number_that_is_none_is_found_before_any_choice(name):
    def spoiled(held):
        for need in (*get(name).needs, *get(name).optional):
            place, array = located(need)
            if place == "pool" and array in held:
                held[array] = held[array].astype(float)
                held[array].flat[3] = np.nan
        return held

    if any(located(n)[0] == "pool" and located(n)[1] in arrays(1) for n in get(name).needs):
        with pytest.raises(EvidenceError, match="must be finite"):
            posed(name, 5, spoiled)


@every_strategy
def test_a_thousand_duplicates_are_borne(name):
    def repeated(held):
        return {k: np.repeat(a, 250, axis=SAMPLE_AXIS.get(k, 0)) for k, a in held.items()}

    n = 4
    pool, sets = posed(name, n)
    big = Evidence(sample_ids(1000), repeated(dict(pool.arrays)))
    query = acquire(big, name, 8, context=sets)
    assert len(set(query.ids)) == 8


@every_strategy
def test_one_class_only_is_borne(name):
    def single(held):
        held["probs"] = np.ones((6, 1))
        held["mc_probs"] = np.ones((4, 6, 1))
        held["view_probs"] = np.ones((2, 6, 1))
        return held

    pool, sets = posed(name, 6, single)
    sets = {
        place: Evidence(
            one.ids,
            {
                key: np.ones((len(one), 1))
                if key == "probs"
                else np.zeros_like(a)
                if key == "label"
                else a
                for key, a in one.arrays.items()
                if key not in ("mc_probs", "view_probs")
            },
        )
        for place, one in sets.items()
        if place != "head"
    }
    sets["head"] = Evidence(("c0",), {"weight": np.ones((1, FEATURES)), "bias": np.zeros(1)})
    assert len(set(acquire(pool, name, 3, context=sets).ids)) == 3


@pytest.mark.parametrize("name", [n for n in names() if "mc_probs" in get(n).needs])
def test_a_single_draw_is_refused_with_the_remedy(name):
    def lonely(held):
        return held | {"mc_probs": held["mc_probs"][:1]}

    pool, sets = posed(name, 5, lonely)
    with pytest.raises(EvidenceError, match=r"model\.dropout"):
        acquire(pool, name, 2, context=sets)
