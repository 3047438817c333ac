"""Evidence does not depend on how the pool is streamed, and holds what was asked for."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_toys import CHANNELS, CLASSES, SIDE, Memory, learner, network, planted, tiny_backbone

from foveal.core.errors import EvidenceError, UnknownName
from foveal.core.spec import ModelSpec
from foveal.explain import MEASURES
from foveal.models import (
    GivenRegions,
    Learner,
    Pass,
    expected_regions,
    head_evidence,
    look,
    maps,
    predict,
)
from foveal.models.network import Network
from foveal.models.predict import KNOWN
from foveal.models.regions import AtlasRegions, PredictedRegions, RegionHead

N = 9
IDS = tuple(f"s{i}" for i in range(N))
ROWS = np.arange(N)
NEEDS = ("probs", "embedding", "misalignment", "region_size")


@pytest.fixture(scope="module")
def inputs():
    return planted(N, seed=3)[0]


@pytest.fixture(scope="module")
def regions():
    return planted(N, seed=3)[1].regions


@pytest.fixture(params=["linear", "prototype"], scope="module")
def one(request):
    return learner(request.param)


def given_regions(array):
    return GivenRegions(lambda rows: array[rows])


def by_hand(one, inputs):
    """Predicted class's normalized maps of all samples at once."""
    with torch.no_grad():
        out = one.network(torch.from_numpy(inputs.array))
        cam = one.network.cam(out, out.logits.argmax(1))
        low, high = cam.amin((1, 2), keepdim=True), cam.amax((1, 2), keepdim=True)
    return out, torch.where(high > low, (cam - low) / (high - low), 0)


