"""One loop for everything: repeatable, stops where it should, and learns where to look."""

import logging
import math
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
import torch
from model_toys import (
    CHANNELS,
    CLASSES,
    Memory,
    network,
    plain,
    planted,
    same,
    tiny_backbone,
    weights,
)

from foveal.core.errors import DataError, SpecError
from foveal.core.spec import ModelSpec, TrainSpec
from foveal.models import Learner, Lessons, build_backbone, look
from foveal.models.lessons import reader
from foveal.models.losses import classification_loss
from foveal.models.network import Network
from foveal.models.train import USUAL, Course, train

HEADS = ["linear", "prototype"]


def course(toy, head="linear", seed=0, classes=2, validation=None, model=None, **spec):
    inputs, lessons = toy
    settings = TrainSpec(**{"epochs": 8, "learning_rate": 0.01, "accelerator": "cpu", **spec})
    model = model or ModelSpec(head=head, adapter=8)
    return Course(inputs, lessons, model, settings, classes, seed, validation)


def some(lessons, rows):
    return Lessons(*(getattr(lessons, k)[rows] for k in ("rows", "labels", "regions", "bought")))


def joined(batches):
    return [row for batch in batches for row in batch]


def predicted(net, inputs, rows=slice(None)):
    with torch.no_grad():
        return net(torch.from_numpy(inputs.array[rows])).logits.argmax(1).numpy()


def test_a_seed_names_the_weights_to_the_last_bit():
    def trained(seed):
        net = network()
        history = train(net, course(plain(24), seed=seed, batch_size=8))
        return weights(net), history.losses

    first, again, other = trained(1), trained(1), trained(2)
    assert same(first[0], again[0])
    assert first[1] == again[1]
    assert not same(first[0], other[0])


