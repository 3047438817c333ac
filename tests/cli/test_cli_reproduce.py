"""`foveal reproduce`: published studies on the user's data, resumed by the same command."""

import json
import re

import pytest

from discs import foveal, rewrite, timeless, write_discs
from foveal.cli.named_data import named_data
from foveal.cli.presets import preset_names, read_preset
from foveal.core.errors import SpecError
from foveal.core.preset import setting
from foveal.core.spec import parse_spec
from foveal.loop import experiment, runs_of
from foveal.loop.presets import Material, settings_of, with_labels

PLENTY = Material(
    "plenty",
    {"unlabeled": {"0": 4000, "1": 4000}, "val": {"0": 90, "1": 90}},
    candidates=8000,
    regions=8000,
    patients={f"p{i}": 100 for i in range(80)},
)
SHORT = ("--seeds", 1, "--set", "train.epochs=1")
TWO_ARMS = (
    "arms=[{name: random, set: {acquire.strategy: random, regions.source: none}}, "
    "{name: EG-AL predicted, set: {acquire.strategy: eg_al}}]"
)


def whole(name, mode="features"):
    """The settings of a preset on data that can bear it."""
    preset = read_preset(name)
    rare = ["1"] if preset.needs == "rare" else []
    return preset, with_labels(settings_of(preset, PLENTY, "x", mode, rare), preset.sizes.rounds)


@pytest.mark.parametrize("mode", ["features", "full"])
@pytest.mark.parametrize("name", preset_names())
def test_every_arm_of_a_preset_can_run(name, mode, tmp_path):
    _, settings = whole(name, mode)
    runs = runs_of(settings, tmp_path)  # raises what a run would
    assert {"random", "stratified random"} <= {run.arm for run in runs}
    assert len({run.spec.seed for run in runs}) == settings["seeds"]


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_speaks_of_arms_and_settings_that_exist(name):
    preset, settings = whole(name)
    arms = {arm["name"] for arm in settings["arms"]}
    assert {one.arm for one in preset.published} <= arms
    spec = parse_spec(settings).model_dump(mode="json")
    named = [
        key for a in preset.protocol for key in (*a.same_if, *re.findall(r"\{(.+?)\}", a.ours))
    ]
    settable = {"train.epochs", "train.learning_rate", "train.batch_size"}  # None: the usual
    assert all(setting(spec, key) is not None for key in set(named) - settable)
    assert preset.not_public


def test_the_sizes_are_those_of_the_papers():
    sizes = {name: whole(name)[1]["labels"] for name in preset_names()}
    shares = sizes.pop("lmi-al") / (8000 - 100)  # of the pool, without the patient left out
    assert shares == pytest.approx(0.3, abs=0.001)
    assert sizes == {"eg-al": 570, "clinical": 205, "survey": 400}


