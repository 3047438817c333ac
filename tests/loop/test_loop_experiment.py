"""An experiment: one step at a time, guarded, resumable, and faithful to what it began with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discs import disc_spec, told, write_discs
from foveal.core.errors import BudgetError, PeekError, SpecError, StoreError, UnknownName
from foveal.loop import Annotate, Ask, Experiment, Seed, Stop, Train, open_bench, run_round
from foveal.loop import experiment as experiments
from foveal.loop.classify import Classification
from foveal.models import GivenRegions

PLAIN = disc_spec()


def test_steps_come_in_order_and_the_pool_follows(bench, tmp_path):
    kinds, labeled = [], [0]
    with Experiment(PLAIN, bench, tmp_path) as experiment:
        while not isinstance(experiment.next, Stop):
            before = experiment.next
            assert experiment.step() == before
            kinds.append(type(before))
            labeled.append(len(experiment.pool.ids("labeled")))
        assert isinstance(experiment.step(), Stop)
        assert set(experiment.pool.ids("labeled")) == set(experiment.state.labeled())
    assert kinds == [Seed, Annotate, Train, *[Ask, Annotate, Train] * 2]
    assert sorted(set(labeled)) == [0, 6, 11, 15]


def test_a_round_ends_with_its_training(bench, tmp_path):
    with Experiment(PLAIN, bench, tmp_path) as experiment:
        rounds = [run_round(experiment) for _ in range(4)]
    assert [r.round for r in rounds[:3]] == [0, 1, 2]
    assert rounds[3] is None


def test_an_experiment_says_what_it_is_doing(bench, tmp_path):
    heard = []
    with Experiment(PLAIN, bench, tmp_path, lambda *what: heard.append(what)) as experiment:
        run_round(experiment)
    assert ("round 0: training", 3, 3) in heard


def test_of_all_checkpoints_the_last_one_stays(finished):
    _, state, _, folder = finished
    checkpoints = [t.checkpoint for t in state.trained]
    assert len(set(checkpoints)) == 3
    assert [(folder / "blobs" / c).exists() for c in checkpoints] == [False, False, True]


def test_annotating_in_pieces_says_the_same(bench, tmp_path, finished, monkeypatch):
    monkeypatch.setattr(experiments, "STEP_BY_STEP", 2)
    with Experiment(PLAIN, bench, tmp_path) as experiment:
        experiment.run()
    assert told(tmp_path) == told(finished[3])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"budget": 4}, "`budget`"),
        ({"train__epochs": 4, "seed": 1}, "`seed`, `train.epochs`"),
        ({"acquire__parameters": {"weight": 0.3}}, "`acquire.parameters.weight`"),
        ({"data__split_seed": 1}, "`data.split_seed`"),
    ],
)
def test_other_settings_on_the_same_folder_are_named(bench, tmp_path, changes, named):
    with Experiment(PLAIN, bench, tmp_path) as experiment:
        experiment.step()
    before = told(tmp_path)
    with pytest.raises(SpecError) as error, Experiment(disc_spec(**changes), bench, tmp_path):
        pass
    assert f"other settings of {named}" in str(error.value)
    assert told(tmp_path) == before
    with Experiment(PLAIN, bench, tmp_path) as experiment:  # the lock was given back
        assert isinstance(experiment.next, Annotate)


def other_pixels(folder):
    path = folder / "train03.png"
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)


def other_label(folder):
    table = folder / "labels.csv"
    table.write_text(table.read_text().replace("train03.png,square", "train03.png,disc"))


def one_image_less(folder):
    table = folder / "labels.csv"
    lines = [line for line in table.read_text().splitlines() if "train03" not in line]
    table.write_text("\n".join(lines))


@pytest.mark.parametrize("change", [other_pixels, other_label, one_image_less])
def test_another_pool_on_the_same_folder_is_refused(tmp_path, change):
    data, run = write_discs(tmp_path / "data"), tmp_path / "run"
    with Experiment(PLAIN, open_bench(PLAIN, data), run) as experiment:
        experiment.step()
    change(data)
    now = open_bench(PLAIN, data)
    with (
        pytest.raises(SpecError, match="other images, labels, splits or classes"),
        Experiment(PLAIN, now, run),
    ):
        pass


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"acquire__strategy": "eg_all"}, UnknownName),
        ({"acquire__parameters": {"weight": 3}}, SpecError),
        ({"labels": 25}, BudgetError),
    ],
)
def test_what_cannot_end_does_not_begin(bench, tmp_path, changes, error):
    with pytest.raises(error), Experiment(disc_spec(**changes), bench, tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()


def test_one_folder_has_one_run(bench, tmp_path):
    with Experiment(PLAIN, bench, tmp_path) as first:
        with (
            pytest.raises(StoreError, match="only one run at a time"),
            Experiment(PLAIN, bench, tmp_path),
        ):
            pass
        first.step()


def test_a_folder_that_cannot_be_made_is_a_store_error(bench, tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match="choose another folder"),
        Experiment(PLAIN, bench, tmp_path / "file" / "run"),
    ):
        pass


def rogue(craft, _learner):
    """A region source that takes the hidden regions for its own."""
    return GivenRegions(craft._hidden)


@pytest.mark.parametrize("source", ["predicted", "atlas", "weak", "none"])
def test_a_rogue_region_source_cannot_read_hidden_regions(bench, tmp_path, monkeypatch, source):
    monkeypatch.setattr(Classification, "_expected", rogue)
    spec = disc_spec(regions__source=source)
    with Experiment(spec, bench, tmp_path) as experiment:
        run_round(experiment)
        with pytest.raises(PeekError, match="nobody has annotated it yet"):
            experiment.step()
        assert isinstance(experiment.next, Ask)  # and nothing was asked because of it


def test_the_oracle_mode_may_read_them_and_says_so(bench, tmp_path):
    spec = disc_spec(regions__source="oracle")
    with Experiment(spec, bench, tmp_path) as experiment:
        run_round(experiment)
        assert isinstance(experiment.step(), Ask)
        assert experiment.state.created["spec"]["regions"]["source"] == "oracle"


def test_the_journal_holds_no_clock_but_in_durations(bench, finished):
    """Two runs of one spec tell the same, whenever they were made."""
    _, state, _, folder = finished
    text = repr(told(folder))
    assert "seconds" in repr(state.details[1])  # what `told` leaves out was there
    for name in (str(Path.home()), str(folder)):
        assert name not in text


def test_another_seed_is_another_run(bench, finished, tmp_path):
    spec = disc_spec(seed=1)
    with Experiment(spec, replace(bench), tmp_path) as experiment:
        run_round(experiment)
        first = experiment.state.queries[0]
    assert first.ids != finished[1].queries[0].ids
