"""Evidence of a segmenter: what each column says, and that streaming changes none of it."""

import math
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_toys import Memory
from scipy.special import entr
from segment_toys import SMALL, discs, pictures, segmenter, trained, unet

from foveal.core.chance import integer_seed
from foveal.core.errors import EvidenceError
from foveal.core.spec import ViewSpec
from foveal.models import Pass
from foveal.models.segment import (
    Segmenter,
    fills,
    pixel_probs_on_grid,
    pixel_views,
    predict_pixels,
    segment_evidence,
    stream,
)
from foveal.models.segment.fills import FILLS
from foveal.models.segment.network import keep_draws

N = 7
ROWS, IDS = np.arange(N), tuple(f"s{i}" for i in range(N))
SPEC = SMALL.model_copy(update={"top_share": 0.05})
LN2 = math.log(2)
DRAWN = {"pixel_bald", "released_bald"}
ALL = sorted(FILLS)
VIEWS = pixel_views(ViewSpec())


def evidence(one, inputs, needs, rows=ROWS, ids=None, batch_size=3, **changes):
    arguments = {"draws": 3, "views": VIEWS, "labeled_rows": np.array([1, 4]), **changes}
    how = Pass(batch_size, "32")
    ids = ids or tuple(f"s{i}" for i in rows)
    return segment_evidence(one, inputs, rows, ids, needs, SPEC, how, **arguments)


def probs_of(one, inputs, rows=ROWS):
    return np.concatenate([p for _, p in predict_pixels(one, inputs, rows, Pass(4, "32"))])


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("members", [1, 2])
def test_columns_are_what_their_formulas_say(dimensions, members):
    one = segmenter(members, channels=3, dimensions=dimensions)
    inputs = pictures(N, 3, 12 if dimensions == 2 else 8, dimensions)
    needs = set(ALL) - (DRAWN if members == 1 else set()) - {"baseline_information"}
    found = evidence(one, inputs, needs).arrays
    p = probs_of(one, inputs).astype(float).reshape(N, -1)
    entropy = entr(p) + entr(1 - p)
    top = max(1, math.ceil(SPEC.top_share * p.shape[1]))
    d = 2 * inputs.array[:, 2].reshape(N, -1) - 1
    near, target = np.abs(p - 0.5) <= SPEC.band, p >= SPEC.target
    want = {
        "region_size": (p >= 0.5).mean(1),
        "pixel_entropy": entropy.mean(1),
        "pixel_entropy_top": np.sort(entropy, 1)[:, -top:].mean(1),
        "pixel_entropy_target": (entropy * target).sum(1) / np.maximum(target.sum(1), 1),
        "pixel_entropy_boundary": (entropy * near).sum(1) / np.maximum(near.sum(1), 1),
        "boundary_share": near.mean(1),
        "pixel_confidence": np.maximum(p, 1 - p).mean(1),
        "pixel_margin": np.abs(2 * p - 1).mean(1),
        "difference_entropy": (entropy * np.abs(d) / np.abs(d).max(1, keepdims=True)).mean(1),
        "difference_energy": np.abs(d).mean(1),
        "released_entropy": entr(p).sum(1),
        "released_confidence": p.sum(1),
    }
    for name, values in want.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(found["probs"][:, 1], np.sort(p, 1)[:, -top:].mean(1), atol=1e-6)
    with torch.no_grad():
        embedding = one.network(torch.from_numpy(inputs.array)).embedding
    np.testing.assert_allclose(found["embedding"], embedding, atol=1e-4)
    assert found["embedding"].shape == (N, SMALL.widths[-1])


@pytest.mark.parametrize("members", [1, 2])
def test_neither_batches_nor_order_matter(members):
    one, inputs = segmenter(members, channels=3, dropout=0.3), pictures(N, 3)
    whole = evidence(one, inputs, ALL, batch_size=N)
    assert set(whole.arrays) == set(ALL)
    assert whole.fingerprint == one.fingerprint()
    for batch_size in (1, 4):
        parts = evidence(one, inputs, ALL, batch_size=batch_size)
        for name in ALL:
            got, want = parts.arrays[name], whole.arrays[name]
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, err_msg=name)
    order = np.array([3, 0, 6, 5])
    moved = evidence(one, inputs, ALL, order)
    assert moved.ids == tuple(IDS[i] for i in order)
    for name in ALL:
        got, want = moved.arrays[name], whole.arrays[name][order]
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, err_msg=name)


@given(st.sets(st.sampled_from(ALL), max_size=4))
def test_what_nobody_asked_for_is_not_there(needs):
    one = segmenter(channels=3, dropout=0.3)
    found = evidence(one, pictures(2, 3, 8), needs, np.arange(2), labeled_rows=np.arange(1))
    assert set(found.arrays) == needs
    assert len(found) == 2


