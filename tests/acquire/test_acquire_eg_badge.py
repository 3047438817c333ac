"""EG-BADGE: distances of gradients that are never built, and what the balance does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire.strategies.badge import badge
from foveal.acquire.strategies.eg_badge import eg_badge, joint_distances
from foveal.core.errors import SpecError


def made(n, seed=0, classes=3, width=4):
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.ones(classes), n)
    residual = probs - np.eye(classes)[probs.argmax(1)]
    return residual, rng.normal(size=(n, width)), rng.normal(size=(n, width))


def built(residual, embedding, map_gradient):
    """(n, C * D) gradients, built row by row."""
    rows = residual[:, :, None] * embedding[:, None]
    rows[np.arange(len(rows)), residual.argmin(1)] += map_gradient
    return rows.reshape(len(rows), -1)


@given(st.integers(1, 12), st.integers(0, 99))
def test_distances_are_those_of_gradients_written_down(n, seed):
    parts = made(n, seed)
    whole = built(*parts)
    squared, distance_to = joint_distances(*parts)
    np.testing.assert_allclose(squared, (whole**2).sum(1), rtol=1e-9, atol=1e-12)
    for j in range(n):
        apart = ((whole - whole[j]) ** 2).sum(1)
        np.testing.assert_allclose(distance_to(j), apart, rtol=1e-9, atol=1e-9)


def test_equal_rows_are_at_exactly_zero_whatever_their_size():
    residual, embedding, gradient = (np.repeat(a[:1], 3, axis=0) * 1e4 for a in made(1))
    _, distance_to = joint_distances(residual, embedding, gradient)
    assert distance_to(1).tolist() == [0, 0, 0]


@given(st.integers(2, 10), st.integers(0, 99))
def test_without_the_second_term_it_is_badge(n, seed):
    residual, embedding, gradient = made(n, seed)
    for balance, second in ((0.0, gradient), (0.5, np.zeros_like(gradient))):
        ours = eg_badge(residual, embedding, second, n, np.random.default_rng(3), balance=balance)
        theirs = badge(residual, embedding, n, np.random.default_rng(3))
        assert ours.tolist() == theirs.tolist()


def test_a_certain_image_looked_at_wrongly_is_drawn_as_its_gradient_says():
    residual, embedding = np.zeros((6, 2)), np.tile([0.0, 1.0, 1.0], (6, 1))
    residual[0] = [-0.5, 0.5]
    gradient = np.zeros((6, 3))
    gradient[4] = [0.5, 0, 0]
    # Both terms have the same mean length, so the two are equally long and at right angles; the
    # first of equals is taken, and then 4 lies twice as far, squared, as the four at the origin.
    second = [
        eg_badge(residual, embedding, gradient, 2, np.random.default_rng(s))[1] for s in range(900)
    ]
    assert np.mean(np.array(second) == 4) == pytest.approx(2 / 6, abs=0.05)


def test_the_balance_decides_which_term_is_drawn_first():
    residual, embedding, gradient = made(40, 1)
    residual[7] *= 50
    gradient[9] *= 50
    first = {
        balance: eg_badge(
            residual, embedding, gradient, 1, np.random.default_rng(0), balance=balance
        )[0]
        for balance in (0.01, 0.99)
    }
    assert first == {0.01: 7, 0.99: 9}


@pytest.mark.parametrize("balance", [-0.1, 1.1])
def test_a_balance_is_a_share(balance):
    with pytest.raises(SpecError, match=r"`balance` of eg_badge must lie in \[0, 1\]"):
        eg_badge(*made(3), 1, np.random.default_rng(0), balance=balance)
