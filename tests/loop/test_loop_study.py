"""Studies: arms times seeds, each in a folder of its own; figures do not depend on processes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from discs import disc_settings, timeless
from foveal.core.errors import BudgetError, DataError, FovealError, SpecError, UnknownName
from foveal.core.spec import parse_spec
from foveal.loop import arms_of, run_study, runs_of, study
from foveal.loop import experiment as experiments

ARMS = [
    {"name": "random", "set": {"acquire.strategy": "random", "regions.source": "none"}},
    {"name": "Entropy & regions", "set": {"acquire.strategy": "entropy"}},
]


def settings_of(**changes):
    return disc_settings(labels=8, train__epochs=1) | {"arms": ARMS, "seeds": 1} | changes


def test_runs_are_arms_times_seeds(tmp_path):
    runs = runs_of(settings_of(seeds=3, seed=5), tmp_path)
    assert [(r.arm, r.spec.seed) for r in runs] == [
        (arm["name"], seed) for seed in (5, 6, 7) for arm in ARMS
    ]
    assert len({r.folder for r in runs}) == 6
    assert runs[1].folder == tmp_path / "runs" / "entropy-regions-seed5"
    assert runs[0].spec.acquire.strategy == "random"
    assert all(r.spec.arms == () and r.spec.seeds == 1 for r in runs)


def test_without_arms_a_spec_is_its_own_arm(tmp_path):
    (run,) = runs_of(disc_settings(), tmp_path)
    assert (run.arm, run.spec) == ("eg_al", parse_spec(disc_settings()))


@pytest.mark.parametrize(
    "names", [["a b", "a-b"], ["A", "a"], ["β", "γ"], ["+", "-"], ["arm", "é", "a", "b"]]
)
def test_arms_never_share_a_folder(tmp_path, names):
    arms = [{"name": name} for name in names]
    folders = [run.folder for run in runs_of(settings_of(arms=arms), tmp_path)]
    assert len({str(f).lower() for f in folders}) == len(names)
    assert all(f.parent == tmp_path / "runs" for f in folders)
    reordered = runs_of(settings_of(arms=arms[::-1]), tmp_path)
    assert {r.arm: r.folder for r in reordered} == dict(zip(names, folders, strict=True))


@pytest.mark.parametrize(
    ("arm", "error", "told"),
    [
        ({"train.epohcs": 3}, SpecError, "Did you mean 'epochs'"),
        ({"acquire.strategy": "entropi"}, UnknownName, "Did you mean 'entropy'"),
        ({"acquire.parameters.normalise": True}, SpecError, "Did you mean 'normalize'"),
    ],
)
def test_an_error_in_the_last_arm_is_told_first(tmp_path, arm, error, told):
    arms = [*ARMS, {"name": "wrong", "set": {"acquire.strategy": "entropy", **arm}}]
    with pytest.raises(error, match=told):
        runs_of(settings_of(arms=arms), tmp_path)


def test_a_list_of_strategies_makes_arms(tmp_path):
    runs = runs_of(settings_of(arms=arms_of(["random", "margin"])), tmp_path)
    assert [(r.arm, r.spec.acquire.strategy) for r in runs] == [("random",) * 2, ("margin",) * 2]


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"labels": 25}, BudgetError), ({"data.source": "nowhere.csv"}, DataError)],
)
def test_a_last_arm_that_cannot_end_is_told_before_the_first_begins(
    discs, tmp_path, changes, error
):
    arms = [ARMS[0], {"name": "wrong", "set": changes}]
    if "data.source" in changes:
        arms.reverse()
    with pytest.raises(error):
        run_study(runs_of(settings_of(arms=arms), tmp_path), discs, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def both(discs, tmp_path_factory):
    """The same study in one process and in two."""

    def made(jobs):
        folder, ended = tmp_path_factory.mktemp(f"jobs{jobs}"), []
        runs = runs_of(settings_of(), folder)
        done = run_study(
            runs, discs, folder, jobs, finished=lambda run, record: ended.append(run.arm)
        )
        return folder, runs, done, ended

    return made(1), made(2)


def test_figures_do_not_depend_on_the_number_of_processes(both):
    (_, _, (alone, created), _), (_, _, (together, same), _) = both
    assert timeless(alone) == timeless(together)
    assert created == same


def test_records_come_in_the_order_of_the_runs(both):
    for _, _, (records, _), ended in both:
        assert [r["strategy"] for r in records] == [arm["name"] for arm in ARMS]
        assert sorted(ended) == sorted(arm["name"] for arm in ARMS)


def test_all_arms_share_the_seed_set(both):
    first, second = both[0][2][0]
    assert first["queried"][0] == second["queried"][0]
    assert first["queried"][1] != second["queried"][1]


def test_panels_are_named_from_the_study_s_folder(both):
    for folder, _, (records, _), _ in both:
        panels = [c["panel"] for r in records for g in r["gallery"] for c in g["cases"]]
        assert len(panels) == 4
        assert all((folder / panel).is_file() for panel in panels)


def test_a_study_resumed_does_not_train_what_has_ended(both, discs, monkeypatch):
    folder, runs, (records, created), _ = both[0]

    def never(*_, **__):
        raise AssertionError("a finished run was trained again")

    monkeypatch.setattr(experiments, "learn", never)
    again, same = run_study(runs, discs, folder)
    assert again == records  # wall times too: they come from the journal
    assert same == created


def test_after_an_error_no_further_run_begins(discs, tmp_path, monkeypatch):
    begun = []

    def perform(run, *_):
        begun.append(run.spec.seed)
        raise DataError("broken")

    monkeypatch.setattr(study, "perform", perform)
    monkeypatch.setattr(study, "ProcessPoolExecutor", lambda *_: ThreadPoolExecutor(1))
    runs = runs_of(settings_of(seeds=5), tmp_path)
    with pytest.raises(DataError, match="broken"):
        run_study(runs, discs, tmp_path, jobs=2)
    assert len(begun) <= 2  # those that ran side by side with it


def test_a_process_that_was_killed_is_told_in_words(discs, tmp_path, monkeypatch):
    def perform(*_):
        raise BrokenProcessPool

    monkeypatch.setattr(study, "perform", perform)
    monkeypatch.setattr(study, "ProcessPoolExecutor", lambda *_: ThreadPoolExecutor(1))
    with pytest.raises(FovealError, match="perhaps because memory ran out"):
        run_study(runs_of(settings_of(), tmp_path), discs, tmp_path, jobs=2)


def test_a_worker_ends_with_its_parent(monkeypatch):
    parent_ended, exited = threading.Event(), threading.Event()

    class Parent:
        def join(self):
            parent_ended.wait()

    monkeypatch.setattr(study.multiprocessing, "parent_process", Parent)
    monkeypatch.setattr(study.os, "_exit", lambda _: exited.set())
    study._enlist(1)
    assert not exited.is_set()
    parent_ended.set()
    assert exited.wait(30)


def test_a_bench_is_opened_once_for_runs_that_agree_on_images(discs, tmp_path, monkeypatch):
    opened = []
    real = study.open_bench
    monkeypatch.setattr(study, "open_bench", lambda *args: opened.append(args) or real(*args))
    study._BENCHES.clear()
    run_study(runs_of(settings_of(), tmp_path), discs, tmp_path)
    assert len(opened) == 1
