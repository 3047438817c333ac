"""Nothing of Foveal calls out: a project is made, read, trained and served without a network."""

import socket

import pytest
from fastapi.testclient import TestClient

from foveal.annotate.app import create_app
from foveal.annotate.desk import open_desk
from foveal.annotate.exports import exported
from foveal.loop.live import Worker
from foveal.store.project import ProjectStore
from live_discs import ScriptedReader, blind, make_project


@pytest.fixture
def cut_off(monkeypatch):
    """Every address but a local socket's is out of reach; who tries is remembered."""
    tried = []

    def refuse(*arguments, **_):
        tried.append(arguments)
        raise OSError("there is no network")

    def only_local(self, address):
        if self.family != socket.AF_UNIX:
            refuse(address)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", only_local)
    return tried


def test_nothing_calls_out(tmp_path, cut_off):
    images = blind(tmp_path / "images")
    folder = tmp_path / "images" / "project"
    make_project(images, folder)
    with ProjectStore.open(folder) as store:
        desk = open_desk(store)
        worker = Worker(store)
        assert worker.step() == "cold"
        ScriptedReader(images).read(store, desk.images.collection, 9)
        assert [worker.step(), worker.step()] == ["train", "ask"]
        store.accounts.add("ann", "admin", "a long enough password")
        with TestClient(create_app(desk), base_url="http://localhost") as client:
            told = client.post(
                "/api/v1/login", json={"name": "ann", "password": "a long enough password"}
            )
            word = {"x-foveal-csrf": told.json()["csrf"]}
            case = client.post("/api/v1/next", headers=word, json={}).json()
            assert client.get(f"/api/v1/cases/{case['case']}/pixels").status_code == 200
            assert client.get("/api/v1/dashboard").json()["labels"] == 6
        for name in ("csv", "coco", "cvat", "label-studio", "masks", "model-card"):
            assert exported(name, store.live(), desk.images, store.blobs).data
    assert cut_off == []
