"""Commands of projects: made, read, trained, exported, taken in, checked and copied."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import pytest

from dicom_files import oblique, write_series
from discs import foveal
from foveal.annotate.dashboard import MAIN_METRICS
from foveal.cli import supervisor
from foveal.cli.status import _point
from foveal.core.errors import StoreError
from foveal.core.spec import parse_spec
from foveal.data.dicom import find_series
from foveal.loop.live.init import collection_of, project_spec
from foveal.store import mounts
from foveal.store.project import ProjectStore
from live_discs import ScriptedReader, blind
from nifti_files import noise, write_nifti

MAKE = (
    "--classes", "disc,square", "--live", "train_every=6", "--live", "queue=8",
    "--live", "test_every=3", "--set", "data.image_size=64", "--set", "data.leaks=report",
    "--set", "model.adapter=8", "--set", "model.pooling=mean", "--set", "train.epochs=3",
    "--set", "train.explanation_weight=0", "--set", "train.region_weight=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return blind(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def project(images):
    """A project of which nine cases were read and a model was made."""
    folder = images / "project"
    made = foveal("init", folder, "--pool", images / "labels.csv", *MAKE)
    assert made.status == 0, made
    assert "30 images to choose from, 8 for the test, 0 read already" in made.out
    assert "Patients: 19; none crosses the split." in made.out
    assert "reads nothing here" in (folder / "spec.yaml").read_text()
    with ProjectStore.open(folder) as store:
        pool = collection_of(parse_spec(store.live().created["spec"]), folder)
        ScriptedReader(images).read(store, pool, 9)
    assert foveal("worker", folder, "--once").status == 0
    return folder


def test_status_tells_what_was_read_and_what_the_model_is_worth(project):
    said = foveal("status", project)
    assert said.status == 0
    assert "6 of 30 images read" in said.out
    assert "3 of 8 test images" in said.out
    assert "With 6 labels: AUROC" in said.out
    told = json.loads(foveal("status", project, "--json").out)
    assert (told["labels"], len(told["curve"])) == (6, 1)


def test_the_queue_is_a_table(project, tmp_path):
    said = foveal("select", project, "-n", 3, "--out", tmp_path / "batch.csv")
    assert said.status == 0
    lines = (tmp_path / "batch.csv").read_text().splitlines()
    assert lines[0] == "rank,image,why"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3"]
    for more in (("--strategy", "margin"), ("--set", "seed=1"), ("--task", "segmentation")):
        refused = foveal("select", project, *more, "--out", tmp_path / "other.csv")
        assert refused.status == 2
        assert "leave them out" in " ".join(refused.err.split())
    assert not (tmp_path / "other.csv").exists()


def test_a_curve_is_told_in_the_metric_of_its_task():
    point = {"labels": 6, "tested_on": 3, "interval": {}}
    told = _point(point | {"metrics": {"cam_dice": 0.1, "dice": 0.75}}, MAIN_METRICS)
    assert told == "With 6 labels: Dice 0.750 on 3 test images."
    told = _point(point | {"metrics": {"accuracy": 1.0, "macro_auroc": None}}, MAIN_METRICS)
    assert "AUROC cannot be told yet" in told
    assert "nothing measured" in _point(point | {"metrics": {}}, MAIN_METRICS)


def test_accounts_are_added_invited_and_changed(project):
    assert "/#token=" in foveal("accounts", project, "add", "dr.lee", "--role", "lead").out
    assert "needs an admin" in foveal("serve", project, "--port", 0).err
    said = foveal("serve", project, "--port", 0, "--certificate", project / "missing.pem")
    assert said.status == 2
    assert "'missing.pem' cannot be used" in " ".join(said.err.split())
    assert foveal("accounts", project, "role", "dr.lee", "--role", "admin").status == 0
    listed = foveal("accounts", project).out
    assert "dr.lee" in listed
    assert "by invitation" in listed
    assert foveal("accounts", project, "add", "dr.lee").status == 2
    assert foveal("accounts", project, "add").status == 2
    assert foveal("accounts", project, "add", "../x").status == 2
    unknown = foveal("accounts", project, "invite", "dr.leo")
    assert unknown.status == 2
    assert "no account 'dr.leo'. Did you mean 'dr.lee'?" in unknown.err


def test_the_last_admin_stays_one_and_a_role_is_never_guessed(project):
    foveal("accounts", project, "add", "chief", "--role", "admin")
    foveal("accounts", project, "disable", "dr.lee")
    for change in (("disable",), ("role", "--role", "lead")):
        said = foveal("accounts", project, change[0], "chief", *change[1:])
        assert said.status == 2
        assert "'chief' is the only one" in " ".join(said.err.split())
    assert foveal("accounts", project, "role", "chief").status == 2
    with ProjectStore.open(project) as store:
        chief = store.accounts.known("chief")
        assert (chief.role, chief.enabled) == ("admin", True)
    assert foveal("accounts", project, "enable", "dr.lee").status == 0


@pytest.mark.parametrize(
    "given",
    [
        ("invite", "dr.lee", "--role", "admin"),
        ("enable", "dr.lee", "--role", "admin"),
        ("list", "--role", "admin"),
        ("invite", "dr.lee", "--password"),
        ("list", "dr.lee"),
    ],
)
def test_what_an_action_on_accounts_would_not_heed_is_refused(project, given):
    said = foveal("accounts", project, *given)
    assert said.status == 2
    assert "leave" in said.err
    assert said.out == ""


def test_options_of_archives_are_refused_with_other_formats(project, tmp_path):
    file = tmp_path / "labels.csv"
    said = foveal("export", project, "--format", "csv", "--with-images", "--out", file)
    assert (said.status, file.exists()) == (2, False)
    assert "goes with --format archive, not csv" in " ".join(said.err.split())
    said = foveal("import", project, file, "--format", "csv", "--images", tmp_path)
    assert said.status == 2
    assert "goes with --format archive, not csv" in " ".join(said.err.split())


def test_a_key_alone_serves_nothing(project):
    said = foveal("serve", project, "--port", 0, "--key", project / "k.pem")
    assert said.status == 2
    assert "give --certificate too" in " ".join(said.err.split())


def test_whoever_is_disabled_is_logged_out_for_good(project):
    foveal("accounts", project, "add", "guest")
    with ProjectStore.open(project) as store:
        session = store.tokens.give("guest", 3600.0)
        assert foveal("accounts", project, "disable", "guest").status == 0
        assert foveal("accounts", project, "enable", "guest").status == 0
        assert store.tokens.holder(session) is None


@pytest.mark.parametrize("name", ["csv", "coco", "label-studio", "cvat"])
def test_what_is_exported_comes_in_elsewhere(images, project, tmp_path, name):
    file = tmp_path / "labels"
    assert foveal("export", project, "--format", name, "--out", file).status == 0
    other = images / f"other-{name}"
    assert foveal("init", other, "--pool", images / "labels.csv", *MAKE).status == 0
    said = foveal("import", other, file, "--format", name)
    assert said.status == 0, said
    assert "9 answers taken in, 0 problems" in said.out
    with ProjectStore.open(project) as first, ProjectStore.open(other) as second:
        one, two = first.live(), second.live()
        assert {i: r.label for i, r in one.lessons()} == {i: r.label for i, r in two.lessons()}
        regions = {i: r.regions for i, r in one.lessons()}
        named = {"ann"} if name in ("csv", "label-studio") else {"imported"}
        assert {one.annotator for one in two.history} == named
        # Digests are of the pixels, so equal ones are equal regions.
        assert regions == {i: r.regions for i, r in two.lessons()}
    assert "0 answers taken in" in foveal("import", other, file, "--format", name).out


def test_models_and_cards_are_exported(project, tmp_path):
    for name, beginning in (("model-card", b"# Model card"), ("model", None), ("model-onnx", None)):
        file = tmp_path / name
        assert foveal("export", project, "--format", name, "--out", file).status == 0
        data = file.read_bytes()
        assert len(data) > 100
        assert beginning is None or data.startswith(beginning)
    assert foveal("export", project, "--format", "pdf").status == 2


@pytest.mark.parametrize("way", ["with images", "without"])
def test_an_archive_opens_elsewhere_and_goes_on(images, project, tmp_path, way):
    whole, other = tmp_path / "whole.zip", tmp_path / "other"
    more = ["--with-images"] if way == "with images" else []
    there = [] if more else ["--images", images]
    assert foveal("export", project, "--format", "archive", "--out", whole, *more).status == 0
    said = foveal("import", other, whole, "--format", "archive", *there)
    assert said.status == 0, said
    assert foveal("verify", other).status == 0
    first, second = (json.loads(foveal("status", p, "--json").out) for p in (project, other))
    assert first == second
    with ProjectStore.open(other) as store:
        pool = collection_of(project_spec(store), other)
        assert store.accounts.all() == ()
        ScriptedReader(images).read(store, pool, 9)
    assert foveal("worker", other, "--once").status == 0
    assert len(json.loads(foveal("status", other, "--json").out)["curve"]) == 2
    assert foveal("import", other, whole, "--format", "archive").status == 2


def test_a_project_of_a_folder_is_archived_with_all_its_images(images, tmp_path):
    folder, made = tmp_path / "folder", tmp_path / "made"
    folder.mkdir()
    for path in images.glob("train*.png"):
        (folder / path.name).write_bytes(path.read_bytes())
    said = foveal("init", made, "--images", folder, *MAKE)
    assert said.status == 0
    assert "Patients: 24 images have none, so each of them counts as a patient" in said.out
    whole, other = tmp_path / "whole.zip", tmp_path / "other"
    said = foveal("export", made, "--format", "archive", "--with-images", "--out", whole)
    assert "24 images" in said.out
    assert foveal("import", other, whole, "--format", "archive").status == 0
    with ProjectStore.open(made) as first, ProjectStore.open(other) as second:
        pools = [collection_of(project_spec(s), s.folder).pool for s in (first, second)]
        assert [s.id for s in pools[0].samples] == [s.id for s in pools[1].samples]
        assert set(pools[1].ids("unlabeled")) <= set(second.live().parts)


def test_an_archive_has_of_a_dicom_folder_what_samples_need_and_no_more(tmp_path):
    scans = tmp_path / "scans"
    for i in range(5):
        voxels = noise((32, 32, 2), i, 0, 900)
        write_series(scans / f"{i}", voxels, oblique(), series=f"{i}", PatientID=f"SECRET-{i}")
    (scans / "patients.csv").write_text("SECRET")
    found = sorted(find_series(scans)[0], key=lambda one: one.files[0])
    cells = [f"scans#{one.token}:{k},{one.token}" for one in found[:4] for k in (0, 1)]
    (tmp_path / "pool.csv").write_text("\n".join(["image,patient", *cells]))
    made, whole, other = tmp_path / "made", tmp_path / "whole.zip", tmp_path / "other"
    assert foveal("init", made, "--pool", tmp_path / "pool.csv", *MAKE).status == 0
    said = foveal("export", made, "--format", "archive", "--with-images", "--out", whole)
    assert "8 images" in said.out
    with zipfile.ZipFile(whole) as archive:
        names = {name for name in archive.namelist() if name.startswith("images/")}
    needed = {path.relative_to(tmp_path).as_posix() for one in found[:4] for path in one.files}
    assert names == {"images/pool.csv"} | {f"images/{name}" for name in needed}
    assert foveal("import", other, whole, "--format", "archive").status == 0
    with ProjectStore.open(other) as store:
        pool = collection_of(project_spec(store), other).pool
        assert {sample.id for sample in pool.samples} == set(store.live().parts)


def folders_of(images, top, names):
    """Images in folders by name, in turn."""
    for i, path in enumerate(sorted(images.glob("train*.png"))):
        folder = top / names[i % len(names)]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / path.name).write_bytes(path.read_bytes())
    return top


def test_folders_by_patient_are_no_labels_and_their_names_are_told_to_nobody(images, tmp_path):
    top = folders_of(images, tmp_path / "us", ["smith_0", "smith_1", "disc"])
    said = foveal("init", tmp_path / "made", "--images", top, *MAKE)
    assert said.status == 0
    assert "us: 2 of its 3 folders are not named as a class" in said.out
    assert "0 read already" in said.out
    assert "smith" not in said.out + said.err
    with ProjectStore.open(tmp_path / "made") as store:
        assert store.live().created["receipt"]["counts"]["test"].keys() == {""}
    (top / "smith_2").mkdir()
    (top / "smith_2" / "new.png").write_bytes((images / "test01.png").read_bytes())
    again = foveal("add", tmp_path / "made")
    assert "1 images came in, 0 of them read already" in again.out
    assert "smith" not in again.out + again.err


def test_a_project_on_a_network_folder_is_warned_of(images, tmp_path, monkeypatch):
    (tmp_path / "mounts").write_text(f"nas:/data {tmp_path.resolve()} nfs4 rw 0 0\n")
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mounts")
    said = foveal("init", tmp_path / "made", "--pool", images / "labels.csv", *MAKE)
    assert said.status == 0
    assert "'made' is on nfs4, and answers may be lost" in said.out

    def no_server(*_):
        raise StoreError("nothing is served in a test")

    monkeypatch.setattr(supervisor, "supervised", no_server)
    served = foveal("serve", tmp_path / "made", "--port", 0)
    assert "'made' is on nfs4, and answers may be lost" in served.out
    assert served.out.startswith("http://localhost:")


def test_folders_by_class_are_labels(images, tmp_path):
    top = folders_of(images, tmp_path / "us", ["disc", "square"])
    said = foveal("init", tmp_path / "made", "--images", top, *MAKE)
    assert said.status == 0
    assert "0 read already" not in said.out
    assert "[folders]" not in said.out


def test_a_project_is_of_pictures_and_not_of_tiles(tmp_path):
    for i in range(8):
        write_nifti(tmp_path / f"s{i}.nii.gz", noise((16, 16, 16), seed=i))
    lines = ["image,patient", *(f"s{i}.nii.gz#tile16:0,p{i}" for i in range(8))]
    (tmp_path / "pool.csv").write_text("\n".join(lines))
    said = foveal(
        "init", tmp_path / "made", "--pool", tmp_path / "pool.csv", "--classes", "no,yes",
        "--set", "data.image_size=16", "--set", "task=segmentation",
    )  # fmt: skip
    assert said.status == 2
    assert "3-D tiles; cut the volumes into slices" in " ".join(said.err.split())
    assert not (tmp_path / "made").exists()


def test_a_backup_opens_and_verifies_and_damage_is_found(project, tmp_path):
    copy = project.with_name("copy")
    assert foveal("backup", project, copy).status == 0
    assert "All" in foveal("verify", copy).out
    assert foveal("backup", project, copy).status == 2
    victim = next(p for p in sorted((copy / "blobs").iterdir()) if len(p.name) == 64)
    for path in (copy / "blobs").iterdir():
        path.write_bytes(b"altered")
    said = foveal("verify", copy)
    assert said.status == 1
    assert victim.name in said.out or "altered" in said.out


def test_what_is_no_project_is_said(tmp_path):
    for command in ("status", "serve", "verify", "worker"):
        said = foveal(command, tmp_path)
        assert said.status == 2
        assert "foveal init" in said.err
    assert foveal("init", tmp_path / "p", "--classes", "a,b").status == 2
    said = foveal("init", tmp_path / "p", "--classes", "a", "--images", tmp_path)
    assert said.status == 2
    said = foveal("init", tmp_path / "p", "--classes", "a,b", "--images", tmp_path, "--live", "x")
    assert said.status == 2
    assert "--live must be key=value" in said.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_worker_that_is_killed_is_started_again_and_ends_with_its_server(project):
    command = [sys.executable, "-c", "from foveal.cli import main; main()", "serve", str(project)]
    with subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert "#token=" in server.stdout.readline()
        first = worker_of(server.pid)
        os.kill(first, signal.SIGKILL)
        second = worker_of(server.pid, other_than=first)
        os.kill(server.pid, signal.SIGINT)
        assert server.wait(60) in (0, 130)
    assert not alive(second)


def worker_of(server, other_than=0):
    """The worker's process, as soon as there is one."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        listed = subprocess.run(
            ["pgrep", "-P", str(server)], capture_output=True, text=True, check=False
        )
        found = [int(pid) for pid in listed.stdout.split() if int(pid) != other_than]
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError("no worker was started")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
