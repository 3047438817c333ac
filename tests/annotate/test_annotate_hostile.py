"""Hostile requests and files: refused with a clear word, nothing read, nothing left behind."""

import struct
import tempfile
import zlib

import pytest
from annotate_toys import IMPORT_LIMIT, LIMIT, box, shapes, told
from starlette.datastructures import Headers

from foveal.annotate.desk import open_desk
from foveal.annotate.images import ImageSource, UnreadableError
from foveal.annotate.security import Rules, host_names, refusal
from foveal.data import load_pool
from foveal.store.project import ProjectStore
from foveal.store.unarchive import open_archive

API = "/api/v1"
JSON = {"content-type": "application/json"}


HOSTILE = [
    "%2e%2e",
    "../../project.sqlite",
    "..%2f..%2fproject.sqlite",
    "%2e%2e%2fsecret",
    "..\\secret",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "C:\\Windows",
    "%00",
    "a%00b",
    "%ff%fe",
    "'; DROP TABLE foveal_events; --",
    "0" * 5000,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_id_is_ever_a_path(still, name):
    client = still.browser("ada")
    before = still.store.verify()
    for path in (
        f"/assets/{name}",
        f"{API}/cases/{name}",
        f"{API}/cases/{name}/pixels",
        f"{API}/disputes/{name}",
        f"{API}/disputes/{name}/pixels",
        f"{API}/export/{name}",
    ):
        answer = client.get(path)
        assert answer.status_code in (404, 409, 422), (path, answer.status_code)
        assert "root:" not in answer.text
        assert "SQLite" not in answer.text
    for path in (
        f"cases/{name}/renew",
        f"quarantine/{name}/restore",
        f"accounts/{name}/invitation",
    ):
        answer = client.post(f"{API}/{path}")
        assert answer.status_code in (200, 404, 405, 409, 422), (path, answer.status_code)
    for key in (name, f"key-{name}"):
        told(client.post(f"{API}/reopen", json={"sample": key}), 422 if len(key) > 64 else 404)
    assert still.store.verify() == before


def test_a_body_that_says_it_is_too_large_is_not_read(still):
    client = still.browser("ann")
    huge = {"content-length": str(2 * 2**30)}
    assert told(client.post(f"{API}/next", headers=huge), 413)["error"]["code"] == "too_large"


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "", "12, 12", "٣"])
def test_lengths_that_are_none_are_refused(length):
    headers = Headers(raw=[(b"host", b"localhost"), (b"content-length", length.encode())])
    refused = refusal("POST", "/", headers, Rules(host_names("")))
    assert refused is not None
    assert refused[0] == 413


def endless(size, piece=65536):
    for _ in range(size // piece + 1):
        yield b" " * piece


@pytest.mark.parametrize(
    ("path", "limit"),
    [(f"{API}/next", LIMIT), (f"{API}/reopen", LIMIT), (f"{API}/import/csv", IMPORT_LIMIT)],
)
def test_a_body_that_goes_on_is_cut_off_whatever_it_says(still, path, limit):
    client = still.browser("lea")
    answer = client.post(path, content=endless(limit), headers=JSON)
    if path.endswith("/next"):  # reads no body at all
        assert answer.status_code == 200
    else:
        assert told(answer, 413)["error"]["code"] == "too_large"


def test_imports_are_read_from_leads_only(still):
    answer = still.browser("ann").post(f"{API}/import/csv", content=endless(IMPORT_LIMIT))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"null", b"[]", b"{", b"\xff\xfe", b'{"a":' * 100_000, b"[" * 100_000],
    ids=range(8),
)
def test_nonsense_as_a_body_is_refused(still, content):
    client = still.browser("lea")
    case = still.next("lea")["case"]
    for path in ("reopen", f"cases/{case}/answer", "login"):
        answer = client.post(
            f"{API}/{path}", content=content, headers={**JSON, "idempotency-key": "k" * 20}
        )
        assert answer.status_code in (400, 413, 422), (path, answer.status_code)
    for name in ("csv", "coco", "label-studio", "cvat"):
        answer = client.post(f"{API}/import/{name}", content=content)
        assert answer.status_code in (200, 422), (name, answer.text)
        if answer.status_code == 200:
            assert answer.json()["kept"] == 0
    assert still.live().history == ()


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>'
    b"<annotations>&c;</annotations>"
)


def test_entities_of_xml_are_refused(still):
    answer = still.browser("lea").post(f"{API}/import/cvat", content=BOMB)
    assert "document type" in told(answer, 422)["error"]["message"]


def png_of_size(width, height):
    """A PNG that is a few hundred bytes and says that it is huge."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        png_of_size(60_000, 60_000),
        png_of_size(0, 0),
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a",
        b"",
    ],
    ids=["bomb", "empty", "svg", "html", "gif", "nothing"],
)
def test_what_is_no_image_is_never_shown(site, content):
    case = site.next()
    path = site.store.folder / site.desk.images.sample(case["sample"]).uri
    path.write_bytes(content)
    fresh = ImageSource(site.desk.images.collection)
    with pytest.raises(UnreadableError) as refused:
        fresh.pixels(case["sample"])
    assert "smith" not in str(refused.value)
    spec = site.desk.images.collection.spec
    folder = site.store.folder
    found = load_pool("pool.csv", spec, folder, blank_labels="keep_all", cache=folder / "cache")
    assert case["sample"] not in {sample.id for sample in found.pool.samples}


def test_pixels_are_sent_as_numbers_and_never_as_a_file(site):
    case = site.next()["case"]
    answer = site.browser("ann").get(f"{API}/cases/{case}/pixels")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_exports_are_saved_and_never_shown(site):
    site.answer("ann", site.next()["case"], shapes=shapes(box()))
    lead = site.browser("lea")
    for name in ("csv", "coco", "label-studio", "cvat", "masks"):
        answer = lead.get(f"{API}/export/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert lead.get(f"{API}/export/model-onnx").status_code == 422
    again = site.browser("lea").post(
        f"{API}/import/coco", content=lead.get(f"{API}/export/coco").content
    )
    assert told(again)["kept"] == 1


def test_the_archive_opens_elsewhere_and_holds_no_account(site, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    site.answer("ann", site.next()["case"], shapes=shapes(box()))
    answer = site.browser("lea").get(f"{API}/export/archive")
    assert answer.headers["content-disposition"] == 'attachment; filename="project.zip"'
    assert list(tmp_path.glob("tmp*")) == []
    (tmp_path / "a.zip").write_bytes(answer.content)
    open_archive(tmp_path / "a.zip", tmp_path / "elsewhere")
    with ProjectStore.open(tmp_path / "elsewhere") as store:
        assert store.live().history == site.live().history
        assert store.accounts.all() == ()
        there = open_desk(store, cache=tmp_path / "cache").images
        for sample in site.live().parts:
            assert (there.pixels(sample) == site.desk.images.pixels(sample)).all()


def test_the_description_of_the_interface_is_whole(site):
    answer = told(site.browser("ann").get(f"{API}/openapi.json"))
    for path, methods in answer["paths"].items():
        for method, what in methods.items():
            assert what.get("description"), (method, path)
