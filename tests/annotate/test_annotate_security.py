"""Security: where requests come from, and what every answer carries."""

import pytest
from annotate_toys import SITE, routes_of, told
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from foveal.annotate.security import HEADERS, Rules, host_names, refusal
from foveal.core.errors import StoreError

API = "/api/v1"
FILLED = {"{case}": "0" * 32, "{sample}": "0" * 16, "{name}": "nobody"}


def filled(path):
    for name, value in FILLED.items():
        path = path.replace(name, value)
    return path


def send(client, method, path, **more):
    return client.request(method, filled(path), json={} if method != "GET" else None, **more)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8766"},
        {"Origin": "http://127.0.0.1.evil.example:8765"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_posts_of_other_sites_reach_no_route(still, headers):
    client = still.browser("ann")
    for path in (f"{API}/next", f"{API}/login"):
        error = told(client.post(path, json={}, headers=headers), 403)["error"]
        assert error["code"] == "cross_site"


def test_posts_of_this_site_do(still):
    headers = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
    told(still.browser("ann").post(f"{API}/next", headers=headers))


@pytest.mark.parametrize(
    "host", ["evil.example", "", "127.0.0.1.evil.example", "evil.example:8765"]
)
def test_only_known_host_names_are_served(still, host):
    client = still.browser("ann")
    for path in ("/", f"{API}/me", "/assets/app-1a2b.js"):
        refused = client.get(path, headers={"Host": host})
        assert refused.status_code == 421
        assert "--name" in refused.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8765", "LOCALHOST:8765"])
def test_names_of_this_machine_are_served(still, host):
    assert still.stranger().get("/", headers={"Host": host}).status_code == 200


@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    st.text(st.characters(codec="latin-1", exclude_characters="\0"), max_size=20),
)
def test_no_header_makes_the_rules_fail(method, text):
    rules = Rules(host_names("127.0.0.1"))
    for name in ("host", "origin", "sec-fetch-site", "content-length"):
        given_headers = {"host": "localhost", name: text}
        refusal(method, "/", Headers(given_headers), rules)


def test_there_is_no_cross_origin_sharing(still):
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = still.stranger().options(f"{API}/next", headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def paths_of_all_kinds():
    return [
        "/",
        "/assets/app-1a2b.js",
        "/assets/none.js",
        "/nothing",
        f"{API}/me",
        f"{API}/nothing",
    ]


@pytest.mark.parametrize("path", paths_of_all_kinds())
def test_every_answer_carries_the_headers(still, path):
    answer = still.stranger().get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "unsafe-eval" not in answer.headers["content-security-policy"]
    assert ("no-store" in answer.headers.get("cache-control", "")) == ("/assets/" not in path)


def test_refused_and_failed_requests_carry_them_too(site, monkeypatch):
    client = site.browser("ann")
    assert client.get("/", headers={"Host": "evil.example"}).headers["x-frame-options"] == "DENY"

    def fails(*_):
        raise RuntimeError("secret of patient Smith in /data/smith.dcm")

    monkeypatch.setattr("foveal.annotate.routes.cases.history_of", fails)
    answer = client.get(f"{API}/history")
    assert answer.status_code == 500
    assert answer.headers["x-frame-options"] == "DENY"
    assert "mith" not in answer.text
    assert "Traceback" not in answer.text


def test_no_error_names_a_path_a_file_or_a_library(site):
    client = site.browser("ada")
    answers = [send(client, method, path) for method, path in routes_of(site.desk)]
    answers += [client.post(f"{API}/next", content=b"{", headers={"content-type": "text/plain"})]
    answers += [client.get(f"{API}/export/none"), client.put(f"{API}/next"), client.get("/none")]
    answers += [client.post(f"{API}/reopen", content=b'{"a":', headers=JSON)]
    for answer in answers:
        if answer.status_code >= 400:
            error = answer.json()["error"]
            assert set(error) == {"code", "message"}
            for word in ("/", "\\", "Traceback", "sqlite", "pydantic", "File ", "smith"):
                assert word not in error["message"], error


JSON = {"content-type": "application/json"}


def test_a_store_that_fails_says_so_without_its_place(site, monkeypatch):
    def fails(*_):
        raise StoreError("could not write 'x' in '/srv/projects/smith': Input/output error")

    case = site.next()["case"]
    monkeypatch.setattr(type(site.store), "save", fails)
    error = site.answer("ann", case, status=503)["error"]
    assert "smith" not in error["message"]
    assert "nothing you drew is lost" in error["message"]
