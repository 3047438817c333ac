"""`foveal compare`: strategies times seeds, with statistics, resumed by the same command."""

import json
from itertools import combinations

import pytest

from discs import foveal, timeless, write_spec
from foveal.loop import experiment as experiments


@pytest.fixture(scope="module")
def compared(spec, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    return folder, foveal(*command(spec, folder))


def command(spec, folder):
    arms = "--strategies", "random, entropy,margin", "--seeds", 2
    return "compare", spec, *arms, "--no-baselines", "--out", folder


def stored(folder):
    return json.loads((folder / "results.json").read_text())


def test_every_strategy_meets_every_seed(compared):
    folder, ended = compared
    assert ended.status == 0, ended.err
    results = stored(folder)
    made = [(r["strategy"], r["acquire"], r["seed"]) for r in results["runs"]]
    assert made == [(s, s, seed) for seed in (0, 1) for s in ("random", "entropy", "margin")]
    assert sorted(results["summary"]) == ["entropy", "margin", "random"]
    first = {r["seed"]: set() for r in results["runs"]}
    for run in results["runs"]:
        first[run["seed"]].add(tuple(run["queried"][0]))
    assert all(len(seed_sets) == 1 for seed_sets in first.values())
    assert len({s for seed_sets in first.values() for s in seed_sets}) == 2


def test_every_pair_is_tested(compared):
    tests = stored(compared[0])["tests"]
    accuracy = {(t["a"], t["b"]) for t in tests if t["metric"] == "accuracy"}
    assert accuracy == set(combinations(["random", "entropy", "margin"], 2))


def test_the_last_words_name_each_arm_and_what_to_doubt(compared):
    _, ended = compared
    for arm in ("random", "entropy", "margin"):
        assert f"{arm}, seed 1: macro AUROC" in ended.out
    assert "Note: 2 seeds in common give a test little power" in ended.out
    assert "±" in ended.out


def test_again_it_resumes(compared, spec, no_page):
    folder, _ = compared
    before = stored(folder)
    assert foveal(*command(spec, folder)).status == 0
    assert stored(folder) == before


def test_arms_come_from_the_spec_and_their_names_are_printed_as_written(discs, tmp_path, no_page):
    names = ["[bold]new[/bold]", "classes [alone]"]
    path = write_spec(
        tmp_path,
        data__source=str(discs / "labels.csv"),
        train__epochs=1,
        labels=6,
        arms=[{"name": n, "set": {"acquire.strategy": "random"}} for n in names],
    )
    ended = foveal("compare", path, "--no-baselines", "--out", tmp_path / "out")
    assert ended.status == 0, ended.err
    assert sorted(stored(tmp_path / "out")["summary"]) == sorted(names)
    for name in names:
        assert ended.out.count(name) >= 2  # when it ends, and in the table


@pytest.mark.parametrize(
    ("strategies", "told"),
    [
        ("random,entropi", "no strategy 'entropi'. Did you mean 'entropy'?"),
        ("random,random", "names of `arms` must differ"),
        ("random,,entropy", "`arms.1.name`"),
        ("misalignment", "regions.source"),
    ],
)
def test_a_wrong_strategy_is_told_before_any_run(spec, tmp_path, strategies, told):
    folder = tmp_path / "out"
    none = ["--set", "regions.source=none"] if strategies == "misalignment" else []
    ended = foveal("compare", spec, "--strategies", strategies, "--out", folder, *none)
    assert ended.status == 2
    assert told in ended.err
    assert not folder.exists()


def test_a_compared_run_is_the_run_alone(compared, spec, tmp_path, no_page):
    folder, _ = compared
    alone = foveal("run", spec, "--set", "acquire.strategy=margin", "--out", tmp_path)
    assert alone.status == 0, alone.err
    (run,) = timeless(stored(tmp_path)["runs"])
    same = timeless(next(r for r in stored(folder)["runs"] if r["strategy"] == "margin"))
    for record in (run, same):
        record.pop("gallery")  # panels lie in other folders
    assert run == same


def test_a_run_that_fails_is_told_and_the_same_command_tries_it_again(
    spec, tmp_path, no_page, monkeypatch
):
    real = experiments.ask

    def ask(craft, model, bought, bench, state, spec, *rest):
        if spec.acquire.strategy == "entropy":
            raise ZeroDivisionError("[of] nothing")
        return real(craft, model, bought, bench, state, spec, *rest)

    asked = "compare", spec, "--strategies", "random,entropy", "--no-baselines", "--out", tmp_path
    with monkeypatch.context() as broken:
        broken.setattr(experiments, "ask", ask)
        ended = foveal(*asked)
    assert ended.status == 1, ended.err
    assert "entropy, seed 0: failed" in ended.out
    assert ended.out.count("ZeroDivisionError: [of] nothing") == 2  # at once, and in the end
    results = stored(tmp_path)
    assert [run["strategy"] for run in results["runs"]] == ["random"]
    (failure,) = results["failures"]
    assert (failure["arm"], failure["round"], failure["labels"]) == ("entropy", 1, 6)
    assert foveal(*asked).status == 0
    assert stored(tmp_path)["failures"] == []
    assert len(stored(tmp_path)["runs"]) == 2


def test_several_specs_make_a_comparison_each_and_a_ranking(discs, tmp_path, no_page):
    paths = [
        write_spec(
            tmp_path,
            f"{name}.yaml",
            data__source=str(discs / "labels.csv"),
            train__epochs=epochs,
            labels=6,
            acquire__strategy="entropy",
        )
        for epochs, name in ((1, "one"), (2, "two"))
    ]
    ended = foveal("compare", *paths, "--out", tmp_path / "out")
    assert ended.status == 0, ended.err
    whole = stored(tmp_path / "out")
    assert [one["folder"] for one in whole["sets"]] == ["one", "two"]
    arms = ["entropy", "random", "stratified_random", "foreground_random"]
    for one in whole["sets"]:
        own = stored(tmp_path / "out" / one["folder"])
        assert list(own["summary"]) == arms
        assert own["spec"]["arms"][0]["name"] == "entropy"
        for metric, by_arm in one["metrics"].items():
            assert by_arm["random"]["aubc"] == own["summary"]["random"][metric]["aubc"]["mean"]
    assert whole["ranking"]["accuracy"]["arms"] == arms
    assert set(whole["ranking"]["accuracy"]["ranks"]) == {"one", "two"}
    assert "Mean rank over 2 data sets" in ended.out


def test_an_error_in_the_last_spec_is_told_before_the_first_begins(spec, tmp_path):
    wrong = write_spec(tmp_path, "wrong.yaml", data__source="nowhere.csv")
    ended = foveal("compare", spec, wrong, "--out", tmp_path / "out")
    assert ended.status == 2
    assert "nowhere.csv" in ended.err
    assert not (tmp_path / "out").exists()


def test_specs_that_would_share_a_folder_are_refused(spec, tmp_path):
    ended = foveal("compare", spec, spec, "--out", tmp_path / "out")
    assert ended.status == 2
    assert "must have different file names, but 2 are called 'spec'" in ended.err
