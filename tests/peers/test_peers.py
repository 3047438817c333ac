"""Second opinions from other packages, where they are installed (`make peers`): the same picks."""

import numpy as np
import pytest

from foveal.acquire.strategies.batch_bald import batch_bald
from foveal.acquire.strategies.committee import mean_kl, vote_entropy
from foveal.acquire.strategies.k_center import k_center
from foveal.acquire.strategies.smi import flqmi, flvmi, logdetmi
from foveal.acquire.strategies.uncertainty import entropy, least_confidence, margin

SEEDS = [0, 1, 2]
MUTUAL = {
    "FacilityLocationVariantMutualInformationFunction": flqmi,
    "FacilityLocationMutualInformationFunction": flvmi,
    "LogDeterminantMutualInformationFunction": logdetmi,
}


def cloud(seed, n=150, features=12):
    return np.random.default_rng(seed).random((n, features), dtype=np.float32)


def predictions(seed, n=80, classes=4):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), n)


def draws(seed, members=5, n=40, classes=3):
    return np.stack([predictions(seed * 100 + t, n, classes) for t in range(members)])


@pytest.mark.parametrize("name", sorted(MUTUAL))
@pytest.mark.parametrize("seed", SEEDS)
def test_mutual_information_as_submodlib_maximizes_it(name, seed):
    pytest.importorskip("submodlib")
    from foveal.bench.acquisition import with_submodlib

    pool, query = cloud(seed), cloud(seed + 50, n=5)
    ours = MUTUAL[name](pool, query, 8, np.random.default_rng(0), kernel="features").positions
    theirs = with_submodlib(name, pool, query, 8)
    if name != "FacilityLocationMutualInformationFunction":
        np.testing.assert_array_equal(ours, theirs)
        return
    # Once its caps are reached several candidates add exactly as much: the worth is the same.
    unit = pool / np.linalg.norm(pool, axis=1, keepdims=True)
    cap = (unit @ (query / np.linalg.norm(query, axis=1, keepdims=True)).T).max(axis=1)
    near = unit @ unit.T
    for size in range(1, 9):
        worth = [np.minimum(near[picks[:size]].max(axis=0), cap).sum() for picks in (ours, theirs)]
        assert worth[0] == pytest.approx(worth[1], rel=1e-6)


@pytest.mark.parametrize(
    ("ours", "method"),
    [
        (entropy, "entropy"),
        (margin, "margin_sampling"),
        (least_confidence, "least_confident"),
    ],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_uncertainty_as_scikit_activeml_ranks_it(ours, method, seed):
    pool = pytest.importorskip("skactiveml.pool")
    probs = predictions(seed)
    theirs = pool.uncertainty_scores(probs, method=method)
    np.testing.assert_allclose(ours(probs), theirs, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_core_set_as_scikit_activeml_covers_it(seed):
    pool = pytest.importorskip("skactiveml.pool")
    x = cloud(seed).astype(float)
    y = np.full(len(x), np.nan)
    y[:10] = 0
    theirs, _ = pool.k_greedy_center(x, y, batch_size=12, random_state=0)
    ours = k_center(x[10:], 12, np.random.default_rng(0), x[:10]) + 10
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_committees_as_scikit_activeml_scores_them(seed):
    pool = pytest.importorskip("skactiveml.pool")
    members = draws(seed)
    theirs = pool.average_kl_divergence(members)
    np.testing.assert_allclose(mean_kl(members), theirs, atol=1e-12)
    votes = members.argmax(axis=2).T
    theirs = pool.vote_entropy(votes, classes=np.arange(3))
    ours = vote_entropy(members)
    np.testing.assert_allclose(ours / ours.max(), theirs / theirs.max(), atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_batch_bald_as_scikit_activeml_chooses(seed):
    pool = pytest.importorskip("skactiveml.pool")
    members = draws(seed)
    theirs = np.nanargmax(pool.batch_bald(members, batch_size=2, random_state=0), axis=1)
    # Beyond two picks the package samples configurations, and misses what enumeration finds.
    np.testing.assert_array_equal(batch_bald(members, 2, np.random.default_rng(0)), theirs)


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        (entropy, "classifier_entropy"),
        (least_confidence, "classifier_uncertainty"),
        (margin, "classifier_margin"),
    ],
)
def test_uncertainty_as_modal_measures_it(ours, name):
    module = pytest.importorskip("modAL.uncertainty")
    probs = predictions(3)

    class Fixed:
        def predict_proba(self, _):
            return probs

    theirs = getattr(module, name)(Fixed(), np.zeros((len(probs), 1)))
    if name == "classifier_margin":
        theirs = 1 - theirs  # modAL asks for the smallest, we for the highest
    np.testing.assert_allclose(ours(probs), theirs, atol=1e-12)