def test_a_need_that_nobody_fills_is_an_error():
    with pytest.raises(EvidenceError, match="misalignment"):
        evidence(segmenter(), pictures(N), {"misalignment"})


@pytest.mark.parametrize("n", [12, 32])
def test_no_pixel_outlives_its_batch(n, monkeypatch):
    """However many samples there are: 4 are read at a time, and no batch is kept beside the next.

    Evidence itself has one number for each sample, or one row.
    """
    alive, most, blocks = weakref.WeakSet(), [0], []
    plain = stream.Seen.__init__

    def count(self, *arguments, **named):
        plain(self, *arguments, **named)
        alive.add(self)
        most[0] = max(most[0], len(alive))
        blocks.append(self.images.shape[0])

    monkeypatch.setattr(stream.Seen, "__init__", count)
    inputs = Memory(np.random.default_rng(0).random((12, 3, 8, 8)))
    ids = tuple(map(str, range(n)))
    one = segmenter(2, channels=3, dropout=0.3)
    found = evidence(one, inputs, ALL, np.arange(n) % 12, ids, 4)
    assert max(map(len, inputs.reads)) == max(blocks) == 4
    # The last batch, the one being read, and the one a view is seen in.
    assert most[0] <= 3
    for name, array in found.arrays.items():
        columns = {"probs": 2, "embedding": SMALL.widths[-1]}.get(name, 1)
        assert array.size == n * columns


@pytest.mark.parametrize("members", [1, 2])
def test_bald_is_what_its_draws_say(members):
    one, inputs = segmenter(members, dropout=0.4), pictures(N)
    found = evidence(one, inputs, DRAWN, draws=4).arrays
    seed, draws = int(one.fingerprint(), 16), []
    with torch.no_grad():
        for i, network in enumerate(one.members):
            levels = network.encode(torch.from_numpy(inputs.array))
            for keep in keep_draws(network, 4, integer_seed(seed, "dropout draws", i)):
                draws.append(network.decode(levels, keep).double().sigmoid().numpy())
    p, q = np.stack(draws), np.mean(draws, 0)
    full = entr(q) + entr(1 - q) - (entr(p) + entr(1 - p)).mean(0)
    np.testing.assert_allclose(found["pixel_bald"], full.mean((1, 2)), rtol=1e-3, atol=1e-5)
    half = (entr(q) - entr(p).mean(0)).sum((1, 2))
    np.testing.assert_allclose(found["released_bald"], half, rtol=1e-3, atol=1e-3)
    assert (found["pixel_bald"] > 1e-4).all()
    assert (found["pixel_bald"] <= LN2).all()
    again = evidence(one, inputs, DRAWN, draws=4).arrays
    np.testing.assert_array_equal(again["pixel_bald"], found["pixel_bald"])


def test_bald_is_nothing_where_all_agree(monkeypatch):
    inputs = pictures(N)
    twins = Segmenter((unet(), unet()))
    assert (evidence(twins, inputs, {"pixel_bald"}).arrays["pixel_bald"] < 1e-6).all()
    several = evidence(segmenter(2), inputs, {"pixel_bald"}).arrays["pixel_bald"]
    assert (several > 1e-4).all()
    one = segmenter(dropout=0.4)
    ones = [[torch.ones(8), torch.ones(6)]] * 3
    monkeypatch.setattr(fills, "keep_draws", lambda *_: ones)
    assert (evidence(one, inputs, {"pixel_bald"}).arrays["pixel_bald"] < 1e-6).all()


def test_confident_opposites_disagree_by_ln_2():
    pair = Segmenter((unet(), unet()))
    with torch.no_grad():
        for network, side in zip(pair.members, (-50, 50), strict=True):
            network.final.weight.zero_()
            network.final.bias.fill_(side)
    found = evidence(pair, pictures(N), {"pixel_bald", "pixel_entropy"}).arrays
    np.testing.assert_allclose(found["pixel_bald"], LN2, rtol=1e-5)
    np.testing.assert_allclose(found["pixel_entropy"], LN2, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "draws", "remedy"),
    [({}, 20, r"model\.dropout"), ({"dropout": 0.3}, 1, "20 is usual")],
)
@pytest.mark.parametrize("need", sorted(DRAWN))
def test_one_draw_is_refused_before_anything_is_read(settings, draws, remedy, need):
    inputs = pictures(N)
    with pytest.raises(EvidenceError, match=remedy):
        evidence(segmenter(**settings), inputs, {need}, draws=draws)
    assert inputs.reads == []


def symmetric(network):
    """The same network with every kernel made equal to its mirror images."""
    with torch.no_grad():
        for p in network.parameters():
            if p.ndim > 3:
                for axis in range(2, p.ndim):
                    p.copy_((p + p.flip(axis)) / 2)
    return network


