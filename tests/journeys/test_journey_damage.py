"""Full disks, folders that cannot be written, damaged files: said clearly, and nothing is lost."""

import contextlib
import json
import shutil
import sqlite3
import sys

import pytest

from discs import foveal, timeless, told, write_spec
from foveal.core.spec import parse_spec
from foveal.loop import Ask, Experiment, open_bench

posix = pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")


@pytest.fixture(scope="module")
def spec(discs, tmp_path_factory):
    return write_spec(
        tmp_path_factory.mktemp("spec"),
        data__source=str(discs / "labels.csv"),
        train__epochs=1,
        labels=9,
    )


@pytest.fixture(scope="module")
def whole(spec, tmp_path_factory):
    """What a run that met no trouble tells."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("foveal.cli.finish.write_report", lambda *_: folder)
        assert foveal("run", spec, "--out", folder).status == 0
    return folder


@pytest.fixture(scope="module")
def stopped(spec, tmp_path_factory):
    """A run that was stopped after its first training."""
    folder, parsed = tmp_path_factory.mktemp("stopped"), parse_spec(json.loads(spec.read_text()))
    with Experiment(parsed, open_bench(parsed, spec.parent), folder) as experiment:
        while not isinstance(experiment.next, Ask):
            experiment.step()
    return folder


@pytest.fixture
def half(stopped, tmp_path):
    """A copy of it, to be damaged."""
    return shutil.copytree(stopped, tmp_path / "half")


def records_of(folder):
    return timeless(json.loads((folder / "results.json").read_text())["runs"])


def refused(ended):
    """The command ended as it should when it cannot do its work."""
    assert ended.status == 2
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.out + ended.err
    return ended.err


@contextlib.contextmanager
def disk_with_room_for(size):
    """No file of this process can grow beyond `size` bytes."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@posix
@pytest.mark.parametrize("size", [100, 5_000, 20_000, 60_000])
def test_a_full_disk_stops_a_run_that_then_goes_on(spec, whole, tmp_path, no_page, size):
    folder = tmp_path / "run"
    with disk_with_room_for(size):
        said = refused(foveal("run", spec, "--out", folder))
    assert "space" in said
    assert foveal("run", spec, "--out", folder).status == 0
    assert told(folder) == told(whole)
    assert records_of(folder) == records_of(whole)


@posix
@pytest.mark.parametrize("size", [100, 100_000, 200_000])
def test_a_full_disk_under_the_cache(spec, tmp_path, no_page, monkeypatch, size):
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "cache"))
    with disk_with_room_for(size):
        said = refused(foveal("run", spec, "--out", tmp_path / "run"))
    assert "space" in said
    assert not (tmp_path / "run").exists()
    assert foveal("run", spec, "--out", tmp_path / "run").status == 0


def test_a_folder_below_a_file_cannot_be_written(spec, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("kept")
    assert "choose" in refused(foveal("run", spec, "--out", tmp_path / "file" / "run"))
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "file" / "cache"))
    assert "FOVEAL_CACHE" in refused(foveal("run", spec, "--out", tmp_path / "run"))
    assert (tmp_path / "file").read_text() == "kept"


def sql(statement):
    def change(folder):
        with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
            connection.execute(statement)
            connection.commit()

    return change


def torn(folder):
    path = folder / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:6000])


def garbage(folder):
    (folder / "journal.sqlite").write_bytes(b"this is no database at all" * 500)


def other_program(folder):
    (folder / "journal.sqlite").unlink()
    sql("CREATE TABLE photos (name TEXT)")(folder)


DAMAGES = {
    "a label altered": sql(
        "UPDATE foveal_events SET payload = replace(payload, '\"label\":0', '\"label\":1')"
        " WHERE kind = 'annotated'"
    ),
    "an entry removed": sql("DELETE FROM foveal_events WHERE seq = 4"),
    "the end cut off": sql("DELETE FROM foveal_events WHERE seq > 5"),
    "an entry slipped in": sql(
        "INSERT INTO foveal_events SELECT 99, kind, payload, previous, hash"
        " FROM foveal_events WHERE seq = 3"
    ),
    "the head removed": sql("DELETE FROM foveal_head"),
    "another version": sql("UPDATE foveal_head SET version = 99"),
    "torn": torn,
    "garbage": garbage,
    "another program's": other_program,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_journal_is_refused_and_left_alone(half, spec, damage):
    DAMAGES[damage](half)
    before = (half / "journal.sqlite").read_bytes()
    said = refused(foveal("run", spec, "--out", half))
    assert "journal" in said
    assert "backup" in said or "choose another" in said
    assert (half / "journal.sqlite").read_bytes() == before


def test_from_a_backup_a_run_goes_on(stopped, half, spec, whole, no_page):
    garbage(half)
    refused(foveal("run", spec, "--out", half))
    shutil.copy(stopped / "journal.sqlite", half)
    assert foveal("run", spec, "--out", half).status == 0
    assert told(half) == told(whole)


def blobs_of(folder, key):
    found = []
    for kind, payload in told(folder):
        if kind == "trained" and key == "checkpoint":
            found.append(payload["checkpoint"])
        if kind == "annotated" and key == "region":
            found.append(payload["annotation"]["region"])
    return [folder / "blobs" / digest for digest in found]


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def altered(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def gone(path):
    path.unlink()


@pytest.mark.parametrize("damage", [cut, altered, gone])
@pytest.mark.parametrize("key", ["checkpoint", "region"])
def test_a_damaged_file_of_a_run_is_named(half, spec, damage, key):
    path = blobs_of(half, key)[0]
    damage(path)
    entries = told(half)
    said = refused(foveal("run", spec, "--out", half))
    assert f"blob {path.name}" in said
    assert "backup" in said
    # Asking needs the checkpoint, training the regions; all that was done before is kept.
    assert told(half)[: len(entries)] == entries


def test_two_commands_on_one_folder(half, spec):
    parsed = parse_spec(json.loads(spec.read_text()))
    with Experiment(parsed, open_bench(parsed, spec.parent), half):
        said = refused(foveal("run", spec, "--out", half))
    assert "only one run at a time may own journal" in said


def test_a_folder_of_another_experiment(half, spec):
    before = told(half)
    said = refused(foveal("run", spec, "--out", half, "--set", "seed=4", "--set", "train.epochs=2"))
    assert "other settings of `seed`, `train.epochs`" in said
    assert told(half) == before
