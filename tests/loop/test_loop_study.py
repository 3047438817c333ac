"""Studies: arms times seeds, each in a folder of its own; figures do not depend on processes."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import Pipe

import pytest

from discs import disc_settings, rewrite, timeless
from foveal.core.errors import BudgetError, DataError, FovealError, SpecError, UnknownName
from foveal.core.spec import parse_spec, with_settings
from foveal.loop import arms_of, check_study, classify, run_study, runs_of, side_by_side, study
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
    ("changes", "error", "told"),
    [
        ({"labels": 25}, BudgetError, "set `labels` to 24 or less"),
        ({"data.source": "nowhere.csv"}, DataError, "nowhere"),
        ({"report.subgroups": ["hospital"]}, SpecError, "no 'hospital'"),
    ],
)
def test_what_no_run_could_end_with_is_told_before_the_first_begins(
    discs, tmp_path, changes, error, told
):
    settings = with_settings(settings_of(), changes)
    with pytest.raises(error, match=told):
        run_study(runs_of(settings, tmp_path / "out"), discs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def both(discs, tmp_path_factory):
    """The same study in one process and in two."""

    def made(jobs):
        folder, ended, heard = tmp_path_factory.mktemp(f"jobs{jobs}"), [], []
        runs = runs_of(settings_of(), folder)
        done = run_study(
            runs,
            discs,
            folder,
            jobs,
            hear=lambda run, reached: heard.append((run.arm, *reached)),
            finished=lambda run, _: ended.append(run.arm),
        )
        return folder, runs, done, (ended, heard)

    return made(1), made(2)


def test_figures_do_not_depend_on_the_number_of_processes(both):
    (_, _, (alone, created, _), _), (_, _, (together, same, _), _) = both
    assert timeless(alone) == timeless(together)
    assert created == same


def test_records_come_in_the_order_of_the_runs(both):
    for _, _, (records, _, failures), (ended, _) in both:
        assert [r["strategy"] for r in records] == [arm["name"] for arm in ARMS]
        assert sorted(ended) == sorted(arm["name"] for arm in ARMS)
        assert failures == []


def test_every_round_is_heard_of_from_any_process(both):
    for _, _, (records, _, _), (_, heard) in both:
        for record in records:
            values = [None, *record["metrics"]["macro_auroc"]]
            mine = [told for told in heard if told[0] == record["strategy"]]
            expected = zip((0, 1, 2), (0, *record["labels"]), values, strict=True)
            assert mine == [(record["strategy"], *place) for place in expected]


def test_all_arms_share_the_seed_set(both):
    first, second = both[0][2][0]
    assert first["queried"][0] == second["queried"][0]
    assert first["queried"][1] != second["queried"][1]


def test_panels_are_named_from_the_study_s_folder(both):
    for folder, _, (records, _, _), _ in both:
        panels = [c["panel"] for r in records for g in r["gallery"] for c in g["cases"]]
        assert len(panels) == 4
        assert all((folder / panel).is_file() for panel in panels)


def test_a_study_resumed_does_not_train_what_has_ended(both, discs, monkeypatch):
    folder, runs, (records, created, _), _ = both[0]

    def never(*_, **__):
        raise AssertionError("a finished run was trained again")

    monkeypatch.setattr(classify, "learn", never)
    again, same, _ = run_study(runs, discs, folder)
    assert again == records  # wall times too: they come from the journal
    assert same == created


def broken_in_round(number, monkeypatch):
    """The entropy arm's strategy fails in a round; the way to repair it."""
    real = experiments.ask

    def ask(craft, model, bought, bench, state, spec, *rest):
        if spec.acquire.strategy == "entropy" and len(state.queries) == number:
            raise ZeroDivisionError("of nothing")
        return real(craft, model, bought, bench, state, spec, *rest)

    monkeypatch.setattr(experiments, "ask", ask)
    return lambda: monkeypatch.setattr(experiments, "ask", real)


def test_a_run_that_fails_stops_no_other_and_is_tried_again(both, discs, tmp_path, monkeypatch):
    repair = broken_in_round(2, monkeypatch)
    runs = runs_of(settings_of(seeds=2, labels=10, budget=2), tmp_path)
    ended = []
    outcome = run_study(runs, discs, tmp_path, finished=lambda run, end: ended.append(end))
    assert [(r["strategy"], r["seed"]) for r in outcome.records] == [("random", 0), ("random", 1)]
    assert [(f["arm"], f["seed"]) for f in outcome.failures] == [
        ("Entropy & regions", 0),
        ("Entropy & regions", 1),
    ]
    for failure in outcome.failures:
        assert (failure["round"], failure["labels"]) == (2, 8)
        assert failure["error"].startswith(
            "ZeroDivisionError: of nothing (test_loop_study.py, line"
        )
    assert [end.failure is None for end in ended] == [True, False, True, False]
    repair()
    mended = run_study(runs, discs, tmp_path)
    whole = run_study(
        runs_of(settings_of(seeds=2, labels=10, budget=2), tmp_path / "new"),
        discs,
        tmp_path / "new",
    )
    assert mended.failures == []
    assert timeless(mended.records) == timeless(whole.records)


