"""`foveal report`: from stored runs, one or several, and never a picture of the wrong patient."""

import json
import shutil

import pytest

from discs import foveal


def panels_of(results):
    return [c["panel"] for r in results["runs"] for g in r["gallery"] for c in g["cases"]]


@pytest.fixture
def monday(ran, tmp_path):
    """A copy of a run's folder that may be spoilt."""
    return shutil.copytree(ran[0], tmp_path / "monday")


@pytest.fixture
def tuesday(monday, tmp_path):
    """Another run: other seed, and pictures that are told from Monday's by their bytes."""
    folder = shutil.copytree(monday, tmp_path / "week" / "monday")
    path = folder / "results.json"
    results = json.loads(path.read_text())
    results["runs"][0]["seed"] = 1
    path.write_text(json.dumps(results))
    for panel in panels_of(results):
        (folder / panel).write_bytes((folder / panel).read_bytes() + b"tuesday")
    return folder


@pytest.fixture
def written(monkeypatch):
    """Takes the place of the page: what would be drawn, and where."""
    seen = []

    def write_report(results, folder):
        seen.append((results, folder))
        return folder / "report.html"

    monkeypatch.setattr("foveal.report.write_report", write_report)
    return seen


def test_the_page_is_made_again_as_it_was(monday):
    page = monday / "report.html"
    before = page.read_bytes()
    page.unlink()
    shutil.rmtree(monday / "figures")
    ended = foveal("report", monday)
    assert ended == (0, f"Report: {page}\n", "")
    assert page.read_bytes() == before
    assert list((monday / "figures").iterdir())


def test_results_of_an_older_version_get_the_statistics_of_this_one(monday, written):
    path = monday / "results.json"
    whole = json.loads(path.read_text())
    older = {k: v for k, v in whole.items() if k not in ("penalty", "winner", "failures")}
    path.write_text(json.dumps(older | {"tests": [], "summary": {}}))
    assert foveal("report", monday).status == 0
    assert written[0][0] == json.loads(path.read_text()) == whole


def test_a_comparison_over_data_sets_is_reported_where_it_lies(tmp_path, written, monday):
    folder = tmp_path / "sets"
    folder.mkdir()
    results = {"version": "0", "name": "2 data sets", "sets": [], "ranking": {}}
    (folder / "results.json").write_text(json.dumps(results))
    assert foveal("report", folder).status == 0
    assert written == [(results, folder)]
    for wrong in ((folder, "--out", tmp_path / "new"), (folder, monday, "--out", tmp_path / "b")):
        ended = foveal("report", *wrong)
        assert ended.status == 2
        assert "reported alone" in ended.err


def test_elsewhere_it_takes_its_pictures_along(monday, written, tmp_path):
    assert foveal("report", monday, "--out", tmp_path / "new").status == 0
    ((results, folder),) = written
    for panel, original in zip(panels_of(results), panels_of(stored(monday)), strict=True):
        assert (folder / panel).read_bytes() == (monday / original).read_bytes()


def stored(folder):
    return json.loads((folder / "results.json").read_text())


def test_two_runs_make_one_report(monday, tuesday, written, tmp_path):
    """Both folders are named monday, and both runs eg_al: neither may hide the other."""
    ended = foveal("report", monday, tuesday, "--out", tmp_path / "both")
    assert ended.status == 0, ended.err
    ((results, folder),) = written
    assert [r["strategy"] for r in results["runs"]] == ["eg_al (monday-1)", "eg_al (monday-2)"]
    assert sorted(results["summary"]) == ["eg_al (monday-1)", "eg_al (monday-2)"]
    pictures = [(folder / panel).read_bytes() for panel in panels_of(results)]
    half = len(pictures) // 2
    assert [p.endswith(b"tuesday") for p in pictures] == [False] * half + [True] * half
    assert not results["warnings"] or "different pools" not in results["warnings"][0]


def test_runs_on_different_pools_are_not_compared_in_silence(monday, tuesday, written, tmp_path):
    results = stored(tuesday)
    results["pool"]["digest"] = "another"
    (tuesday / "results.json").write_text(json.dumps(results))
    assert foveal("report", monday, tuesday, "--out", tmp_path / "both").status == 0
    assert "different pools" in written[0][0]["warnings"][0]


@pytest.mark.parametrize("here", [".", "../monday"])
def test_the_folder_one_stands_in_is_a_folder_like_others(
    monday, written, tmp_path, monkeypatch, here
):
    monkeypatch.chdir(monday)
    assert foveal("report", here, "--out", tmp_path / "new").status == 0
    panels = panels_of(written[0][0])
    assert all(panel.startswith("monday/gallery/") for panel in panels)
    assert all((tmp_path / "new" / panel).is_file() for panel in panels)


def test_several_folders_need_a_place_for_their_report(monday, tuesday):
    ended = foveal("report", monday, tuesday)
    assert ended.status == 2
    assert "--out" in ended.err


def test_a_missing_picture_is_named_in_the_page_not_fatal(monday, written, tmp_path):
    (monday / panels_of(stored(monday))[0]).unlink()
    assert foveal("report", monday, "--out", tmp_path / "new").status == 0


def test_a_picture_outside_its_folder_is_not_fetched(monday, written, tmp_path):
    results = stored(monday)
    results["runs"][0]["gallery"][0]["cases"][0]["panel"] = "../secret.png"
    (monday / "results.json").write_text(json.dumps(results))
    (tmp_path / "secret.png").write_bytes(b"secret")
    ended = foveal("report", monday, "--out", tmp_path / "new")
    assert ended.status == 2
    assert "must lie inside" in ended.err
    assert not written


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "could not be read: No such file"),
        ("{", "must be JSON, but is damaged"),
        ("[]", "must be results of `foveal run`"),
        ('{"runs": []}', "lacks pool, summary, tests, warnings"),
    ],
)
def test_what_is_no_result_is_said_so(tmp_path, content, told):
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    ended = foveal("report", tmp_path)
    assert ended.status == 2
    assert told in ended.err
    assert "Traceback" not in ended.err
