import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.data.duplicates import components, find_neighbors, near_pairs


def brute_force(thumb, above):
    flat = thumb.reshape(len(thumb), thumb[0].size if len(thumb) else 1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(flat, axis=1)
    alive = norm > 0
    flat[alive] /= norm[alive, None]
    i, j = np.nonzero(np.triu(flat @ flat.T, 1) > above)
    return set(zip(i.tolist(), j.tolist(), strict=True))


def crowd(rng, n):
    """Thumbnails around few scenes, so that correlations lie on both sides of any threshold."""
    scenes = rng.normal(size=(4, 32, 32))
    noise = rng.normal(size=(n, 32, 32)) * rng.uniform(0.02, 0.5, (n, 1, 1))
    values = scenes[rng.integers(4, size=n)] + noise
    return np.clip(128 + 40 * values, 0, 255).astype(np.uint8)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), n=st.integers(0, 60), above=st.sampled_from([0.9, 0.98]))
def test_the_search_misses_no_pair_and_invents_none(seed, n, above):
    thumb = crowd(np.random.default_rng(seed), n)
    pairs, complete = near_pairs(thumb, above)
    assert complete
    assert set(map(tuple, pairs.tolist())) == brute_force(thumb, above)


def test_the_search_is_exact_across_blocks():
    thumb = crowd(np.random.default_rng(0), 2500)[:, ::2, ::2]
    pairs, _ = near_pairs(thumb)
    assert set(map(tuple, pairs.tolist())) == brute_force(thumb, 0.98)


def test_brightness_and_contrast_do_not_matter():
    base = np.random.default_rng(0).integers(0, 120, (32, 32)).astype(np.uint8)
    pairs, _ = near_pairs(np.stack([base, base + 60, base * 2]))
    assert pairs.tolist() == [[0, 1], [0, 2], [1, 2]]


def test_images_without_contrast_match_nothing():
    pairs, complete = near_pairs(np.full((5, 32, 32), 7, np.uint8))
    assert complete
    assert not len(pairs)


def test_the_limit_is_told():
    base = np.random.default_rng(0).integers(0, 256, (32, 32)).astype(np.uint8)
    pairs, complete = near_pairs(np.stack([base] * 30), limit=10)
    assert not complete
    assert len(pairs) == 10


def test_identical_images_share_a_picture_and_unusable_ones_have_none():
    digest = np.array([[1], [2], [1], [3], [1]], np.uint8)
    thumb = crowd(np.random.default_rng(1), 5)
    found = find_neighbors(digest, thumb, np.array([0, 1, 2, 3]))
    assert found.picture[0] == found.picture[2]
    assert len({*found.picture[:4].tolist()}) == 3
    assert found.picture[4] == -1


@settings(max_examples=40, derandomize=True)
@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=12),
        )
    )
)
def test_components_are_the_closure_of_the_pairs(case):
    n, pairs = case
    label = components(n, np.array(pairs, np.int64).reshape(-1, 2))
    reach = np.eye(n, dtype=bool)
    for a, b in pairs:
        reach[a, b] = reach[b, a] = True
    for _ in range(n):
        reach = reach @ reach
    np.testing.assert_array_equal(label[:, None] == label[None, :], reach)
