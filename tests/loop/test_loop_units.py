"""Runs that ask for whole volumes, or for few of a patient in all: kept to, resumed, and ended."""

from collections import Counter
from dataclasses import replace

import pytest

from discs import disc_spec, told
from foveal.core.errors import BudgetError, SpecError
from foveal.loop import Experiment, Stop
from foveal.loop.constraints import check_units, names_of, rules, smallest_unit, volume_of
from foveal.loop.seed_set import volumes_query

VOLUME = 4  # slices
PATIENT = 8  # slices, of two volumes


@pytest.fixture(scope="module")
def volumes(bench):
    """The discs as slices of volumes, two of each patient."""
    place = Counter()
    samples = []
    for sample, part in zip(bench.pool.samples, bench.pool.parts, strict=True):
        i = place[part]
        place[part] += 1
        named = {"series": f"{part} v{i // VOLUME}", "group": f"{part} p{i // PATIENT}"}
        samples.append(replace(sample, **named, position=i % VOLUME))
    pool = replace(bench.pool, samples=tuple(samples))
    return replace(bench, collection=replace(bench.collection, pool=pool))


def spec_of(**changes):
    usual = {
        "seed_set": 8,
        "budget": 9,
        "labels": 22,
        "acquire__unit": "volume",
        "train__epochs": 1,
    }
    return disc_spec(**(usual | {"acquire__strategy": "entropy"} | changes))


def run(bench, folder, spec, reopened=False):
    """State of a run that is opened once, or anew for every step."""
    while True:
        with Experiment(spec, bench, folder) as experiment:
            stop = isinstance(step := experiment.step(), Stop)
            while not (stop or reopened):
                stop = isinstance(step := experiment.step(), Stop)
            if stop:
                return experiment.state, step


@pytest.mark.parametrize("strategy", ["entropy", "k_center"])
@pytest.mark.parametrize("reduce", ["mean", "top"])
def test_every_query_is_of_whole_volumes_and_the_seed_set_too(volumes, tmp_path, strategy, reduce):
    spec = spec_of(acquire__strategy=strategy, acquire__unit_reduce=reduce)
    state, stop = run(volumes, tmp_path, spec)
    assert [len(q.ids) for q in state.queries] == [8, 8, 4]  # what is left of 22 holds no other
    assert "no volume that is left fits" in stop.why
    for query in state.queries:
        assert set(Counter(volumes.pool[i].series for i in query.ids).values()) == {VOLUME}
    assert any("8 of 9 samples could be asked in whole units" in n for n in state.queries[1].notes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"acquire__unit": "sample", "acquire__per_group_total": 6, "budget": 5},
        {"acquire__per_group_total": 1, "acquire__strategy": "random"},
    ],
    ids=["volumes", "few of a patient", "one volume of a patient"],
)
def test_a_run_that_is_stopped_at_every_step_ends_the_same(volumes, tmp_path, changes):
    spec = spec_of(**changes)
    run(volumes, tmp_path / "one", spec)
    run(volumes, tmp_path / "other", spec, reopened=True)
    assert told(tmp_path / "one") == told(tmp_path / "other")


def test_no_patient_has_more_than_its_share_over_all_rounds(volumes, tmp_path):
    usual = {"acquire__unit": "sample", "seed_set": 3, "budget": 5, "labels": 18}
    capped, _ = run(volumes, tmp_path / "capped", spec_of(**usual, acquire__per_group_total=6))
    groups = Counter(volumes.pool[i].group for i in capped.labeled())
    assert groups == dict.fromkeys(groups, 6)
    assert len(groups) == 3
    free, _ = run(volumes, tmp_path / "free", spec_of(**usual))
    assert max(Counter(volumes.pool[i].group for i in free.labeled()).values()) > 6


def test_where_volumes_are_asked_the_share_of_a_patient_is_counted_in_volumes(volumes):
    spec = spec_of(acquire__per_group_total=1)
    ids = volumes.pool.ids("unlabeled")
    labeled = ids[: VOLUME + 1]  # a volume and a slice of the next, of one patient
    named = names_of(volumes.pool, ids[PATIENT:], spec, labeled)
    assert list(named["labeled_groups"]) == ["unlabeled p0"] * 2
    assert named["units"] == [volumes.pool[i].series for i in ids[PATIENT:]]
    one_by_one = disc_spec(acquire__per_group_total=1)
    assert len(names_of(volumes.pool, ids, one_by_one, labeled)["labeled_groups"]) == VOLUME + 1
    plain = names_of(volumes.pool, ids, disc_spec(), labeled)
    assert plain["units"] is None
    assert plain["labeled_groups"] == ()
    assert rules(spec).whole == "mean"
    assert rules(disc_spec()).whole == "none"


def test_a_seed_set_of_volumes_depends_on_the_seed_alone(volumes):
    one = volumes_query(volumes.pool, 9, spec_of(seed=1))
    shuffled = replace(
        volumes.pool,
        samples=volumes.pool.samples[::-1],
        parts=volumes.pool.parts[::-1],
    )
    assert one == volumes_query(shuffled, 9, spec_of(seed=1))
    assert len(one.ids) == 2 * VOLUME
    others = {volumes_query(volumes.pool, 9, spec_of(seed=s)).ids for s in range(20)}
    assert len(others) > 10


def test_a_batch_that_holds_no_volume_is_told_before_any_training(volumes):
    assert smallest_unit(volumes.pool, spec_of()) == VOLUME
    assert smallest_unit(volumes.pool, disc_spec()) == 1
    check_units(volumes.pool, spec_of())
    for setting in ("budget", "seed_set"):
        with pytest.raises(BudgetError, match=f"`{setting}` must hold a whole volume.* 4 slices"):
            check_units(volumes.pool, spec_of(**{setting: 3}))


def test_a_picture_that_is_no_slice_is_a_volume_of_its_own(bench):
    alone = replace(bench.pool.samples[0], series="")
    assert volume_of(alone) == alone.id


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"seed_counts": {"disc": 4, "square": 4}}, "either `seed_counts` or `acquire.unit"),
        ({"acquire__balance": "predicted"}, "`acquire.balance` shares samples"),
        ({"acquire__per_group_total": 0}, "per_group_total"),
        ({"acquire__unit": "slice"}, "acquire.unit"),
    ],
)
def test_settings_that_contradict_are_told(changes, hint):
    with pytest.raises(SpecError, match=hint):
        spec_of(**changes)
