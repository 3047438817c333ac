"""Laws of PCDAL: what views cannot sway scores nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.acquire import acquire
from foveal.acquire.strategies.pcdal import pcdal
from foveal.core.chance import generator
from foveal.core.errors import EvidenceError
from foveal.core.evidence import Evidence
from generators import draws_of_probabilities

views = st.tuples(st.integers(1, 12), st.integers(2, 4)).flatmap(
    lambda shape: draws_of_probabilities(*shape)
)


def flips(images):
    return [images, images[:, ::-1], images[:, :, ::-1], images[:, ::-1, ::-1]]


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_a_model_that_flips_cannot_sway_scores_nothing():
    rng = generator(0, "images")
    images, head = rng.integers(0, 256, (9, 6, 6)), rng.normal(size=(2, 3))

    def equivariant(x):  # pools whatever it finds, wherever it is
        return softmax(np.stack([x.sum((1, 2)), x.max((1, 2))], axis=1) / 5000 @ head)

    def handed(x):  # looks at the left half only
        return softmax(np.stack([x[:, :, :3].sum((1, 2)), x.max((1, 2))], axis=1) / 5000 @ head)

    assert (pcdal(np.stack([equivariant(x) for x in flips(images)])) == 0).all()
    assert (pcdal(np.stack([handed(x) for x in flips(images)])) > 0).all()


@given(views)
def test_it_is_the_variance_over_views_averaged_over_classes(view_probs):
    score = pcdal(view_probs)
    np.testing.assert_allclose(score, view_probs.var(axis=0).mean(axis=1), atol=1e-15)
    assert (score >= 0).all()
    assert (score <= 0.25).all()
    np.testing.assert_allclose(pcdal(view_probs[::-1]), score, atol=1e-15)


def test_by_hand_and_in_the_right_direction():
    swayed, firm = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.9, 0.1]]
    view_probs = np.array([firm, swayed]).transpose(1, 0, 2)
    assert pcdal(view_probs) == pytest.approx([0, 0.25])
    query = acquire(Evidence(("firm", "swayed"), {"view_probs": view_probs}), "pcdal", 1)
    assert query.ids == ("swayed",)
    assert "change by 0.50 from view to view" in query.why[0]


def test_one_view_is_refused():
    with pytest.raises(EvidenceError, match=r"at least 2 views, but holds 1; set `acquire\.views"):
        pcdal(np.full((1, 3, 2), 0.5))