@pytest.fixture(scope="module")
def reproduced(discs, cache_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduced")
    return folder, foveal(*command(discs, folder))


def command(discs, folder):
    source = f"BraTS={discs / 'labels.csv'}"
    return ("reproduce", "eg-al", "--data", source, "--out", folder, *SHORT,
            "--set", TWO_ARMS, "--set", "labels=5")  # fmt: skip


def stored(folder):
    return json.loads((folder / "results.json").read_text())


def test_the_study_runs_and_its_numbers_stand_beside_the_published(reproduced):
    folder, ended = reproduced
    assert ended.status == 0, ended.err
    assert (folder / "report.html").is_file()
    results = stored(folder)
    assert {run["strategy"] for run in results["runs"]} == {"random", "EG-AL predicted"}
    page = (folder / "reproduction.md").read_text()
    assert "| BraTS: accuracy, 570 labels | abstract | 77.22 % | not run |" in page
    assert re.search(r"\| not reported \| [+−\d.]+ points \(1 seed\) \| EG-AL predicted", page)
    assert "| query | 60 images a round | 1 images a round | no |" in page
    for told in ("77.22 %", "Not like for like", "Not public:"):
        assert told in ended.out


def test_the_same_command_goes_on(reproduced, discs, no_page):
    folder, _ = reproduced
    before, page = stored(folder), (folder / "reproduction.md").read_text()
    assert foveal(*command(discs, folder)).status == 0
    assert timeless(stored(folder)) == timeless(before)
    assert (folder / "reproduction.md").read_text() == page


def test_a_run_that_fails_stops_no_other_and_is_tried_again(discs, tmp_path, no_page, monkeypatch):
    real = experiment.ask

    def ask(craft, model, bought, bench, state, spec, *rest):
        if spec.acquire.strategy == "eg_al":
            raise ZeroDivisionError("nothing")
        return real(craft, model, bought, bench, state, spec, *rest)

    with monkeypatch.context() as broken:
        broken.setattr(experiment, "ask", ask)
        ended = foveal(*command(discs, tmp_path))
    assert ended.status == 1, ended.err
    row = "| not reported | {} | EG-AL predicted |"
    assert row.format("not run") in (tmp_path / "reproduction.md").read_text()
    assert foveal(*command(discs, tmp_path)).status == 0
    assert row.format("not run") not in (tmp_path / "reproduction.md").read_text()


def test_several_sets_have_a_folder_each(discs, tmp_path, no_page):
    other = write_discs(tmp_path / "other", seed=1)
    ended = foveal("reproduce", "clinical", "--data", f"One={discs / 'labels.csv'}",
                   "--data", other / "labels.csv", "--rare", "disc", "--out", tmp_path / "out",
                   *SHORT, "--set", "arms=[{name: random, set: {acquire.strategy: random}}, "
                   "{name: FLQMI, set: {acquire.strategy: flqmi}}]", "--set", "labels=4",
                   "--set", "acquire.target.only=all")  # fmt: skip
    assert ended.status == 0, ended.err
    page = (tmp_path / "out" / "reproduction.md").read_text()
    assert page.index("beside ours: One") < page.index("beside ours: other")
    ranking = stored(tmp_path / "out")["ranking"]["accuracy"]
    assert ranking["sets"] == 2
    assert set(ranking["arms"]) == {"random", "FLQMI"}
    for name in ("one", "other"):
        runs = stored(tmp_path / "out" / name)["runs"]
        run = next(r for r in runs if r["strategy"] == "FLQMI")
        found = run["class_counts"][1]["disc"] - run["class_counts"][0]["disc"]
        assert f"rare images in the first query | none | not reported | {found}.0 images" in page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("eg_al",),
            "no preset 'eg_al'. Did you mean 'eg-al'? Known: clinical, eg-al, lmi-al, survey",
        ),
        (("clinical",), "none is named; name it with --rare, once for each. The classes"),
        (("clinical", "--rare", "dics"), "no class 'dics'. Did you mean 'disc'?"),
        (("clinical", "--rare", "disc", "--rare", "cone"), "no data set has a class 'cone'"),
        (("survey", "--rare", "disc"), "'survey' seeks no rare class; leave out --rare"),
        (("survey", "--set", "model.mod=full"), "unknown key `model.mod`"),
        (("survey", "--set", "labels=900"), "900 labels are asked for"),
    ],
)
def test_a_wrong_wish_is_told_before_any_run(discs, tmp_path, arguments, told):
    out = tmp_path / "out"
    ended = foveal("reproduce", *arguments, "--data", discs / "labels.csv", "--out", out)
    assert ended.status == 2
    assert told in ended.err
    assert not out.exists()


def test_data_without_regions_is_told_before_any_run(tmp_path):
    folder = write_discs(tmp_path / "bare")
    keys = ("image", "label", "patient", "split")
    rewrite(folder, lambda row: {k: row[k] for k in keys})
    ended = foveal("reproduce", "eg-al", "--data", folder / "labels.csv", "--out", tmp_path / "o")
    assert ended.status == 2
    assert "'eg-al' needs a region of every candidate, but 24 of 24" in ended.err
    assert not (tmp_path / "o").exists()


def test_a_data_set_is_called_as_written_or_after_its_folder(discs, tmp_path):
    table = discs / "labels.csv"
    (tmp_path / "chest.npz").touch()
    sets = named_data([f"BraTS={table}", str(table), str(tmp_path / "chest.npz")])
    assert [one.name for one in sets] == ["BraTS", "data", "chest"]
    assert sets[0].source == str(table)
    with pytest.raises(SpecError, match="two are called 'data'"):
        named_data([str(table), f"Data={table}"])
    with pytest.raises(SpecError, match=r"there is no 'nowhere\.csv'"):
        named_data(["x=nowhere.csv"])