@pytest.mark.parametrize("measure", sorted(MEASURES))
def test_evidence_is_what_the_network_says(one, inputs, regions, measure):
    out, cams = by_hand(one, inputs)
    evidence = predict(one, inputs, ROWS, IDS, NEEDS, given_regions(regions), measure)
    want = 1 - MEASURES[measure](cams, torch.from_numpy(regions))
    assert evidence.ids == IDS
    assert evidence.fingerprint == one.fingerprint()
    np.testing.assert_allclose(evidence.arrays["probs"], out.logits.softmax(1), atol=1e-5)
    np.testing.assert_allclose(evidence.arrays["embedding"], out.embedding, atol=1e-5)
    np.testing.assert_allclose(evidence.arrays["misalignment"], want, atol=1e-4)
    np.testing.assert_allclose(evidence.arrays["region_size"], regions.mean((1, 2)), atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_batches_do_not_matter(one, inputs, regions, batch_size):
    whole, parts = (
        predict(one, inputs, ROWS, IDS, NEEDS, given_regions(regions), how=Pass(b))
        for b in (N, batch_size)
    )
    for name in NEEDS:
        np.testing.assert_allclose(parts.arrays[name], whole.arrays[name], atol=1e-5)


@given(st.permutations(range(N)))
def test_the_order_of_rows_does_not_matter(order):
    inputs, lessons = planted(N, seed=3)
    one, order = learner(), np.array(order)
    expected = given_regions(lessons.regions)
    plain = predict(one, inputs, ROWS, IDS, NEEDS, expected, how=Pass(4))
    ids = tuple(IDS[i] for i in order)
    moved = predict(one, inputs, order, ids, NEEDS, expected, how=Pass(4))
    assert moved.ids == ids
    for name in NEEDS:
        np.testing.assert_allclose(moved.arrays[name], plain.arrays[name][order], atol=1e-5)


@pytest.mark.parametrize("n", [40, 400])
def test_never_more_than_a_batch_is_read_at_once(n):
    inputs = Memory(np.zeros((40, CHANNELS, SIDE, SIDE)))
    rows = np.arange(n) % 40
    asked = []

    def lookup(rows):
        asked.append(len(rows))
        return np.ones((len(rows), SIDE, SIDE), np.float32)

    ids = tuple(map(str, range(n)))
    predict(learner(), inputs, rows, ids, NEEDS, GivenRegions(lookup), how=Pass(16))
    assert max(map(len, inputs.reads)) == max(asked) == 16
    assert sum(map(len, inputs.reads)) == sum(asked) == n


@pytest.mark.parametrize("needs", [(), ("probs",), ("embedding", "probs")])
def test_what_nobody_asked_for_is_not_there(one, inputs, regions, needs):
    evidence = predict(one, inputs, ROWS, IDS, needs, given_regions(regions))
    assert set(evidence.arrays) == set(needs)


def test_a_need_that_nobody_fills_is_an_error(one, inputs):
    with pytest.raises(EvidenceError, match="view_variance"):
        predict(one, inputs, ROWS, IDS, ("probs", "view_variance"))
    assert set(NEEDS) < KNOWN


def test_a_measure_that_nobody_knows_is_an_error(one, inputs):
    with pytest.raises(UnknownName, match="Did you mean 'soft_dice'"):
        predict(one, inputs, ROWS, IDS, ("probs",), measure="soft_dce")


def test_without_expected_regions_there_is_no_misalignment(one, inputs):
    assert set(predict(one, inputs, ROWS, IDS, NEEDS).arrays) == {"probs", "embedding"}


def test_where_nothing_is_expected_the_median_of_the_others_stands(one, inputs, regions):
    partly = regions.copy()
    partly[[1, 4]] = 0
    partly[7] = np.nan
    full = predict(one, inputs, ROWS, IDS, NEEDS, given_regions(regions))
    evidence = predict(one, inputs, ROWS, IDS, NEEDS, given_regions(partly))
    others = np.setdiff1d(ROWS, [1, 4, 7])
    found, before = evidence.arrays["misalignment"], full.arrays["misalignment"]
    np.testing.assert_allclose(found[others], before[others])
    np.testing.assert_allclose(found[[1, 4, 7]], np.median(before[others]))
    assert (evidence.arrays["region_size"][[1, 4, 7]] == 0).all()


@pytest.mark.parametrize("nothing", [0.0, np.nan])
def test_where_nothing_is_expected_anywhere_it_is_one_half(one, inputs, regions, nothing):
    empty = given_regions(np.full_like(regions, nothing))
    assert (predict(one, inputs, ROWS, IDS, NEEDS, empty).arrays["misalignment"] == 0.5).all()


def test_the_smallest_given_region_is_something_to_look_at(one, inputs):
    speck = np.zeros((N, 128, 128), np.float32)
    speck[:, 60, 60] = 1
    evidence = predict(one, inputs, ROWS, IDS, NEEDS, given_regions(speck))
    _, cams = by_hand(one, inputs)
    size = SIDE * SIDE / 128**2
    want = 1 - 2 * cams[:, 3, 3] * size / (cams.sum((1, 2)) + size)
    np.testing.assert_allclose(evidence.arrays["misalignment"], want, atol=1e-4)


def test_a_map_that_points_nowhere_is_misaligned_most(inputs, regions):
    one = learner()
    with torch.no_grad():
        one.network.adapter.weight.zero_()
        one.network.adapter.bias.fill_(-1)
    evidence = predict(one, inputs, ROWS, IDS, NEEDS, given_regions(regions))
    assert (evidence.arrays["misalignment"] == 1).all()


@pytest.mark.parametrize("measure", sorted(MEASURES))
@given(seed=st.integers(0, 999))
def test_misalignment_is_a_share(measure, seed):
    regions = np.random.default_rng(seed).random((N, 16, 16), np.float32)
    inputs = planted(N, seed)[0]
    evidence = predict(learner(), inputs, ROWS, IDS, NEEDS, given_regions(regions), measure)
    found = evidence.arrays["misalignment"]
    assert ((found >= 0) & (found <= 1)).all()


def test_nobody_left_gives_evidence_of_nobody(one, inputs, regions):
    evidence = predict(one, inputs, ROWS[:0], (), NEEDS, given_regions(regions))
    assert len(evidence) == 0


def test_progress_is_told(one, inputs):
    told = []
    predict(one, inputs, ROWS, IDS, ("probs",), how=Pass(4, progress=lambda *at: told.append(at)))
    assert told == [(4, N), (8, N), (9, N)]


@pytest.mark.parametrize(("precision", "dtype"), [("32", torch.float32), ("bf16", torch.bfloat16)])
def test_images_are_seen_in_the_precision_asked_for(precision, dtype):
    torch.manual_seed(0)
    full = Learner(Network(ModelSpec(mode="full", adapter=8), 4, 2, tiny_backbone()), CLASSES)
    seen = []
    full.network.backbone.trunk[0].register_forward_hook(lambda *a: seen.append(a[-1].dtype))
    images = Memory(np.random.default_rng(0).random((3, 1, 64, 64)))
    evidence = predict(
        full, images, np.arange(3), IDS[:3], ("probs",), how=Pass(precision=precision)
    )
    assert seen == [dtype]
    assert evidence.arrays["probs"].dtype == np.float32


def test_cached_features_are_always_read_in_full(inputs):
    one = learner()
    half, full = (
        predict(one, inputs, ROWS, IDS, ("probs",), how=Pass(precision=p)) for p in ("bf16", "32")
    )
    np.testing.assert_array_equal(half.arrays["probs"], full.arrays["probs"])


def test_a_learner_expects_what_it_has_learned():
    net, atlas, head = network(), torch.rand(2, SIDE, SIDE), RegionHead(CHANNELS)
    assert expected_regions(Learner(net, CLASSES)) is None
    assert isinstance(expected_regions(Learner(net, CLASSES, atlas=atlas)), AtlasRegions)
    assert isinstance(expected_regions(Learner(net, CLASSES, head)), PredictedRegions)


@pytest.mark.parametrize("size", [(16, 16), (24, 20)])
def test_maps_lie_on_the_grid_of_the_image(one, inputs, regions, size):
    cams, expected = maps(one, inputs, ROWS[:5], size, given_regions(regions), Pass(2))
    assert cams.shape == expected.shape == (5, *size)
    for found in (cams, expected):
        assert found.min() >= 0
        assert found.max() <= 1
    again, none = maps(one, inputs, ROWS[:5], size)
    np.testing.assert_allclose(again, cams, atol=1e-5)
    assert none is None


def test_maps_on_their_own_grid_are_the_maps(one, inputs, regions):
    cams, expected = maps(one, inputs, ROWS, (SIDE, SIDE), given_regions(regions))
    np.testing.assert_allclose(cams, by_hand(one, inputs)[1], atol=1e-5)
    np.testing.assert_allclose(expected, regions, atol=1e-6)


def test_looking_is_measured_where_there_is_something_to_hit(one, inputs, regions):
    references = regions.copy()
    references[2] = 0
    references[5] = np.nan
    seen = look(one, inputs, ROWS, lambda rows: references[rows], sorted(MEASURES), Pass(4))
    assert set(seen) == set(MEASURES)
    _, cams = by_hand(one, inputs)
    known = np.setdiff1d(ROWS, [2, 5])
    for name, values in seen.items():
        assert np.isnan(values[[2, 5]]).all()
        want = MEASURES[name](cams, torch.from_numpy(regions))
        np.testing.assert_allclose(values[known], want[known], atol=1e-4)


def test_looking_happens_on_the_grid_of_the_reference(one, inputs, regions):
    fine = regions.repeat(4, 1).repeat(4, 2)
    cams, _ = maps(one, inputs, ROWS, (4 * SIDE, 4 * SIDE))
    seen = look(one, inputs, ROWS, lambda rows: fine[rows], ("energy_inside",))
    want = MEASURES["energy_inside"](torch.from_numpy(cams), torch.from_numpy(fine))
    np.testing.assert_allclose(seen["energy_inside"], want, atol=1e-4)


def test_the_network_is_left_in_eval_mode(inputs):
    one = learner()
    one.network.train()
    predict(one, inputs, ROWS, IDS, ("probs",))
    assert not one.network.training


def test_the_last_layer_turns_embeddings_into_logits(inputs):
    one = learner(dropout=0.5)
    one.network.train()
    head = head_evidence(one)
    evidence = predict(one, inputs, ROWS, IDS, ("probs", "embedding"))
    logits = evidence.arrays["embedding"] @ head.arrays["weight"].T + head.arrays["bias"]
    assert head.ids == CLASSES
    assert head.fingerprint == evidence.fingerprint
    np.testing.assert_allclose(logits, by_hand(one, inputs)[0].logits, atol=1e-5)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(evidence.arrays["probs"], shares, atol=1e-5)


def test_the_head_handed_out_is_a_copy():
    one = learner()
    weight = head_evidence(one).arrays["weight"]
    kept = weight.copy()
    with torch.no_grad():
        one.network.head.linear.weight.zero_()
    np.testing.assert_array_equal(weight, kept)


def test_prototypes_have_no_last_layer():
    with pytest.raises(EvidenceError, match=r"`model\.head: linear`"):
        head_evidence(learner("prototype"))


def ensemble(head="linear", **spec):
    members = [learner(head, seed=s, **spec).network for s in range(3)]
    return Learner(members[0], CLASSES, others=tuple(members[1:]))


@pytest.mark.parametrize("head", ["linear", "prototype"])
def test_an_ensemble_says_the_mean_and_its_members_are_draws(head, inputs, regions):
    one, expected = ensemble(head), given_regions(regions)
    found = predict(one, inputs, ROWS, IDS, (*NEEDS, "mc_probs"), expected).arrays
    alone = [
        predict(Learner(n, CLASSES), inputs, ROWS, IDS, NEEDS, expected).arrays for n in one.members
    ]
    probs = np.stack([a["probs"] for a in alone])
    np.testing.assert_allclose(found["mc_probs"], probs, atol=1e-6)
    np.testing.assert_allclose(found["probs"], probs.mean(0), atol=1e-6)
    np.testing.assert_array_equal(found["embedding"], alone[0]["embedding"])


def test_the_map_of_an_ensemble_is_the_first_members_for_the_class_that_all_agree_on(inputs):
    one = ensemble()
    with torch.no_grad():  # the first is undecided and is outvoted on some
        one.network.head.linear.bias.zero_()
        gap = np.subtract(*by_hand(one, inputs)[0].logits.T.numpy())
        one.network.head.linear.bias[1] = float(np.median(gap))
    found = predict(one, inputs, ROWS, IDS, ("probs",)).arrays["probs"].argmax(1)
    first = by_hand(one, inputs)[0]
    assert (first.logits.argmax(1).numpy() != found).any()  # or this test would see nothing
    cam = one.network.cam(first, torch.from_numpy(found)).detach()
    low, high = cam.amin((1, 2), keepdim=True), cam.amax((1, 2), keepdim=True)
    want = torch.where(high > low, (cam - low) / (high - low), 0)
    np.testing.assert_allclose(maps(one, inputs, ROWS, (SIDE, SIDE))[0], want, atol=1e-5)


def test_members_with_dropout_draw_in_turn(inputs):
    one = ensemble(dropout=1e-6)
    found = predict(one, inputs, ROWS, IDS, ("mc_probs",), draws=4).arrays["mc_probs"]
    members = predict(ensemble(), inputs, ROWS, IDS, ("mc_probs",)).arrays["mc_probs"]
    np.testing.assert_allclose(found, members.repeat(4, axis=0), atol=1e-4)


def test_every_member_sees_images_in_eval_mode_and_a_batch_is_read_once(inputs):
    one, toy = ensemble(dropout=0.5), Memory(inputs.array)
    for member in one.members:
        member.train()
    probs = predict(one, toy, ROWS, IDS, ("probs",), how=Pass(4)).arrays["probs"]
    np.testing.assert_array_equal(
        probs, predict(one, toy, ROWS, IDS, ("probs",), how=Pass(4)).arrays["probs"]
    )
    assert toy.reads == 2 * [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
