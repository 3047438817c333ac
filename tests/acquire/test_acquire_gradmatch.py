"""Laws of GradMatch: matching pursuit on built gradients gives the same, and errors only shrink."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from foveal.acquire import acquire
from foveal.acquire.strategies.gradmatch import gradmatch, mean_gradient, nonnegative
from foveal.core.errors import SpecError
from foveal.core.evidence import Evidence

RNG = np.random.default_rng(0)


def problem(seed, n=30, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)), (rng.standard_normal((n, 5)) + 0.5).astype(dtype)


def built(residual, embedding):
    return np.einsum("nc,nd->ncd", residual, embedding.astype(float)).reshape(len(residual), -1)


def fit(g, target, ridge):
    """Nonnegative ridge regression by an active set, and its objective."""
    tall = np.vstack([g.T, np.sqrt(ridge) * np.eye(len(g))])
    w, error = nnls(tall, np.concatenate([target, np.zeros(len(g))]))
    return w, error**2


def reference(g, target, k, ridge):
    picked, missing = [], target
    for _ in range(k):
        along = g @ missing
        along[picked] = -np.inf
        if along.max() <= 0:
            return picked
        picked.append(int(along.argmax()))
        missing = target - fit(g[picked], target, ridge)[0] @ g[picked]
    return picked


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ridge", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_it_picks_what_pursuit_on_built_gradients_picks(dtype, ridge, seed):
    residual, embedding = problem(seed, dtype=dtype)
    g = built(residual, embedding)
    scale = (g**2).sum(axis=1).mean()
    expected = reference(g, g.mean(axis=0), 8, ridge * scale)
    own = gradmatch(residual, embedding, 8, RNG, ridge=ridge).positions.tolist()
    assert own[: len(expected)] == expected


@pytest.mark.parametrize("seed", range(3))
def test_the_objective_never_grows(seed):
    residual, embedding = problem(seed)
    g = built(residual, embedding)
    ridge = 0.1 * (g**2).sum(axis=1).mean()
    picked = gradmatch(residual, embedding, 12, RNG).positions
    errors = [fit(g[picked[:k]], g.mean(axis=0), ridge)[1] for k in range(1, 13)]
    assert (np.diff(errors) <= 1e-9).all()
    assert errors[0] < (g.mean(axis=0) ** 2).sum()


def test_the_validation_part_is_the_target_where_there_is_one():
    residual, embedding = problem(1)
    g = built(residual, embedding)
    val = residual[4:5], embedding[4:5]
    chosen = gradmatch(residual, embedding, 1, RNG, *val)
    assert chosen.positions[0] == (g @ g[4]).argmax()
    assert chosen.notes == ()
    for missing in ((None, None), (val[0], None), (None, val[1]), (val[0][:0], val[1][:0])):
        alone = gradmatch(residual, embedding, 1, RNG, *missing)
        assert "mean gradient of the pool" in alone.notes[0]
        assert alone.positions[0] == (g @ g.mean(axis=0)).argmax()


def test_residuals_of_the_validation_part_follow_from_its_labels():
    probs = np.array([[0.9, 0.1], [0.1, 0.9]])
    pool = Evidence(("a", "b"), {"probs": probs, "embedding": np.ones((2, 1))})
    wrong = {"probs": probs[:1], "embedding": np.ones((1, 1)), "label": np.array([1])}
    query = acquire(pool, "gradmatch", 1, context={"val": Evidence(("v",), wrong)})
    # Its loss falls with the logit of class 0, as that of candidate b does.
    assert query.ids == ("b",)
    assert query.notes == ()


def test_gradients_that_point_away_come_last_and_those_of_zero_before_them():
    residual, embedding = np.array([[-1.0], [0.0], [1.0]]), np.ones((3, 1))
    val = np.ones((1, 1)), np.ones((1, 1))
    assert gradmatch(residual, embedding, 3, RNG, *val).positions.tolist() == [2, 1, 0]


def test_the_mean_gradient_is_that_of_built_gradients():
    residual, embedding = problem(4)
    expected = built(residual, embedding).mean(axis=0).reshape(3, 5)
    np.testing.assert_allclose(mean_gradient(residual, embedding), expected)


@given(st.integers(0, 40), st.integers(1, 8))
def test_nonnegative_weights_agree_with_scipy(seed, m):
    rng = np.random.default_rng(seed)
    g, target = rng.standard_normal((m, 6)), rng.standard_normal(6)
    own = nonnegative(g @ g.T + 0.5 * np.eye(m), g @ target, np.zeros(m))
    np.testing.assert_allclose(own, fit(g, target, 0.5)[0], atol=1e-3)


def test_a_negative_ridge_is_refused():
    with pytest.raises(SpecError, match="`ridge` of gradmatch"):
        gradmatch(*problem(0), 1, RNG, ridge=-1.0)