@pytest.mark.parametrize("dimensions", [2, 3])
def test_views_of_an_equivariant_network_agree(dimensions):
    inputs = pictures(N, 1, 16 if dimensions == 2 else 8, dimensions)
    plain = Segmenter((unet(dimensions=dimensions),))
    same = Segmenter((symmetric(unet(dimensions=dimensions)),))
    need = {"pixel_view_variance"}
    assert (evidence(plain, inputs, need).arrays["pixel_view_variance"] > 1e-4).all()
    assert (evidence(same, inputs, need).arrays["pixel_view_variance"] < 1e-8).all()


@pytest.mark.parametrize("members", [1, 2])
def test_view_variance_by_hand(members):
    one, inputs = segmenter(members), pictures(N)
    seen = [probs_of(one, inputs)]
    for axes in ((2,), (1,), (1, 2)):
        flipped = Memory(np.flip(inputs.array, tuple(a + 1 for a in axes)).copy())
        seen.append(np.flip(probs_of(one, flipped), axes))
    both = np.stack([np.stack(seen), 1 - np.stack(seen)])
    want = ((both - both.mean(1, keepdims=True)) ** 2).mean((0, 1, 3, 4))
    found = evidence(one, inputs, {"pixel_view_variance"}).arrays["pixel_view_variance"]
    np.testing.assert_allclose(found, want, rtol=1e-3)


def test_noisy_views_and_none():
    one, inputs = segmenter(), pictures(N)
    noise = [pixel_views(ViewSpec(kind="noise", noise=size, views=3)) for size in (1e-6, 0.02, 0.2)]
    low, middle, high = (
        evidence(one, inputs, {"pixel_view_variance"}, views=v).arrays["pixel_view_variance"]
        for v in noise
    )
    assert (low < 1e-6).all()
    assert low.mean() < middle.mean() < high.mean()
    with pytest.raises(EvidenceError, match="pixel_views"):
        evidence(one, inputs, {"pixel_view_variance"}, views=())


@pytest.mark.parametrize("need", ["difference_entropy", "difference_energy"])
def test_differences_need_three_channels(need):
    with pytest.raises(EvidenceError, match="three channels"):
        evidence(segmenter(), pictures(N), {need})


def test_what_did_not_change_has_no_difference():
    inputs = pictures(N, 3)
    inputs.array[2, 2] = 0.5
    names = {"difference_entropy", "difference_energy"}
    found = evidence(segmenter(channels=3), inputs, names).arrays
    for values in found.values():
        assert values[2] == 0
        assert (np.delete(values, 2) > 0).all()


@pytest.mark.parametrize("need", ["baseline_cosine", "baseline_information"])
@pytest.mark.parametrize("rows", [None, np.arange(0)])
def test_likeness_needs_somebody_to_be_like(need, rows):
    with pytest.raises(EvidenceError, match="labeled_rows"):
        evidence(segmenter(), pictures(N), {need}, labeled_rows=rows)


def test_a_labeled_twin_is_most_alike():
    inputs = pictures(N)
    inputs.array[5] = inputs.array[1]
    needs = {"baseline_cosine", "baseline_information"}
    found = evidence(segmenter(), inputs, needs, labeled_rows=np.array([1])).arrays
    for values in found.values():
        assert set(np.argsort(values)[-2:]) == {1, 5}
    np.testing.assert_allclose(found["baseline_cosine"][5], 1, rtol=1e-5)


def test_probs_tell_who_shows_something():
    found, _ = trained()
    inputs, strokes = discs(20, seed=8)
    ids = tuple(map(str, range(20)))
    shows = segment_evidence(
        found, inputs, np.arange(20), ids, {"probs", "region_size"}, SPEC
    ).arrays
    assert ((shows["probs"][:, 1] > 0.5) == strokes.shown).mean() > 0.8
    sizes = strokes.masks.mean((1, 2))[strokes.shown]
    assert np.corrcoef(shows["region_size"][strokes.shown], sizes)[0, 1] > 0.8


def test_pixels_on_another_grid():
    one, inputs = segmenter(), pictures(3)
    rows = np.array([2, 0])
    np.testing.assert_allclose(
        pixel_probs_on_grid(one, inputs, rows, (16, 16), Pass(1, "32")),
        probs_of(one, inputs, rows),
        atol=1e-5,
    )
    assert pixel_probs_on_grid(one, inputs, rows, (40, 9)).shape == (2, 40, 9)
    assert pixel_probs_on_grid(one, inputs, rows[:0], (4, 4)).shape == (0, 4, 4)


def test_between_batches_gradients_are_the_callers():
    batches = predict_pixels(segmenter(), pictures(4), np.arange(4), Pass(2, "32"))
    for rows, probs in batches:
        assert not torch.is_inference_mode_enabled()
        assert torch.is_grad_enabled()
        assert probs.shape == (len(rows), 16, 16)
