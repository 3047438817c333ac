"""Logging in: passwords, invitations, sessions, and how each of them ends."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from annotate_toys import PASSWORD, ROLES, SITE, told

from foveal.annotate.failures import RefusedError
from foveal.annotate.gate import AT_ONCE, WAITING, Gate
from foveal.annotate.security import COOKIE

API = "/api/v1"


@pytest.fixture
def with_password(site):
    site.store.accounts.set_password("ann", PASSWORD)
    return site


def login(client, status=200, **body):
    return told(client.post(f"{API}/login", json=body), status)


def test_a_password_opens_a_session_in_a_cookie_no_script_can_read(with_password):
    client = with_password.stranger()
    answer = client.post(f"{API}/login", json={"name": "ann", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert "token" not in answer.json()
    assert client.cookies[COOKIE] not in answer.text
    assert told(client.get(f"{API}/me"))["reader"]["name"] == "ann"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "ann", "password": "wrong horse battery"},
        {"name": "ann", "password": ""},
        {"name": "bob", "password": ""},
        {"name": "nobody", "password": PASSWORD},
        {"name": "ann'--", "password": PASSWORD},
        {"name": "ann\0", "password": PASSWORD},
        {"token": "A" * 43},
        {"token": "\0"},
        {},
    ],
)
def test_wrong_logins_tell_nothing(with_password, wrong):
    client = with_password.stranger()
    error = login(client, 401, **wrong)["error"]
    assert error["code"] == "wrong"
    assert "ann" not in error["message"]
    assert COOKIE not in client.cookies


def test_many_wrong_passwords_lock_a_name_for_a_while(with_password, clock):
    client = with_password.stranger()
    for _ in range(5):
        login(client, 401, name="ann", password="wrong horse battery")
    login(client, 401, name="ann", password=PASSWORD)
    clock.now += 61
    login(client, name="ann", password=PASSWORD)


def test_an_invitation_holds_once_and_for_a_while(site, clock):
    invitation = site.store.tokens.give("ann", 60, "invitation")
    login(site.stranger(), token=invitation)
    login(site.stranger(), 401, token=invitation)
    late = site.store.tokens.give("ann", 60, "invitation")
    clock.now += 61
    login(site.stranger(), 401, token=late)


def test_an_invitation_is_no_session_and_a_session_no_invitation(site):
    invitation = site.store.tokens.give("ann", 60, "invitation")
    session = site.store.tokens.give("ann", 60)
    assert site.stranger(Authorization=f"Bearer {invitation}").get(f"{API}/me").status_code == 401
    login(site.stranger(), 401, token=session)


def test_sessions_end(site, clock):
    client = site.browser("ann")
    clock.now += 13 * 3600
    error = told(client.post(f"{API}/next"), 401)["error"]
    assert "Nothing you drew is lost" in error["message"]


def test_a_second_login_leaves_the_first_one_alone(site):
    first = site.browser("ann")
    case = site.next("ann")["case"]
    second = site.stranger()
    login(second, token=site.store.tokens.give("ann", 60, "invitation"))
    assert told(first.post(f"{API}/next"))["case"] == case
    assert second.cookies[COOKIE] != first.cookies[COOKIE]


def test_logging_in_again_ends_the_browsers_older_session(site):
    client = site.browser("ann")
    old = client.cookies[COOKIE]
    login(client, token=site.store.tokens.give("bob", 60, "invitation"))
    assert site.stranger(Cookie=f"{COOKIE}={old}").get(f"{API}/me").status_code == 401


def test_logging_out_ends_the_session_itself(site):
    client = site.browser("ann")
    old = client.cookies[COOKIE]
    told(client.post(f"{API}/logout"))
    assert site.stranger(Cookie=f"{COOKIE}={old}").get(f"{API}/me").status_code == 401


def test_a_password_is_changed_by_who_knows_it_and_ends_all_sessions(with_password):
    client = with_password.browser("ann")
    path, new = f"{API}/me/password", "another long sentence"
    assert told(client.post(path, json={"old": "no", "new": new}), 403)["error"]["code"] == "wrong"
    told(client.post(path, json={"old": PASSWORD, "new": "short"}), 422)
    told(client.post(path, json={"old": PASSWORD, "new": new}))
    assert client.get(f"{API}/me").status_code == 401
    login(with_password.stranger(), 401, name="ann", password=PASSWORD)
    login(with_password.stranger(), name="ann", password=new)


def test_programs_get_a_token_and_no_cookie(with_password):
    client = with_password.stranger()
    body = {"name": "ann", "password": PASSWORD, "program": True}
    token = login(client, **body)["token"]
    assert COOKIE not in client.cookies
    bearer = {"Authorization": f"Bearer {token}"}
    assert told(client.post(f"{API}/next", headers=bearer))["case"]
    wrong = {"Authorization": f"Basic {token}"}
    assert client.post(f"{API}/next", headers=wrong).status_code == 401


def test_a_wrong_bearer_is_not_made_good_by_a_cookie(site):
    client = site.browser("ann")
    wrong = {"Authorization": "Bearer nonsense"}
    assert client.get(f"{API}/me", headers=wrong).status_code == 401


def test_too_many_logins_have_to_wait():
    now = [0.0]
    gate = Gate(most=3, clock=lambda: now[0])
    for _ in range(3):
        with gate.passing():
            pass
    with pytest.raises(RefusedError) as refused, gate.passing():
        pass
    assert refused.value.status == 429
    now[0] = 61.0
    with gate.passing():
        pass


def test_accounts_are_made_by_admins_only_with_care(site):
    admin = site.browser("ada")
    made = told(admin.post(f"{API}/accounts", json={"name": "eve"}))
    token = made["link"].partition("#token=")[2]
    assert made["link"].startswith(SITE + "/#token=")
    assert login(site.stranger(), token=token)["reader"] == {
        "name": "eve",
        "role": "reader",
        "has_password": False,
    }
    for wrong, status in (
        ({"name": "eve"}, 409),
        ({"name": "../eve"}, 422),
        ({"name": ""}, 422),
        ({"name": "<b>"}, 422),
        ({"name": "kim", "password": "short"}, 422),
        ({"name": "kim", "role": "root"}, 422),
        ({"name": "kim", "extra": 1}, 422),
    ):
        told(admin.post(f"{API}/accounts", json=wrong), status)
    assert {one["name"] for one in told(admin.get(f"{API}/accounts"))} == {*ROLES, "eve"}
    told(admin.post(f"{API}/accounts/eve/invitation"))
    told(admin.post(f"{API}/accounts/kim/invitation"), 404)
    told(admin.patch(f"{API}/accounts/kim", json={}), 404)


def test_few_wait_at_the_gate_and_nobody_holds_a_thread_for_long():
    gate, inside, go = Gate(), threading.Semaphore(0), threading.Event()

    def enter():
        with gate.passing():
            inside.release()
            go.wait(10)

    with ThreadPoolExecutor(AT_ONCE + WAITING) as crowd:
        tries = [crowd.submit(enter) for _ in range(AT_ONCE + WAITING)]
        for _ in range(AT_ONCE):
            assert inside.acquire(timeout=10)
        patience = time.monotonic() + 10
        while gate._door._value and time.monotonic() < patience:
            time.sleep(0.01)
        with pytest.raises(RefusedError), gate.passing():
            pass
        go.set()
        assert all(one.result(10) is None for one in tries)
    with gate.passing():
        pass


def test_a_proxys_own_password_does_not_hide_the_session(site):
    client = site.browser("ann")
    me = client.get(f"{API}/me", headers={"authorization": "Basic YTpi"})
    assert me.status_code == 200
