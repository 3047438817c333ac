"""Agreement of map and region: 1 where they are the same, 0 where they have nothing in common."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveal.core.errors import UnknownName
from foveal.explain import MEASURES, agreement
from foveal.explain.alignment import dice, iou, soft_dice

every_measure = pytest.mark.parametrize("name", sorted(MEASURES))
SIDE = 4

unit = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1, width=32, allow_subnormal=False)
maps = arrays("float32", (3, SIDE, SIDE), elements=unit).map(torch.from_numpy)
masks = arrays("float32", (3, SIDE, SIDE), elements=st.sampled_from([0.0, 1.0])).map(
    torch.from_numpy
)
some_mask = masks.filter(lambda m: bool((m.flatten(1).sum(1) > 0).all()))
part_mask = some_mask.filter(lambda m: bool((m.flatten(1).sum(1) < SIDE * SIDE).all()))


@every_measure
@given(region=some_mask)
def test_a_map_that_is_the_region_agrees_fully(name, region):
    assert (MEASURES[name](region, region) == 1).all()


@every_measure
@given(region=part_mask)
def test_a_map_beside_the_region_does_not_agree_at_all(name, region):
    assert (MEASURES[name](1 - region, region) == 0).all()


@every_measure
@given(cam=maps, region=maps)
def test_agreement_is_a_share(name, cam, region):
    value = MEASURES[name](cam, region)
    assert value.shape == (3,)
    assert torch.isfinite(value).all()
    assert ((value >= 0) & (value <= 1)).all()


@every_measure
@given(cam=maps, region=masks, order=st.permutations(range(SIDE * SIDE)))
def test_only_which_pixel_meets_which_matters(name, cam, region, order):
    moved = [t.flatten(1)[:, list(order)].view_as(t) for t in (cam, region)]
    torch.testing.assert_close(
        MEASURES[name](*moved), MEASURES[name](cam, region), rtol=1e-5, atol=1e-6
    )


@every_measure
@given(cam=maps, region=masks)
def test_samples_do_not_see_each_other(name, cam, region):
    together = MEASURES[name](cam, region)
    alone = torch.cat([MEASURES[name](cam[i : i + 1], region[i : i + 1]) for i in (2, 0, 1)])
    torch.testing.assert_close(together[[2, 0, 1]], alone)


@every_measure
@given(other=maps)
def test_an_empty_map_or_region_agrees_with_nothing(name, other):
    nothing = torch.zeros_like(other)
    assert (MEASURES[name](nothing, other) == 0).all()
    assert (MEASURES[name](other, nothing) == 0).all()


@every_measure
@given(cam=maps, region=some_mask)
def test_volumes_are_measured_like_images(name, cam, region):
    deep = MEASURES[name](cam.view(3, 2, 2, SIDE), region.view(3, 2, 2, SIDE))
    torch.testing.assert_close(deep, MEASURES[name](cam, region), rtol=1e-5, atol=1e-6)


CAM = torch.tensor([[[1.0, 0.5, 0.25, 0.0]]])
REGION = torch.tensor([[[0.0, 1.0, 1.0, 0.0]]])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("soft_dice", 2 * 0.75 / (1.75 + 2)),
        ("dice", 2 * 1 / (2 + 2)),
        ("iou", 1 / 3),
        ("energy_inside", 0.75 / 1.75),
        ("pointing_game", 0.0),
        ("relevance", 1 / 2),
    ],
)
def test_by_hand(name, value):
    assert float(MEASURES[name](CAM, REGION)) == pytest.approx(value)


@pytest.mark.parametrize(("threshold", "hot"), [(0.2, 3), (0.6, 1)])
def test_the_threshold_decides_what_is_hot(threshold, hot):
    inside = hot - 1
    assert float(dice(CAM, REGION, threshold)) == pytest.approx(2 * inside / (hot + 2))
    assert float(iou(CAM, REGION, threshold)) == pytest.approx(inside / (hot + 2 - inside))


def test_dice_and_iou_tell_the_same():
    overlap = iou(CAM, REGION)
    torch.testing.assert_close(dice(CAM, REGION), 2 * overlap / (1 + overlap))


def test_of_equally_high_peaks_the_share_inside_counts():
    cam = torch.tensor([[[1.0, 1.0, 1.0, 0.0]]])
    assert float(MEASURES["pointing_game"](cam, REGION)) == pytest.approx(2 / 3)


def test_ties_resolve_against_the_map():
    flat_map = torch.full((1, 1, 4), 0.5)
    assert float(MEASURES["relevance"](flat_map, REGION)) == 0


def test_a_diffuse_map_over_a_small_region_scores_near_zero_however_well_it_is_placed():
    region = torch.zeros(1, 32, 32)
    region[:, 10:12, 10:12] = 1
    diffuse = torch.full((1, 32, 32), 0.5) + 0.5 * region
    assert float(soft_dice(diffuse, region)) < 0.05
    assert float(MEASURES["relevance"](diffuse, region)) == 1


def test_soft_dice_can_be_trained_through():
    cam = CAM.clone().requires_grad_()
    (grad,) = torch.autograd.grad(soft_dice(cam, REGION).sum(), cam)
    assert (grad[REGION == 1] > 0).all()
    assert (grad[REGION == 0] < 0).all()


def test_a_misspelt_measure_is_heard():
    with pytest.raises(UnknownName, match="Did you mean 'soft_dice'"):
        agreement("softdice")


@every_measure
def test_measures_are_found_by_name(name):
    assert agreement(name) is MEASURES[name]
