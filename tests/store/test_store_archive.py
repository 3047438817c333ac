import hashlib
import json
import stat
import warnings
import zipfile

import pytest
from project_toys import after_trainings, train

from foveal.core.annotation import Annotation
from foveal.core.errors import DataError, SchemaError, StoreError
from foveal.store import archive as module
from foveal.store.archive import MANIFEST, write_archive
from foveal.store.folder import read_about, source_of
from foveal.store.project import ProjectStore
from foveal.store.unarchive import open_archive

TOKEN = "0123456789abcdef"
SHAPES = b'{"height":2,"shapes":[],"version":1,"width":2}'


def begun(folder, source="pool.csv"):
    store = ProjectStore.create(folder)
    created = {
        "project": store.id,
        "spec": {"data": {"source": source}},
        "live": {"classes": ["no", "yes"]},
        "pool_digest": "0" * 64,
        "classes": ["no", "yes"],
        "parts": {"s0": "unlabeled", "s1": "unlabeled"},
        "receipt": {},
        "version": "",
    }
    store.append([("created", created)])
    (folder / source).write_text("image,label\npics/a.png,\npics/vol.nii.gz#k:1,\n../b.png,\n")
    (folder / "pics").mkdir()
    (folder / "pics/a.png").write_bytes(b"picture a")
    (folder / "pics/vol.nii.gz").write_bytes(b"volume")
    (folder / "pics/other.png").write_bytes(b"not in the table")
    (folder.parent / "b.png").write_bytes(b"outside")
    for number, sample in enumerate(("s0", "s1")):
        told = Annotation(sample, "ann", "labeled", number, key=f"key-{number:04}")
        store.save(told, f"region {number}".encode(), SHAPES)
    store.accounts.add("ann", "reader", "a long password 1")
    return store


@pytest.fixture
def project(tmp_path):
    with begun(tmp_path / "one") as store:
        yield store


@pytest.fixture
def packed(project, tmp_path):
    write_archive(project, tmp_path / "a.zip")
    return tmp_path / "a.zip"


def series_files(folder, token):
    """As in data: the files of one series, and of no other in its folder."""
    return sorted((folder / "1").iterdir()) if token == TOKEN else ()


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {one: archive.read(one) for one in archive.namelist()}


def rewritten(path, content, change=None):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # zipfile's own, of names that come twice
        for name, data in content.items():
            archive.writestr(name, data)
        if change is not None:
            change(archive)
    return path


def test_a_project_opens_elsewhere_with_the_same_journal_and_blobs(project, packed, tmp_path):
    assert open_archive(packed, tmp_path / "two") == project.id
    with ProjectStore.open(tmp_path / "two") as other:
        assert other.journal.events() == project.journal.events()
        assert other.id == project.id == other.live().project
        for told in other.live().history:
            assert other.blobs.get(told.region) == project.blobs.get(told.region)
            assert other.blobs.get(told.shapes) == SHAPES
        assert other.accounts.all() == ()
    assert (tmp_path / "two" / MANIFEST).read_bytes() == (project.folder / "pool.csv").read_bytes()


@pytest.mark.parametrize("during", [1, 2, 3])
def test_an_archive_has_its_last_model_however_many_trainings_end_meanwhile(
    project, tmp_path, monkeypatch, during
):
    for _ in range(3):
        train(project)
    slow = after_trainings(project, module._pack_blob, during)
    monkeypatch.setattr(module, "_pack_blob", slow)
    write_archive(project, tmp_path / "a.zip")
    open_archive(tmp_path / "a.zip", tmp_path / "two")
    with ProjectStore.open(tmp_path / "two") as other:
        assert other.verify() == ()
        assert other.blobs.get(other.live().trained[-1].checkpoint)


def test_neither_secret_nor_accounts_travel(project, packed, tmp_path):
    secret = (project.folder / "secret").read_bytes()
    assert all(secret not in data for data in members(packed).values())
    assert not any("secret" in name or "sqlite" in name for name in members(packed))
    assert b"a long password" not in b"".join(members(packed).values())
    open_archive(packed, tmp_path / "two")
    again = tmp_path / "two" / "secret"
    assert again.read_bytes() != secret
    assert stat.S_IMODE(again.stat().st_mode) == 0o600


def test_images_travel_only_when_asked_and_only_those_below_the_manifest(project, tmp_path):
    assert write_archive(project, tmp_path / "b.zip", series_files=series_files).images == 2
    names = {name for name in members(tmp_path / "b.zip") if name.startswith("images/")}
    assert names == {MANIFEST, "images/pics/a.png", "images/pics/vol.nii.gz"}
    open_archive(tmp_path / "b.zip", tmp_path / "two")
    with ProjectStore.open(tmp_path / "two") as other:
        manifest = other.folder / source_of(other.folder, other.live().created)
    assert (manifest.parent / "pics/a.png").read_bytes() == b"picture a"


def test_only_images_and_regions_travel_and_no_folder_that_a_label_is_called_by(project, tmp_path):
    root = project.folder
    (root / "pool.csv").write_text(
        "Image;label;mask;note\n"
        "benign/a#1.png;benign;masks/a.png|masks/b.png;notes.txt\n"
        f"scans#{TOKEN}:3;benign;benign;\n"
        "scans#fedcba9876543210:3;benign;;\n"
    )
    kept = {"benign/a#1.png", "masks/a.png", "masks/b.png", "scans/1/a.dcm"}
    others = {"benign/patients.xlsx", "notes.txt", "masks/c.png", "scans/2/b.dcm", "scans/list.csv"}
    for name in kept | others:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    write_archive(project, tmp_path / "b.zip", series_files=series_files)
    names = {name for name in members(tmp_path / "b.zip") if name.startswith("images/")}
    assert names == {MANIFEST} | {f"images/{name}" for name in kept}


