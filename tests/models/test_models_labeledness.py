"""Adversaries tell what is unlike the labeled samples, in the direction their names say."""

from functools import cache

import numpy as np
import pytest
import torch
from model_toys import learner, planted
from sklearn.metrics import roc_auc_score

from foveal.core.errors import EvidenceError
from foveal.models import predict
from foveal.models.labeledness import critic, discriminator

BOTH = pytest.mark.parametrize("judge", [discriminator, critic])


def sides(seed=0, labeled=60, pool=400, gap=4.0, width=16):
    """Half of the pool comes from where the labeled samples come from, half from elsewhere."""
    g = torch.Generator().manual_seed(seed)
    mixing = torch.randn(4, width, generator=g)
    latent = torch.randn(labeled + pool, 4, generator=g)
    far = torch.arange(pool) % 2 == 1
    latent[labeled:][far, 0] += gap
    all_of_them = latent @ mixing
    return all_of_them[:labeled], all_of_them[labeled:], far


@cache
def judged(judge, seed):
    labeled, pool, _ = sides(seed)
    return judge(labeled, pool, seed)


@BOTH
@pytest.mark.parametrize("seed", range(2))
def test_what_is_unlike_the_labeled_samples_has_low_values(judge, seed):
    far = sides(seed)[2]
    values = judged(judge, seed)
    assert values.shape == far.shape
    assert roc_auc_score(~far, values) > 0.9


@BOTH
def test_the_same_seed_gives_the_same_values_and_nothing_else_is_drawn_from(judge):
    labeled, pool, _ = sides()
    torch.manual_seed(8)
    before = torch.get_rng_state()
    assert torch.equal(judge(labeled, pool, 0), judged(judge, 0))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(judge(labeled, pool, 4), judged(judge, 0))


@BOTH
def test_units_of_the_embedding_do_not_matter(judge):
    labeled, pool, _ = sides()
    scale = 2.0 ** torch.arange(-8, 8)
    torch.testing.assert_close(
        judge(scale * labeled, scale * pool, 0), judged(judge, 0), rtol=0, atol=1e-4
    )


def test_a_discriminator_gives_probabilities():
    values, far = judged(discriminator, 0), sides()[2]
    assert ((values >= 0) & (values <= 1)).all()
    assert values[~far].mean() > 0.3 + values[far].mean()


def test_where_both_sides_are_alike_neither_can_tell():
    labeled, pool, _ = sides(gap=0.0, labeled=400)
    assert abs(float(discriminator(labeled, pool, 0).mean()) - 0.5) < 0.1
    assert abs(float(critic(labeled, pool, 0).mean())) < 0.2


@pytest.mark.parametrize("width", [1, 4])
def test_a_critic_measures_how_far_two_clouds_are_apart(width):
    """Of two points the Wasserstein distance is their distance: 2 deviations where both weigh
    the same, in every dimension in which they differ."""
    torch.manual_seed(0)
    labeled, pool = 0.01 * torch.randn(50, width), 5 + 0.01 * torch.randn(50, width)
    assert float(critic(labeled, pool, 0).mean()) == pytest.approx(-2, rel=0.25)


@BOTH
@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 3)])
def test_the_smallest_sides_do(judge, m, n):
    values = judge(torch.ones(m, 3), torch.ones(n, 3), 0)
    assert values.shape == (n,)
    assert torch.isfinite(values).all()


@BOTH
@pytest.mark.parametrize(("m", "n"), [(0, 4), (3, 0)])
def test_without_one_side_there_is_nothing_to_compare(judge, m, n):
    with pytest.raises(EvidenceError, match=f"{m} labeled samples and {n} candidates"):
        judge(torch.ones(m, 3), torch.ones(n, 3), 0)


NEEDS = ("discriminator", "critic")


def test_predict_judges_by_the_embedding_of_its_learner():
    one, (inputs, _) = learner(), planted(40)
    rows, ids = np.arange(40), tuple(map(str, range(40)))
    embedding = predict(one, inputs, rows, ids, ("embedding",)).arrays["embedding"]
    asked = predict(one, inputs, rows[8:], ids[8:], NEEDS, labeled=embedding[:8])
    assert set(asked.arrays) == set(NEEDS)
    seed = int(one.fingerprint(), 16)
    for name, judge in zip(NEEDS, (discriminator, critic), strict=True):
        sides = (torch.from_numpy(np.array(e)) for e in (embedding[:8], embedding[8:]))
        np.testing.assert_array_equal(asked.arrays[name], judge(*sides, seed))


def test_predict_must_know_the_labeled_samples():
    with pytest.raises(EvidenceError, match="`labeled` was not given"):
        predict(learner(), planted(3)[0], np.arange(3), ("a", "b", "c"), ("critic",))


def test_of_nobody_nothing_is_judged():
    labeled = np.ones((2, 8), np.float32)
    none = predict(learner(), planted(3)[0], np.arange(0), (), NEEDS, labeled=labeled)
    assert len(none) == 0
