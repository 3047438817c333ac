"""`foveal deidentify`: copies, problems as lines, exit status, and nothing of the originals."""

import json
import sys

import pytest

from deidentify_files import export, image, write
from discs import foveal


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEAL_HOME", str(tmp_path / "home"))
    return export(tmp_path / "source")


def test_all_well_ends_with_status_0(source, tmp_path):
    out = tmp_path / "study"
    ended = foveal("deidentify", source, "--out", out)
    assert ended == (0, f"5 files of 2 patients in {out}; 0 problems.\n", "")
    assert len(list(out.rglob("*.dcm"))) == 5
    assert (tmp_path / "home" / "deidentification" / "mapping.jsonl").is_file()
    assert foveal("deidentify", source, "--out", out) == ended


def test_what_is_held_back_is_listed_with_status_1(source, tmp_path):
    write(source / "us [1].dcm", image(study="5", Modality="US"))
    ended = foveal("deidentify", source, "--out", tmp_path / "study")
    assert ended.status == 1
    line, last = ended.out.splitlines()
    assert line.startswith("us [1].dcm: ")
    assert line.endswith("[burned_in]")
    assert last.endswith("1 problems.")
    assert "Zq" not in ended.out + ended.err
    allowed = foveal("deidentify", source, "--out", tmp_path / "study", "--allow-burned-in")
    assert allowed.status == 0


def test_options_reach_the_files(source, tmp_path):
    flags = ["--keep-characteristics", "--keep-device", "--clean-descriptors", "--whole-hours"]
    out, mapping = tmp_path / "study", tmp_path / "key.jsonl"
    ended = foveal("deidentify", source, "--out", out, "--mapping", mapping, *flags)
    assert ended.status == 0, ended.err
    told = json.loads((out / "deidentification.json").read_text())
    assert told["options"] == {
        "shift_dates": True, "whole_hours": True, "characteristics": True, "device": True,
        "descriptors": True, "burned_in": False,
    }  # fmt: skip
    assert mapping.is_file()
    assert not (tmp_path / "home").exists()


def test_dates_can_be_removed(source, tmp_path):
    foveal("deidentify", source, "--out", tmp_path / "study", "--remove-dates")
    told = json.loads((tmp_path / "study" / "deidentification.json").read_text())
    assert [code["value"] for code in told["codes"]] == ["113100"]


def test_a_mapping_in_the_folder_ends_with_status_2(source, tmp_path):
    out = tmp_path / "study"
    ended = foveal("deidentify", source, "--out", out, "--mapping", out / "key.jsonl")
    assert ended.status == 2
    assert "must not lie in the folder that is given away" in ended.err
    assert not out.exists()


def test_no_source_ends_with_status_2(source, tmp_path):
    ended = foveal("deidentify", tmp_path / "nowhere", "--out", tmp_path / "study")
    assert ended.status == 2
    assert "does not exist" in ended.err


def test_without_the_library_it_says_what_to_install(source, tmp_path, monkeypatch):
    for name in [n for n in sys.modules if n.startswith("foveal.data.deidentify")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    ended = foveal("deidentify", source, "--out", tmp_path / "study")
    assert ended.status == 2
    assert "pip install foveal[volumes]" in ended.err


def test_the_help_says_where_the_key_is(source):
    ended = foveal("deidentify", "--help")
    assert ended.status == 0
    assert "FOVEAL_HOME" in ended.out
    assert "Examples" in ended.out
