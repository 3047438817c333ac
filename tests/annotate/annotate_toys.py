"""A small project being served: pictures of noise, a reader, a lead and an admin."""

import csv
import secrets
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

from foveal.annotate.app import create_app, guarded
from foveal.annotate.desk import Desk, open_desk
from foveal.annotate.security import CSRF_HEADER, MEGABYTE, Rules, host_names
from foveal.core.query import Query
from foveal.core.spec import parse_spec
from foveal.data import load_pool
from foveal.store.live import LiveState
from foveal.store.project import ProjectStore
from foveal.store.records import queried

SITE = "http://127.0.0.1:8765"
CLASSES = ["disc", "square"]
WIDTH, HEIGHT = 40, 32
PASSWORD = "correct horse battery"
ROLES = {"ann": "reader", "bob": "reader", "lea": "lead", "ada": "admin"}
LIMIT = MEGABYTE
IMPORT_LIMIT = 3 * MEGABYTE


class Clock:
    """A clock that tests set."""

    def __init__(self, now=1_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


def write_pool(folder, candidates=12, tests=4):
    """`pool.csv` and its 8-bit pictures; each its own patient."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(candidates + tests):
        name = f"patient-smith-{i:02}.png"
        Image.fromarray(rng.integers(0, 255, (HEIGHT, WIDTH), np.uint8)).save(folder / name)
        rows.append((name, f"p{i}", "train" if i < candidates else "test"))
    with (folder / "pool.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "patient", "split"), *rows])


def spec_of(**data):
    return parse_spec({"data": {"source": "pool.csv", "image_size": 32, **data}})


def created(project, parts, spec=None, **live):
    settings = {"classes": CLASSES, "test_target": 0, **live}
    return "created", {
        "project": project,
        "spec": (spec or spec_of()).model_dump(mode="json"),
        "live": settings,
        "pool_digest": "",
        "classes": settings["classes"],
        "parts": parts,
        "receipt": {},
        "version": "",
    }


def project(folder, clock=None, spec=None, write=write_pool, **live):
    """An open project over what `write` puts into its folder, with a first query of four."""
    store = ProjectStore.create(folder, clock=clock or Clock())
    write(folder)
    chosen = spec or spec_of()
    cache = folder / "cache"
    pool = load_pool("pool.csv", chosen.data, folder, blank_labels="keep_all", cache=cache).pool
    parts = {sample.id: part for sample, part in zip(pool.samples, pool.parts, strict=True)}
    asked = [i for i, part in parts.items() if part == "unlabeled"][:4]
    why = tuple(f"reason {n}" for n in range(len(asked)))
    store.append(
        [
            created(store.id, parts, chosen, **live),
            queried(Query(tuple(asked), "random", why=why), {}),
        ]
    )
    return store


def add_accounts(store):
    for name, role in ROLES.items():
        store.accounts.add(name, role)


@dataclass
class Served:
    """A desk and browsers at it."""

    desk: Desk
    static: object
    browsers: dict = field(default_factory=dict)

    @property
    def store(self) -> ProjectStore:
        return self.desk.store

    def live(self) -> LiveState:
        return self.desk.live()

    def stranger(self, **headers):
        """A browser of this site without a session."""
        return TestClient(self.app, SITE, raise_server_exceptions=False, headers=headers)

    @cached_property
    def app(self):
        limits = (("/api/v1/import/", IMPORT_LIMIT),)
        rules = Rules(host_names("127.0.0.1"), LIMIT, limits)
        return guarded(self.desk, rules, self.static)

    def browser(self, name):
        """A browser in which someone is logged in; kept."""
        if name not in self.browsers:
            client = self.stranger()
            token = self.store.tokens.give(name, 3600, "invitation")
            answer = client.post("/api/v1/login", json={"token": token})
            assert answer.status_code == 200, answer.text
            client.headers[CSRF_HEADER] = answer.json()["csrf"]
            self.browsers[name] = client
        return self.browsers[name]

    def next(self, name="ann"):
        return told(self.browser(name).post("/api/v1/next"))

    def answer(self, name, case, label="disc", key=None, status=200, **body):
        """Save an answer; its acknowledgment or its error."""
        body = {"verdict": "labeled", "class": label, "seconds": 1.0, **body}
        headers = {"Idempotency-Key": key or secrets.token_hex(8)}
        path = f"/api/v1/cases/{case}/answer"
        return told(self.browser(name).post(path, json=body, headers=headers), status)

    def read_all(self, name="ann", label="disc"):
        """Answer until nothing is left; the samples in order."""
        seen = []
        while not (case := self.next(name)).get("done"):
            self.answer(name, case["case"], label)
            seen.append(case["sample"])
        return seen


def told(response, status=200):
    assert response.status_code == status, response.text
    return response.json()


def shapes(*drawn, width=WIDTH, height=HEIGHT):
    return {"version": 1, "width": width, "height": height, "shapes": list(drawn)}


def box(x0=2, y0=3, x1=10, y1=12):
    return {"type": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1}


def served(folder, clock=None, **settings):
    """A project that is served; close its store after."""
    store = project(folder / "project", clock, **settings)
    add_accounts(store)
    static = folder / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>page</title>")
    (static / "assets" / "app-1a2b.js").write_text("export {};")
    return Served(open_desk(store, cache=store.folder / "cache"), static)


def routes_of(desk):
    """(method, path) of every route of the API."""
    app = create_app(desk)
    found = []
    for path, methods in app.openapi()["paths"].items():
        found += [(method.upper(), path) for method in methods]
    return sorted(found)
