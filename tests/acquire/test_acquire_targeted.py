"""Laws of targeted selection: what is sought is found, what is private is avoided, and the sign
trap of gradients is answered."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.acquire import acquire
from foveal.acquire.derived import residual
from foveal.acquire.strategies.basil import basil, shared
from foveal.acquire.strategies.facility_location import facility_location
from foveal.acquire.strategies.scg import flcg, gccg, logdetcg
from foveal.acquire.strategies.scmi import flcmi, logdetcmi
from foveal.acquire.strategies.smi import com, flqmi, flvmi, gcmi, logdetmi
from foveal.acquire.targeted import check_weights
from foveal.core.errors import EvidenceError, SpecError
from foveal.core.evidence import Evidence
from generators import sample_ids

MUTUAL = {f.__name__: f for f in (flqmi, flvmi, gcmi, logdetmi, com, flcmi, logdetcmi)}
GAINS = {f.__name__: f for f in (flcg, gccg, logdetcg)}
every_mutual = pytest.mark.parametrize("name", sorted(MUTUAL))
every_gain = pytest.mark.parametrize("name", sorted(GAINS))
RARE = 6


def planted(seed=0, n=120):
    """Embeddings in which the first six are a cluster of their own; and three exemplars of it."""
    rng = np.random.default_rng(seed)
    x = np.abs(rng.normal(size=(n, 8))) * 0.4
    x[:, :4] += 2
    rare = np.array([0, 0, 0, 0, 2.0, 2, 2, 2])
    x[:RARE] = rare + rng.normal(size=(RARE, 8)) * 0.2
    return x, rare + rng.normal(size=(3, 8)) * 0.2


def found(chosen, name):
    """Whether the rare cluster is what was chosen.

    FLVMI and FLCMI cover the pool up to each item's likeness to the exemplars: with features that
    are never quite unlike, the rare ones come first and others follow once they are covered.
    """
    positions = chosen.positions.tolist()
    if name in ("flvmi", "flcmi"):
        return positions[0] < RARE
    return set(positions) == set(range(RARE))


def chance():
    return np.random.default_rng(0)


@every_mutual
def test_a_planted_rare_cluster_is_found_by_features(name):
    x, exemplars = planted()
    chosen = MUTUAL[name](x, exemplars, RARE, chance(), kernel="features")
    assert found(chosen, name)
    assert chosen.notes == ()


@every_mutual
def test_gradients_find_what_is_predicted_as_the_exemplars_class(name):
    x, exemplars = planted()
    n = len(x)
    probs = np.tile([0.8, 0.2], (n, 1))
    probs[:RARE] = [0.3, 0.7]
    sought = residual(np.tile([0.6, 0.4], (3, 1)), np.ones(3, int))
    chosen = MUTUAL[name](x, exemplars, RARE, chance(), residual(probs), sought)
    assert set(chosen.positions.tolist()) == set(range(RARE))
    assert chosen.notes == ()


@every_mutual
def test_where_nothing_is_predicted_rare_features_answer_the_sign_trap(name):
    x, exemplars = planted()
    probs = np.tile([0.9, 0.1], (len(x), 1))
    sought = residual(np.tile([0.9, 0.1], (3, 1)), np.ones(3, int))
    chosen = MUTUAL[name](x, exemplars, RARE, chance(), residual(probs), sought)
    assert found(chosen, name)
    assert "no candidate is" in chosen.notes[0]
    assert (chosen.parts["similarity"] <= 0).all()


@every_mutual
def test_those_predicted_rare_come_first_and_features_fill_the_batch(name):
    x, exemplars = planted()
    probs = np.tile([0.9, 0.1], (len(x), 1))
    probs[[3, 90]] = [0.4, 0.6]
    sought = residual(np.tile([0.9, 0.1], (3, 1)), np.ones(3, int))
    chosen = MUTUAL[name](x, exemplars, 6, chance(), residual(probs), sought)
    assert set(chosen.positions[:2].tolist()) == {3, 90}
    assert chosen.positions[2] < RARE
    assert "2 candidates are among them; 4 of 6" in chosen.notes[0]


def test_without_residuals_features_are_used_and_it_is_said():
    x, exemplars = planted()
    chosen = flqmi(x, exemplars, RARE, chance())
    assert "lacks residuals" in chosen.notes[0]
    assert set(chosen.positions.tolist()) == set(range(RARE))


@every_mutual
def test_an_empty_query_set_is_refused(name):
    x, exemplars = planted()
    with pytest.raises(EvidenceError, match="query set is empty"):
        MUTUAL[name](x, exemplars[:0], 2, chance())


def test_retrieval_takes_the_highest_sums():
    x, exemplars = planted()
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    sums = unit @ (exemplars / np.linalg.norm(exemplars, axis=1, keepdims=True)).sum(axis=0)
    chosen = gcmi(x, exemplars, 9, chance(), kernel="features")
    np.testing.assert_array_equal(chosen.positions, np.argsort(-sums, kind="stable")[:9])


def test_a_query_equal_to_the_pool_asks_for_what_stands_for_it():
    x, _ = planted()
    as_query = flvmi(x, x, 5, chance(), kernel="features").positions
    np.testing.assert_array_equal(as_query, facility_location(x, 5, chance()))


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_conditional_mutual_information_at_its_ends(seed):
    x, exemplars = planted(seed, n=40)
    nothing = x[:0]
    one = flcmi(x, exemplars, 5, chance(), None, None, nothing, kernel="features").positions
    other = flvmi(x, exemplars, 5, chance(), kernel="features").positions
    np.testing.assert_array_equal(one, other)
    private = x[30:]
    one = flcmi(x, x, 5, chance(), None, None, private, kernel="features").positions
    np.testing.assert_array_equal(one, flcg(x, 5, chance(), private))
    one = logdetcmi(x, exemplars, 5, chance(), kernel="features").positions
    other = logdetmi(x, exemplars, 5, chance(), kernel="features").positions
    np.testing.assert_array_equal(one, other)


@every_gain
def test_what_is_private_is_avoided(name):
    x, exemplars = planted()
    if name == "gccg":  # sums over the pool are large, so avoiding must count for more
        chosen = gccg(x, 3, chance(), exemplars, trade=1.0, nu=50.0)
    else:
        chosen = GAINS[name](x, 3, chance(), exemplars)
    assert not set(chosen.tolist()) & set(range(RARE))


@pytest.mark.parametrize("name", ["flcg", "logdetcg"])
def test_without_a_private_set_the_lone_cluster_is_represented(name):
    x, _ = planted()
    assert set(GAINS[name](x, 10, chance()).tolist()) & set(range(RARE))


@pytest.mark.parametrize("name", ["flcmi", "logdetcmi"])
def test_like_the_exemplars_and_unlike_the_private_set(name):
    x, exemplars = planted()
    other = x[60:63]
    sought = np.vstack([exemplars, other])
    f = MUTUAL[name]
    plain = f(x, sought, RARE, chance(), kernel="features").positions
    apart = f(x, sought, RARE, chance(), private_embedding=other, kernel="features").positions
    assert (apart < RARE).sum() > (plain < RARE).sum()


def test_gradients_of_the_private_set_must_be_there():
    x, exemplars = planted()
    probs = np.tile([0.3, 0.7], (len(x), 1))
    sought = residual(np.tile([0.6, 0.4], (3, 1)), np.ones(3, int))
    with pytest.raises(EvidenceError, match="private"):
        flcmi(x, exemplars, 3, chance(), residual(probs), sought, private_embedding=x[:2])


@pytest.mark.parametrize("name", ["flqmi", "com"])
def test_an_unimportant_candidate_is_not_asked(name):
    x, exemplars = planted()
    weight = np.ones(len(x))
    weight[0] = 0
    f = MUTUAL[name]
    chosen = f(x, exemplars, RARE - 1, chance(), weight=weight, kernel="features").positions
    assert set(chosen.tolist()) == set(range(1, RARE))
    np.testing.assert_array_equal(
        f(x, exemplars, 9, chance(), kernel="features").positions,
        f(x, exemplars, 9, chance(), weight=np.ones(len(x)), kernel="features").positions,
    )


def test_what_does_not_matter_need_not_be_covered():
    x, _ = planted()
    matters = np.ones(len(x))
    matters[:RARE] = 0
    assert not set(facility_location(x, 10, chance(), weight=matters).tolist()) & set(range(RARE))
    assert set(facility_location(x, 10, chance()).tolist()) & set(range(RARE))


def test_labeled_images_cover_what_resembles_them():
    x, exemplars = planted()
    assert not set(facility_location(x, 10, chance(), exemplars).tolist()) & set(range(RARE))


@pytest.mark.parametrize("settings", [{"eta": -1.0}, {"nu": float("inf")}])
def test_weights_out_of_range_are_refused(settings):
    with pytest.raises(SpecError, match="at least 0"):
        check_weights(**settings)


def test_each_class_gets_its_share_of_what_resembles_it():
    x, exemplars = planted()
    known = np.vstack([exemplars, x[60:66]])
    label = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0])
    deficit = basil(x, known, label, 5, chance())
    assert len(set(deficit.tolist()) & set(range(RARE))) == 4  # 3 labels to 6: four are owed first
    even = basil(x, known, label, 6, chance(), shares="even")
    assert len(set(even.tolist()) & set(range(RARE))) == 3
    in_turns = [i < RARE for i in even.tolist()]
    assert in_turns == [False, True] * 3


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(0, 30))
def test_shares_fill_the_lowest_first(counts, k):
    counts = np.array(counts)
    given = shared(counts, k, "deficit")
    assert given.sum() == k
    total = counts + given
    raised = total[given > 0]
    assert raised.size == 0 or raised.max() - total.min() <= 1
    even = shared(counts, k, "even")
    assert even.max() - even.min() <= 1


def test_the_engine_tells_the_similarity_and_the_trap():
    x, exemplars = planted()
    pool = Evidence(sample_ids(len(x)), {"embedding": x, "probs": np.tile([0.9, 0.1], (len(x), 1))})
    beside = Evidence(
        ("q1", "q2", "q3"),
        {
            "embedding": exemplars,
            "probs": np.tile([0.9, 0.1], (3, 1)),
            "label": np.ones(3, int),
        },
    )
    query = acquire(pool, "flqmi", RARE, context={"exemplar": beside})
    assert set(query.ids) == set(pool.ids[:RARE])
    assert "chosen by similarity of features instead" in query.notes[0]
    assert "similarity" in query.scores
    assert "resembles an exemplar" in query.why[0]
    quiet = acquire(
        pool, "flqmi", RARE, context={"exemplar": beside}, parameters={"kernel": "features"}
    )
    assert quiet.notes == ()
    assert min(quiet.scores["similarity"]) > 0.9
