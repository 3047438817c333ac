"""Expected regions: learned, averaged or given, and never more than is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_toys import CHANNELS, SIDE, network, planted

from foveal.explain.alignment import soft_dice
from foveal.models import GivenRegions
from foveal.models.network import Output
from foveal.models.regions import (
    LEAST_PEAK,
    AtlasRegions,
    PredictedRegions,
    RegionHead,
    class_atlas,
    fit_region_head,
    on_grid,
)


def output(n=3, predicted=(0, 1, 0), side=SIDE):
    features = torch.randn(n, CHANNELS, side, side, generator=torch.Generator().manual_seed(0))
    logits = torch.nn.functional.one_hot(torch.tensor(predicted), 2).float()
    return Output(logits, features.mean((2, 3)), features, features, None)


def toy(n, seed, channels=64):
    """Planted discs in more channels, each of which holds a little of everything."""
    inputs, lessons = planted(n, seed)
    mixing = torch.randn(channels, CHANNELS, generator=torch.Generator().manual_seed(0))
    features = torch.einsum("kc,nchw->nkhw", mixing, torch.from_numpy(inputs.array))
    return features, torch.from_numpy(lessons.regions)


@pytest.fixture(scope="module")
def fitted():
    return fit_region_head(*toy(48, seed=1), seed=0)


def test_a_region_head_learns_where_experts_draw(fitted):
    features, regions = toy(40, seed=2)
    with torch.inference_mode():
        found = PredictedRegions(fitted)(output()._replace(features=features), np.arange(40))
    assert soft_dice((found >= 0.5).float(), regions).mean() > 0.8
    assert soft_dice(found, regions).mean() > 0.6
    assert not fitted.training


def test_a_region_head_depends_on_its_seed_only(fitted):
    state = torch.get_rng_state()
    torch.manual_seed(99)
    again = fit_region_head(*toy(48, seed=1), seed=0)
    other = fit_region_head(*toy(48, seed=1), seed=1)
    torch.set_rng_state(state)
    first = fitted.layers[0].weight
    assert torch.equal(again.layers[0].weight, first)
    assert not torch.equal(other.layers[0].weight, first)


def test_a_region_head_gives_chance_back():
    before = torch.get_rng_state()
    fit_region_head(*toy(4, seed=1), seed=0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_a_region_head_bears_regions_that_are_empty_or_everything(fill):
    features, regions = toy(4, seed=1)
    head = fit_region_head(features, torch.full_like(regions, fill), seed=0)
    with torch.no_grad():
        assert (head(features).sigmoid().mean() - fill).abs() < 0.2


@pytest.mark.parametrize("expects", [True, False])
def test_a_prediction_that_is_sure_of_no_place_is_empty(expects):
    head = RegionHead(CHANNELS)
    with torch.no_grad():
        head.layers[2].weight.zero_()
        share = LEAST_PEAK * (1.1 if expects else 0.9)
        head.layers[2].bias.fill_(torch.logit(torch.tensor(share)))
        region = PredictedRegions(head)(output(), np.arange(3))
    assert region.shape == (3, SIDE, SIDE)
    assert bool((region > 0).all()) is expects
    assert bool((region == 0).all()) is not expects


def test_an_atlas_is_the_mean_of_each_class_and_of_all_where_it_has_none():
    regions = torch.tensor([1.0, 0.5, 0.0, 1.0]).view(4, 1, 1).expand(4, 2, 2)
    labels, bought = torch.tensor([0, 0, 1, 1]), torch.tensor([True, True, True, False])
    atlas = class_atlas(regions, labels, bought, 3)
    assert atlas.shape == (3, 2, 2)
    assert atlas[:, 0, 0].tolist() == pytest.approx([0.75, 0.0, 0.5])


def test_an_atlas_of_nothing_bought_expects_nothing():
    nothing = torch.zeros(2, dtype=torch.bool)
    assert (class_atlas(torch.ones(2, 3, 3), torch.tensor([0, 1]), nothing, 2) == 0).all()


def test_an_atlas_gives_the_region_of_the_predicted_class():
    atlas = torch.stack([torch.zeros(2, 2), torch.ones(2, 2)])
    given_ = AtlasRegions(atlas)(output(predicted=(1, 0, 1)), np.arange(3))
    assert given_[:, 0, 0].tolist() == [1, 0, 1]


def test_given_regions_are_those_of_the_rows_on_the_grid_of_the_map():
    asked = []

    def lookup(rows):
        asked.append(list(rows))
        regions = np.zeros((len(rows), 16, 16), np.float32)
        regions[0, :8] = 1
        regions[1] = np.nan
        return regions

    regions = GivenRegions(lookup)(output(), np.array([7, 3, 9]))
    assert asked == [[7, 3, 9]]
    assert regions.shape == (3, SIDE, SIDE)
    assert (regions[0, :4] == 1).all()
    assert (regions[0, 4:] == 0).all()
    assert torch.isnan(regions[1]).all()
    assert (regions[2] == 0).all()


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 99))
def test_a_coarser_grid_keeps_the_area(cells, width, seed):
    fine = torch.rand(
        2, cells * width, cells * width, generator=torch.Generator().manual_seed(seed)
    )
    coarse = on_grid(fine, (cells, cells))
    assert coarse.shape == (2, cells, cells)
    torch.testing.assert_close(coarse.mean((1, 2)), fine.mean((1, 2)))
    assert coarse.max() <= fine.max() + 1e-6


def test_predicted_regions_of_a_network_lie_on_its_grid(fitted):
    features, _ = toy(2, seed=3)
    with torch.no_grad():
        out = network(channels=64)(features)
        region = PredictedRegions(fitted)(out, np.arange(2))
    assert region.shape == out.acts.shape[:1] + out.acts.shape[2:]
    assert ((region >= 0) & (region <= 1)).all()