def test_chance_is_given_back():
    net = images_network()
    before = torch.get_rng_state()
    train(net, course(pictures(), model=ModelSpec(mode="full", adapter=8), epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("head", HEADS)
def test_the_loss_falls_and_a_dozen_samples_are_learned_by_heart(head):
    toy, net, told = plain(12), network(head), []
    history = train(net, course(toy, head, epochs=60), lambda *at: told.append(at))
    assert np.mean(history.losses[-5:]) < 0.5 * history.losses[0]
    np.testing.assert_array_equal(predicted(net, toy[0]), toy[1].labels)
    assert history.kept == 59
    assert told == [(e + 1, 60) for e in range(60)]
    assert history.validation == []
    assert not net.training


@pytest.mark.parametrize("n", [1, 7, 16, 17])
def test_every_epoch_sees_every_sample_once_in_batches_of_nearly_one_size(n, monkeypatch):
    reads = []

    def watched(*lessons, **how):
        read = reader(*lessons, **how)
        return lambda positions: reads.append(positions.tolist()) or read(positions)

    monkeypatch.setattr("foveal.models.train.reader", watched)
    train(network(), course(plain(n), epochs=3, batch_size=8))
    order, steps = list(range(n)), math.ceil(n / 8)
    epochs = reads[steps : 4 * steps]  # before: standardization, after: settling
    assert joined(reads[:steps]) == joined(reads[4 * steps :]) == order
    seen = [joined(epochs[i : i + steps]) for i in range(0, 3 * steps, steps)]
    assert all(sorted(rows) == order for rows in seen)
    assert n < 7 or seen[0] != seen[1]
    assert {len(batch) for batch in epochs} <= {n // steps, -(-n // steps)}


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_the_shortest_trainings_work(n, epochs):
    net = network()
    history = train(net, course(plain(n), epochs=epochs, batch_size=1))
    assert len(history.losses) == epochs
    assert all(torch.isfinite(p).all() for p in net.parameters())


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(
    "labels",
    [[0], [1, 1, 1], [0, 0, 0, 0, 1], [2, 0, 1]],
    ids=["one sample", "one class", "a class of one", "classes of one"],
)
def test_few_labels_are_borne(head, labels):
    inputs, lessons = plain(len(labels), classes=3)
    lessons = replace(lessons, labels=np.array(labels))
    net = network(head, classes=3)
    history = train(net, course((inputs, lessons), head, classes=3, explanation_weight=1.0))
    assert np.isfinite(history.losses).all()
    assert history.losses[0] < 10
    assert all(torch.isfinite(v).all() for v in net.state_dict().values())
    with torch.no_grad():
        probs = net(torch.from_numpy(inputs.array)).logits.softmax(1)
    assert torch.isfinite(probs).all()


def test_a_single_position_is_borne():
    inputs, lessons = plain(1)
    net = network()
    train(net, course((Memory(inputs.array[..., :1, :1]), lessons)))
    assert all(torch.isfinite(v).all() for v in net.state_dict().values())


def test_without_lessons_there_is_nothing_to_train():
    inputs, lessons = plain(4)
    with pytest.raises(DataError, match="at least one labeled sample"):
        train(network(), course((inputs, some(lessons, slice(0)))))


def test_an_accelerator_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SpecError, match="accelerator: cuda"):
        train(network(), course(plain(4), accelerator="cuda"))


@pytest.mark.parametrize("mode", ["features", "full"])
def test_what_the_spec_leaves_open_is_the_usual_value_of_the_mode(mode):
    inputs, lessons = plain(4)
    free = Course(inputs, lessons, ModelSpec(mode=mode), TrainSpec(), 2, 0)
    assert free.usual == USUAL[mode]
    told = TrainSpec(epochs=3, learning_rate=0.5, batch_size=7, augment=mode == "features")
    assert replace(free, spec=told).usual.augment is (mode == "features")
    assert replace(free, spec=told).usual.epochs == 3


def validation_loss(net, inputs, lessons):
    with torch.no_grad():
        logits = net(torch.from_numpy(inputs.array[lessons.rows])).logits
    return float(classification_loss(logits, torch.from_numpy(lessons.labels), None))


@pytest.fixture
def noisy():
    """Inputs, lessons to learn by heart with labels half of chance, and honest validation."""
    inputs, lessons = plain(40, seed=4)
    flipped = lessons.labels.copy()
    flipped[:20:3] = 1 - flipped[:20:3]
    return inputs, some(replace(lessons, labels=flipped), slice(20)), some(lessons, slice(20, 40))


@pytest.mark.parametrize("head", HEADS)
def test_early_stopping_keeps_the_best_epoch(noisy, head):
    inputs, lessons, validation = noisy
    net = network(head)
    history = train(
        net,
        course(
            (inputs, lessons),
            head,
            epochs=60,
            learning_rate=0.1,
            patience=5,
            validation=validation,
        ),
    )
    assert len(history.losses) == len(history.validation) < 60
    assert history.kept == int(np.argmin(history.validation))
    assert len(history.losses) - 1 - history.kept == 5
    assert validation_loss(net, inputs, validation) == pytest.approx(
        min(history.validation), rel=1e-4
    )


def test_of_equally_good_epochs_the_first_is_kept():
    inputs, lessons = plain(4)
    lessons = replace(lessons, labels=np.zeros(4, int))
    one_class = network(classes=1)
    history = train(
        one_class, course((inputs, lessons), classes=1, patience=3, validation=lessons, epochs=9)
    )
    assert history.validation == [0] * 4
    assert history.kept == 0


@pytest.mark.parametrize("lacks", ["patience", "validation"])
def test_early_stopping_needs_patience_and_a_validation_part(noisy, lacks):
    inputs, lessons, validation = noisy
    options = {"patience": 2, "validation": validation, lacks: None}
    history = train(network(), course((inputs, lessons), epochs=30, **options))
    assert len(history.losses) == 30
    assert history.kept == 29
    assert history.validation == []


def test_a_warm_start_goes_on_where_the_last_round_ended():
    inputs, lessons = plain(24, seed=2)
    first = network()
    once = train(first, course((inputs, some(lessons, slice(12))), epochs=40))
    before = weights(first)
    warm, cold = network(), network()
    warm.load_state_dict(before)
    further = train(warm, course((inputs, lessons), epochs=1, warm_start=True))
    again = train(cold, course((inputs, lessons), epochs=1))
    assert further.losses[0] < 0.7 * again.losses[0]
    assert further.losses[0] < 0.7 * once.losses[0]
    assert torch.equal(warm.mean, before["mean"])
    assert torch.equal(warm.std, before["std"])
    assert not torch.equal(cold.mean, before["mean"])


def test_features_are_standardized_by_the_labeled_samples_alone():
    inputs, lessons = plain(30)
    inputs.array[10:] = 1e6
    net = network()
    train(net, course((inputs, some(lessons, slice(10))), epochs=1))
    want = inputs.array[:10].mean((0, 2, 3))
    np.testing.assert_allclose(net.mean.flatten(), want, rtol=1e-4, atol=1e-5)


def test_prototypes_are_those_of_all_lessons_in_the_end():
    toy, net = plain(20), network("prototype")
    train(net, course(toy, "prototype", epochs=2, batch_size=4))
    with torch.no_grad():
        e = net.head.embed(net(torch.from_numpy(toy[0].array)).embedding)
    means = torch.stack([e[c == torch.from_numpy(toy[1].labels)].mean(0) for c in (0, 1)])
    torch.testing.assert_close(net.head.prototypes, means, rtol=1e-4, atol=1e-5)
    assert net.head.counts.tolist() == [10, 10]


def test_balanced_class_weights_give_a_rare_class_its_say():
    rng = np.random.default_rng(0)
    labels = np.r_[np.zeros(54, int), np.ones(6, int)]
    features = rng.standard_normal((60, CHANNELS, 4, 4)).astype(np.float32)
    features[labels == 1, 0] += 0.35
    lessons = replace(plain(60)[1], labels=labels)
    rare = {}
    for choice in ("none", "balanced"):
        net = network()
        train(net, course((Memory(features), lessons), epochs=60, class_weights=choice))
        rare[choice] = (predicted(net, Memory(features)) == 1).sum()
    assert rare["none"] < 6 < rare["balanced"]


@pytest.mark.parametrize("head", HEADS)
def test_the_explanation_loss_turns_maps_to_the_region_and_away_from_the_shortcut(head):
    def seen(weight, seed):
        model = ModelSpec(head=head, adapter=16, temperature=1)
        net = network(head, adapter=16, temperature=1, seed=seed)
        toy = planted(24, seed, shortcut=2.0)
        train(net, course(toy, model=model, epochs=60, explanation_weight=weight))
        inputs, lessons = planted(40, seed + 100, shortcut=2.0)
        measured = look(
            Learner(net, CLASSES), inputs, np.arange(40), lambda rows: lessons.regions[rows]
        )
        right = (predicted(net, inputs) == lessons.labels).mean()
        return measured["soft_dice"].mean(), measured["pointing_game"].mean(), right

    without, guided = (np.mean([seen(w, s) for s in range(3)], axis=0) for w in (0.0, 2.0))
    assert guided[0] > without[0] + 0.02
    assert guided[1] >= without[1]
    assert guided[2] > 0.9


def test_where_no_region_was_bought_the_explanation_loss_changes_nothing():
    def trained(weight):
        net = network()
        train(net, course(plain(12), explanation_weight=weight))
        return weights(net)

    assert same(trained(0.0), trained(3.0))


def test_suppression_lowers_maps_of_images_without_a_finding():
    inputs, lessons = planted(24)
    nothing = replace(lessons, regions=np.zeros_like(lessons.regions))

    def height(choice):
        net = network()
        spec = {"explanation_weight": 3.0, "empty_regions": choice, "epochs": 30}
        train(net, course((inputs, nothing), **spec))
        with torch.no_grad():
            out = net(torch.from_numpy(inputs.array), torch.from_numpy(lessons.labels))
        return float(out.evidence.relu().mean())

    assert height("suppress") < 0.8 * height("skip")


def images_network(head="linear", embedded=False):
    torch.manual_seed(0)
    spec = ModelSpec(mode="full", head=head, adapter=8)
    backbone = build_backbone(spec) if embedded else tiny_backbone()
    return Network(spec, backbone.channels, 2, backbone)


def pictures(n=6, size=64):
    rng = np.random.default_rng(0)
    images = rng.random((n, 1, size, size), np.float32) * 0.5
    regions = np.zeros((n, size, size), np.float32)
    regions[:, 16:48, 16:48] = 1
    images[1::2, 0] += 0.5 * regions[1::2]
    labels = np.arange(n) % 2
    return Memory(images), Lessons(np.arange(n), labels, regions, np.ones(n, bool))


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("head", HEADS)
def test_in_full_mode_the_backbone_learns_too(head, precision):
    net = images_network(head, embedded=True)
    before, dtypes = weights(net), []
    net.adapter.register_forward_hook(
        lambda _m, _i, out: dtypes.append(out.dtype) if torch.is_grad_enabled() else None
    )
    model = ModelSpec(mode="full", head=head, adapter=8)
    spec = {"epochs": 2, "explanation_weight": 1.0, "precision": precision, "batch_size": 3}
    history = train(net, course(pictures(), model=model, **spec))
    after = weights(net)
    assert np.isfinite(history.losses).all()
    assert set(dtypes) == {torch.bfloat16 if precision == "bf16" else torch.float32}
    assert all(torch.isfinite(v).all() for v in after.values())
    moved = [k for k in before if k.startswith("backbone.trunk") and before[k].numel() > 1]
    assert all(not torch.equal(before[k], after[k]) for k in moved)
    assert all(v.dtype == torch.float32 for v in after.values() if v.is_floating_point())


def test_in_full_mode_norms_keep_their_statistics():
    net = images_network()
    before = weights(net)
    train(net, course(pictures(), model=ModelSpec(mode="full", adapter=8), epochs=2))
    for part in ("running_mean", "running_var"):
        name = f"backbone.trunk.1.{part}"
        assert torch.equal(before[name], net.state_dict()[name])


def test_pretrained_layers_learn_slower():
    net = images_network()
    before = weights(net)
    train(net, course(pictures(), model=ModelSpec(mode="full", adapter=8), epochs=2))
    after = weights(net)

    def step(name):
        return float((after[name] - before[name]).abs().max())

    # Every weight moves about as far as its learning rate in the first steps of Adam.
    assert 0 < step("backbone.trunk.0.weight") < 0.3 * step("adapter.weight")


def scratch():
    """A network whose backbone has learned nothing, and its course."""
    torch.manual_seed(0)
    model = ModelSpec(backbone="test_resnet", weights="none", mode="full", adapter=8)
    model = model.model_copy(update={"output_stride": 32})
    backbone = build_backbone(model)
    return Network(model, backbone.channels, 2, backbone), model


def test_from_scratch_the_backbone_learns_at_full_rate_and_its_norms_with_it():
    net, model = scratch()
    before = weights(net)
    train(net, course(pictures(), model=model, epochs=2))
    after = weights(net)
    step = {k: float((after[k].float() - before[k].float()).abs().max()) for k in after}
    assert step["backbone.trunk.conv1.0.weight"] > 0.5 * step["adapter.weight"]
    means = [k for k in step if k.endswith("running_mean")]
    assert means
    assert all(step[k] > 0 for k in means)


def test_from_scratch_one_image_at_a_time_is_refused():
    net, model = scratch()
    with pytest.raises(SpecError, match="batches of two images or more"):
        train(net, course(pictures(), model=model, epochs=2, batch_size=1))


def test_images_are_augmented_and_features_are_not():
    def trained(model, toy, make, augment):
        net = make()
        train(net, course(toy, model=model, epochs=1, augment=augment))
        return weights(net)

    full, cached = ModelSpec(mode="full", adapter=8), ModelSpec(adapter=8)
    images = [trained(full, pictures(), images_network, a) for a in (True, False)]
    features = [trained(cached, plain(6), network, a) for a in (True, False)]
    assert not same(*images)
    assert same(*features)


def test_a_network_with_a_folded_backbone_travels_to_another_process():
    net = images_network(embedded=True).eval()
    copy = ForkingPickler.loads(ForkingPickler.dumps(net))
    images = torch.from_numpy(pictures(2)[0].array)
    with torch.no_grad():
        assert torch.equal(copy(images).logits, net(images).logits)


def test_fabric_keeps_its_announcements_to_itself():
    assert logging.getLogger("lightning_fabric.utilities.rank_zero").getEffectiveLevel() >= 30


def test_two_devices_with_half_the_batch_learn_what_one_learns_with_all_of_it(capfd):
    def trained(devices):
        net = network()
        spec = {"epochs": 3, "batch_size": 8 // devices, "devices": devices}
        history = train(net, course(planted(16), explanation_weight=1.0, **spec))
        return weights(net), history

    (alone, one), (together, two) = trained(1), trained(2)
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=1e-3, atol=1e-4)
    assert not same(together, weights(network()))
    assert len(two.losses) == len(one.losses) == 3
    assert two.kept == one.kept
    heard = capfd.readouterr()
    assert "distributed" not in heard.out + heard.err  # Fabric's announcements, one a process