def test_the_images_may_lie_in_another_folder(project, packed, tmp_path):
    root = tmp_path / "elsewhere"
    root.mkdir()
    open_archive(packed, tmp_path / "two", root)
    found = tmp_path / "two" / read_about(tmp_path / "two")["source"]
    assert found.parent == root
    assert found.read_bytes() == (project.folder / "pool.csv").read_bytes()
    found.write_text("mine")
    with pytest.raises(StoreError, match="differs"):
        open_archive(packed, tmp_path / "three", root)
    assert found.read_text() == "mine"
    assert not (tmp_path / "three").exists()


def test_an_opened_project_can_be_archived_again(project, packed, tmp_path):
    open_archive(packed, tmp_path / "two")
    with ProjectStore.open(tmp_path / "two") as other:
        write_archive(other, tmp_path / "b.zip")
    assert members(packed) == members(tmp_path / "b.zip")


def link(archive):
    info = zipfile.ZipInfo("images/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


def named(name):
    return lambda archive: archive.writestr(zipfile.ZipInfo(name), b"x")


HOSTILE = {
    "absolute": named("/images/x"),
    "parent": named("images/../../x"),
    "dot": named("images/./x"),
    "drive": named("C:/x"),
    "backslash": named("images\\..\\x"),
    "secret": named("secret"),
    "database": named("project.sqlite"),
    "project": named("project.json"),
    "folder": named("images/sub/"),
    "blob": named("blobs/readme"),
    "twice": named("images/pool.csv"),
    "case": named("images/POOL.csv"),
    "link": link,
    "bomb": lambda archive: archive.writestr("blobs/" + "a" * 64, b"\0" * 2**22),
    "hash": named("blobs/" + "b" * 64),
}


@pytest.mark.parametrize("how", sorted(HOSTILE))
def test_hostile_archives_leave_nothing_behind(packed, tmp_path, how):
    bad = rewritten(tmp_path / "bad.zip", members(packed), HOSTILE[how])
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(SchemaError, match="nothing was opened"):
        open_archive(bad, tmp_path / "two")
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_name_cut_by_nul_is_refused(packed, tmp_path):
    bad = rewritten(tmp_path / "bad.zip", members(packed), named("images/x#.png"))
    bad.write_bytes(bad.read_bytes().replace(b"images/x#.png", b"images/x\0.png"))
    with pytest.raises(SchemaError):
        open_archive(bad, tmp_path / "two")


def test_every_change_of_the_journal_is_found(packed, tmp_path):
    content = members(packed)
    lines = content["journal.jsonl"].splitlines(keepends=True)
    altered = lines[1].replace(b'"label":0', b'"label":1')
    assert altered != lines[1]
    for changed in (
        lines[:-1],
        lines[1:],
        [*lines, lines[-1]],
        [lines[0], altered, lines[2]],
        [lines[0], lines[2], lines[1]],
        [lines[0], b"{not json\n"],
        [lines[0], b"[" * 100_000 + b"\n"],
        [b"[]\n"],
        [],
    ):
        bad = rewritten(tmp_path / "bad.zip", content | {"journal.jsonl": b"".join(changed)})
        with pytest.raises(SchemaError):
            open_archive(bad, tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_a_missing_blob_is_found_on_both_ways(project, packed, tmp_path):
    content = members(packed)
    digest = hashlib.sha256(b"region 1").hexdigest()
    del content[f"blobs/{digest}"]
    with pytest.raises(SchemaError, match="missing"):
        open_archive(rewritten(tmp_path / "bad.zip", content), tmp_path / "two")
    project.blobs.path(digest).write_bytes(b"altered")
    with pytest.raises(SchemaError, match="altered"):
        write_archive(project, tmp_path / "c.zip")
    project.blobs.drop(digest)
    with pytest.raises(StoreError, match="gone"):
        write_archive(project, tmp_path / "c.zip")
    assert not list(tmp_path.glob("*c.zip*"))


def test_another_projects_id_and_newer_versions_are_refused(packed, tmp_path):
    content = members(packed)
    about = json.loads(content["archive.json"])
    for change in ({"project": "0" * 16}, {"project": "../x"}, {"version": 2}, {"length": "3"}):
        bad = content | {"archive.json": json.dumps(about | change)}
        with pytest.raises(SchemaError):
            open_archive(rewritten(tmp_path / "bad.zip", bad), tmp_path / "two")
    for data in (b"", b"PK\3\4 no zip", packed.read_bytes()[:-200]):
        (tmp_path / "bad.zip").write_bytes(data)
        with pytest.raises(SchemaError):
            open_archive(tmp_path / "bad.zip", tmp_path / "two")


def test_nothing_is_overwritten(project, packed, tmp_path):
    with pytest.raises(StoreError, match="empty"):
        open_archive(packed, project.folder)
    with pytest.raises(StoreError, match="outside"):
        write_archive(project, project.folder / "a.zip")
    with pytest.raises(StoreError):
        write_archive(project, tmp_path / "missing" / "a.zip")


def test_a_manifest_that_is_no_table_is_refused(tmp_path):
    with begun(tmp_path / "one") as store:
        (store.folder / "pool.csv").unlink()
        with pytest.raises(DataError, match="CSV"):
            write_archive(store, tmp_path / "a.zip")
