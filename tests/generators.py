"""Hypothesis generators that every suite shares: awkward on purpose, with zeros and ties."""

from collections.abc import Callable, Iterable

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveal.core.evidence import Evidence

COUNTS = st.integers(1, 24)
CLASSES = st.integers(2, 5)
DRAWS = 3
FEATURES = 3


def sample_ids(n: int, prefix: str = "s") -> tuple[str, ...]:
    return tuple(f"{prefix}{i:03}" for i in range(n))


@st.composite
def probabilities(draw, n: int | None = None, classes: int | None = None):
    """(n, C) rows that sum to 1, with exact zeros, one-hot rows and repeated rows."""
    n = draw(COUNTS) if n is None else n
    classes = classes or draw(CLASSES)
    weights = draw(arrays(np.int64, (n, classes), elements=st.integers(0, 4)))
    weights[weights.sum(axis=1) == 0] = 1
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)


@st.composite
def draws_of_probabilities(draw, n: int, classes: int):
    """(T, n, C) draws."""
    return np.stack([draw(probabilities(n, classes)).astype(np.float64) for _ in range(DRAWS)])


def unit_values(n: int):
    """(n,) in [0, 1] with ties and both ends."""
    values = st.sampled_from([0.0, 0.25, 1.0]) | st.floats(0, 1, allow_subnormal=False)
    return arrays(np.float64, (n,), elements=values)


def embeddings(n: int):
    """(n, D) with repeated and zero rows."""
    return arrays(np.float32, (n, FEATURES), elements=st.integers(-3, 3).map(np.float32))


def group_names(n: int, of: str = "abcd"):
    """n names out of few."""
    return st.lists(st.sampled_from(list(of)), min_size=n, max_size=n)


def cluster_names(n: int):
    """n names of near-duplicate clusters, "" where a sample stands alone."""
    return st.lists(st.sampled_from(["", "", "x", "y"]), min_size=n, max_size=n)


def numbers(*shape: int):
    """Small whole numbers of any sign, with zeros and ties."""
    return arrays(np.float64, shape, elements=st.integers(-3, 3).map(float))


def distances(n: int):
    """(n,) positive, with zeros and ties."""
    return arrays(np.float64, (n,), elements=st.sampled_from([0.0, 0.5, 1.0, 7.25]))


# One entry for each evidence name that a strategy may need; arguments are n and C.
EVIDENCE: dict[str, Callable[[int, int], st.SearchStrategy]] = {
    "probs": probabilities,
    "mc_probs": draws_of_probabilities,
    "view_probs": draws_of_probabilities,
    "embedding": lambda n, _: embeddings(n),
    "backbone_embedding": lambda n, _: embeddings(n),
    "residual": lambda n, classes: numbers(n, classes).map(lambda r: r / 3),
    "predicted_loss": lambda n, _: numbers(n),
    "discriminator": lambda n, _: unit_values(n),
    "critic": lambda n, _: numbers(n),
    "deepfool_distance": lambda n, _: distances(n),
    "bim_distance": lambda n, _: distances(n),
    "weight": lambda n, _: unit_values(n),
    "head_weight": lambda n, _: numbers(n, FEATURES),
    "head_bias": lambda n, _: numbers(n),
    "misalignment": lambda n, _: unit_values(n),
    "region_size": lambda n, _: unit_values(n),
    "explanation_gradient": lambda n, _: numbers(n, FEATURES),
    "label": lambda n, classes: arrays(np.int64, (n,), elements=st.integers(0, classes - 1)),
}


def maker(name: str, place: str) -> Callable[[int, int], st.SearchStrategy]:
    """The generator of an array, in a set beside the pool if that differs."""
    return EVIDENCE.get(f"{place}_{name}") or EVIDENCE[name]


@st.composite
def evidence(
    draw,
    names: Iterable[str],
    n: int | None = None,
    classes: int | None = None,
    prefix: str = "s",
):
    """Evidence of n samples that holds the named arrays."""
    n = draw(COUNTS) if n is None else n
    classes = draw(CLASSES) if classes is None else classes
    held = {name: draw(maker(name, prefix)(n, classes)) for name in names}
    return Evidence(sample_ids(n, prefix), held, "model")


@st.composite
def permutations(draw, n: int):
    return np.array(draw(st.permutations(range(n))), dtype=np.int64)


@st.composite
def affines(draw: st.DrawFn, oblique: bool = True) -> np.ndarray:
    """Anisotropic grids in any of the 48 orientations, turned by up to 30 degrees if oblique."""
    spacing = draw(st.tuples(*[st.floats(0.2, 8)] * 3))
    order = draw(st.permutations(range(3)))
    signs = draw(st.tuples(*[st.sampled_from((-1.0, 1.0))] * 3))
    axes = np.eye(3)[:, order] * signs
    if oblique:
        for i, j in ((0, 1), (0, 2), (1, 2)):
            angle = draw(st.floats(-0.5, 0.5))
            turn = np.eye(3)
            turn[[i, j], [i, j]] = np.cos(angle)
            turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
            axes = turn @ axes
    matrix = np.eye(4)
    matrix[:3, :3] = axes * spacing
    matrix[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    return matrix
