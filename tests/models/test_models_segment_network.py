"""A U-Net is MONAI's, sees one sample at a time, and draws channels that it can draw again."""

import pytest
import torch
from monai.networks.nets import BasicUNet
from segment_toys import SMALL, unet

from foveal.core.errors import DataError, EvidenceError, UnknownName
from foveal.models.segment.network import UNet, keep_draws

BOTH = pytest.mark.parametrize("dimensions", [2, 3])


def images(n=3, channels=1, dimensions=2, side=16, seed=0):
    torch.manual_seed(seed)
    return torch.rand(n, channels, *(side,) * dimensions)


def monai_names(state):
    """Names of our weights as `BasicUNet` has them."""
    for name, value in state.items():
        way, _, rest = name.partition(".")
        number, _, inside = rest.partition(".")
        if way == "down":
            yield ("conv_0." if number == "0" else f"down_{number}.") + inside, value
        elif way == "up":
            yield f"upcat_{4 - int(number)}.{inside}", value
        else:
            yield name.replace("final", "final_conv"), value


@BOTH
@torch.no_grad()
def test_second_opinion_monai(dimensions):
    widths = (3, 4, 5, 6, 8) if dimensions == 2 else (2, 4, 4, 4, 4)
    ours = UNet(2, dimensions, widths).eval()
    theirs = BasicUNet(dimensions, 2, 1, (*widths, widths[0])).eval()
    theirs.load_state_dict(dict(monai_names(ours.state_dict())))
    seen = images(2, 2, dimensions, 32)
    centered = seen - seen.flatten(2).median(-1).values.view(2, 2, *[1] * dimensions)
    torch.testing.assert_close(ours(seen).logits, theirs(centered)[:, 0])


@BOTH
@torch.no_grad()
def test_no_sample_sees_another(dimensions):
    network, seen = unet(dimensions=dimensions), images(4, 1, dimensions)
    whole = network(seen)
    for i in range(4):
        alone = network(seen[i : i + 1])
        torch.testing.assert_close(alone.logits[0], whole.logits[i], rtol=0, atol=1e-4)
        torch.testing.assert_close(alone.embedding[0], whole.embedding[i], rtol=0, atol=1e-4)
    strange = torch.cat([seen[:1], 100 * seen[1:]])
    torch.testing.assert_close(network(strange).logits[0], whole.logits[0], rtol=0, atol=1e-4)


@torch.no_grad()
def test_brightness_of_a_channel_does_not_matter():
    network, seen = unet(channels=3), images(2, 3)
    brighter = seen + torch.tensor([0.3, -0.2, 0.5]).view(1, 3, 1, 1)
    torch.testing.assert_close(network(brighter).logits, network(seen).logits, rtol=0, atol=1e-3)


@pytest.mark.parametrize("side", [8, 15, 17, 30])
@torch.no_grad()
def test_any_size_comes_back(side):
    out = unet()(images(2, 1, 2, side))
    assert out.logits.shape == (2, side, side)
    assert out.embedding.shape == (2, SMALL.widths[-1])
    assert [level.shape[1] for level in out.levels] == list(SMALL.widths)


@pytest.mark.parametrize("side", [1, 3, 7])
def test_too_small_images_are_refused(side):
    with pytest.raises(DataError, match=r"segment\.widths"):
        unet()(images(1, 1, 2, side))


@BOTH
@torch.no_grad()
def test_a_draw_of_ones_is_the_network_without_dropout(dimensions):
    network, seen = unet(dimensions=dimensions, dropout=0.4), images(2, 1, dimensions)
    out = network(seen)
    ones = [torch.ones_like(place) for place in keep_draws(network, 1, 0)[0]]
    torch.testing.assert_close(network.decode(out.levels, ones), out.logits)


@torch.no_grad()
def test_draws_are_samples_of_the_weights():
    network, seen = unet(dropout=0.4), images(3)
    levels = network.encode(seen)
    first, again, other = (keep_draws(network, 2, seed) for seed in (5, 5, 6))
    for draw in first:
        assert [len(place) for place in draw] == [8, 6]
        kept = torch.cat(draw)
        assert ((kept == 0) | torch.isclose(kept, torch.tensor(1 / 0.6))).all()
    one, two = (network.decode(levels, draw) for draw in first)
    assert not torch.equal(one, two)
    assert torch.equal(network.decode(levels, again[0]), one)
    assert not torch.equal(network.decode(levels, other[0]), one)
    alone = network.decode(tuple(level[:1] for level in levels), first[0])
    torch.testing.assert_close(alone[0], one[0], rtol=0, atol=1e-4)


@torch.no_grad()
def test_draws_average_to_dropout_in_training():
    """What is drawn by hand has the same distribution as what training drops."""
    network = unet(dropout=0.3)
    place = torch.stack([draw[0] for draw in keep_draws(network, 4000, 1)])
    network.drops.train()
    torch.manual_seed(1)
    dropped = network.drops[0](torch.ones(4000, 8, 2, 2))
    assert (dropped.flatten(2).std(-1) == 0).all()  # whole channels
    assert place.mean() == pytest.approx(float(dropped.mean()), abs=0.02)
    assert place.var() == pytest.approx(float(dropped[..., 0, 0].var()), abs=0.02)


def test_without_dropout_there_is_nothing_to_draw():
    with pytest.raises(EvidenceError, match=r"model\.dropout"):
        keep_draws(unet(), 2, 0)


def test_layers_have_names():
    network = unet()
    assert set(network.layers) == {"bottleneck", "decoder 1", "decoder 0"}
    assert network.layer("decoder 0") is network.up[-1]
    with pytest.raises(UnknownName, match="decoder 0"):
        network.layer("decoder0")