def test_if_every_run_fails_there_is_nothing_to_report(discs, tmp_path, monkeypatch):
    broken_in_round(1, monkeypatch)
    arms = [{"name": "entropy", "set": {"acquire.strategy": "entropy"}}]
    with pytest.raises(FovealError, match=r"none of 1 runs .* in round 1: ZeroDivisionError"):
        run_study(runs_of(settings_of(arms=arms), tmp_path), discs, tmp_path)


def test_ctrl_c_stops_the_whole_study(discs, tmp_path, monkeypatch):
    begun = []

    def perform(run, *_):
        begun.append(run)
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "perform", perform)
    with pytest.raises(KeyboardInterrupt):
        run_study(runs_of(settings_of(seeds=3), tmp_path), discs, tmp_path)
    assert len(begun) == 1


def test_a_process_that_was_killed_is_told_in_words(discs, tmp_path, monkeypatch):
    def attempt(*_, **__):
        raise BrokenProcessPool

    monkeypatch.setattr(side_by_side, "attempt", attempt)
    monkeypatch.setattr(side_by_side, "ProcessPoolExecutor", lambda *_: ThreadPoolExecutor(1))
    with pytest.raises(FovealError, match="perhaps because memory ran out"):
        run_study(runs_of(settings_of(), tmp_path), discs, tmp_path, jobs=2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"train.epochs": 2}, "began with other settings of `train.epochs`"),
        ({"report.log": ["tensorboard"]}, None),
    ],
)
def test_a_folder_of_another_study_is_told_before_any_run(both, discs, monkeypatch, changes, told):
    folder = both[0][0]
    monkeypatch.setattr(study, "perform", lambda *_: pytest.fail("a run has begun"))
    runs = runs_of(with_settings(settings_of(), changes), folder)
    if told is None:
        check_study(runs, discs)
        return
    with pytest.raises(SpecError, match=told):
        run_study(runs, discs, folder)


def test_a_folder_of_another_pool_or_version_is_refused(both, discs, tmp_path, monkeypatch):
    folder, runs, *_ = both[0]
    other = shutil.copytree(discs, tmp_path / "data")
    rewrite(other, lambda row: None if row["image"] == "train00.png" else row)
    with pytest.raises(SpecError, match="other images, labels, splits or classes"):
        run_study(runs, other, folder)
    monkeypatch.setattr(study, "__version__", "9.0")
    with pytest.raises(SpecError, match=r"one version of Foveal, .* and this is 9\.0"):
        run_study(runs, discs, folder)


def test_a_run_whose_folder_is_gone_is_run_again(both, discs, tmp_path):
    folder, _, (records, _, _), _ = both[0]
    copy = shutil.copytree(folder, tmp_path / "study")
    shutil.rmtree(copy / "runs" / "random-seed0")
    again = run_study(runs_of(settings_of(), copy), discs, copy)
    assert timeless(again.records) == timeless(records)


@pytest.mark.parametrize("ending", ["parent", "study"])
def test_a_worker_ends_with_its_parent_and_with_a_study_that_is_stopped(monkeypatch, ending):
    pipes = {name: Pipe(duplex=False) for name in ("parent", "study")}
    exited = threading.Event()

    class Parent:
        sentinel = pipes["parent"][0]

    monkeypatch.setattr(side_by_side.multiprocessing, "parent_process", Parent)
    monkeypatch.setattr(side_by_side.os, "_exit", lambda _: exited.set())
    side_by_side._enlist(1, None, pipes["study"][0])
    assert not exited.is_set()
    pipes[ending][1].close()
    assert exited.wait(30)


def test_a_bench_is_opened_once_for_runs_that_agree_on_images(discs, tmp_path, monkeypatch):
    opened = []
    real = study.open_bench
    monkeypatch.setattr(study, "open_bench", lambda *args: opened.append(args) or real(*args))
    study._BENCHES.clear()
    run_study(runs_of(settings_of(), tmp_path), discs, tmp_path)
    assert len(opened) == 1
