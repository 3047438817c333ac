"""Roles: who may do what, by enumeration of every route."""

from annotate_toys import ROLES, routes_of, told

from foveal.annotate.security import COOKIE, CSRF_HEADER

API = "/api/v1"
OPEN = {("POST", f"{API}/login")}
LEADS = {
    ("GET", f"{API}/disputes"),
    ("GET", f"{API}/disputes/{{sample}}"),
    ("GET", f"{API}/disputes/{{sample}}/pixels"),
    ("POST", f"{API}/disputes/{{sample}}/settle"),
    ("GET", f"{API}/quarantine"),
    ("POST", f"{API}/quarantine/{{sample}}/restore"),
    ("POST", f"{API}/worker/train"),
    ("GET", f"{API}/export/{{name}}"),
    ("GET", f"{API}/export/archive"),
    ("POST", f"{API}/import/{{name}}"),
}
ADMINS = {
    ("GET", f"{API}/accounts"),
    ("POST", f"{API}/accounts"),
    ("POST", f"{API}/accounts/{{name}}/invitation"),
    ("PATCH", f"{API}/accounts/{{name}}"),
}
FILLED = {"{case}": "0" * 32, "{sample}": "0" * 16, "{name}": "nobody"}


def filled(path):
    for name, value in FILLED.items():
        path = path.replace(name, value)
    return path


def send(client, method, path, **more):
    return client.request(method, filled(path), json={} if method != "GET" else None, **more)


def test_every_route_but_login_needs_a_session(still):
    stranger = still.stranger()
    routes = routes_of(still.desk)
    assert len(routes) > 25
    for method, path in [*routes, ("GET", f"{API}/openapi.json")]:
        if (method, path) not in OPEN:
            assert send(stranger, method, path).status_code == 401, path


def test_every_change_needs_the_pages_word(still):
    client = still.browser("ada")
    word = client.headers.pop(CSRF_HEADER)
    for wrong in ({}, {CSRF_HEADER: "0" * 64}, {CSRF_HEADER: word[:-1]}, {CSRF_HEADER: ""}):
        for method, path in routes_of(still.desk):
            if method != "GET" and (method, path) not in OPEN:
                answer = send(client, method, path, headers=wrong)
                assert told(answer, 403)["error"]["code"] == "csrf", path
    client.headers[CSRF_HEADER] = word
    assert client.get(f"{API}/me").status_code == 200


def test_the_word_belongs_to_one_session(still):
    ann, bob = still.browser("ann"), still.browser("bob")
    stolen = {CSRF_HEADER: bob.headers[CSRF_HEADER]}
    assert send(ann, "POST", f"{API}/next", headers=stolen).status_code == 403


def test_roles_by_enumeration(site):
    allowed = {"reader": set(), "lead": LEADS, "admin": LEADS | ADMINS}
    for name in ("ann", "lea", "ada"):
        client = site.browser(name)
        for method, path in sorted(LEADS | ADMINS):
            refused = send(client, method, path).status_code == 403
            assert refused == ((method, path) not in allowed[ROLES[name]]), (name, method, path)


def test_the_lists_of_routes_are_complete(still):
    known = {path for _, path in LEADS | ADMINS | OPEN}
    everybody = {path for _, path in routes_of(still.desk)} - known
    assert everybody == {
        f"{API}/{rest}"
        for rest in (
            "logout", "me", "me/password", "next", "reopen", "history", "project", "dashboard",
            "cases/{case}", "cases/{case}/pixels", "cases/{case}/ahead", "cases/{case}/map",
            "cases/{case}/model", "cases/{case}/answer", "cases/{case}/renew",
            "cases/{case}/release",
        )
    }  # fmt: skip


def test_a_role_taken_away_is_gone_at_once(site):
    lead = site.browser("lea")
    assert lead.get(f"{API}/disputes").status_code == 200
    told(site.browser("ada").patch(f"{API}/accounts/lea", json={"role": "reader"}))
    assert lead.get(f"{API}/disputes").status_code == 403
    told(site.browser("ada").patch(f"{API}/accounts/lea", json={"enabled": False}))
    assert lead.get(f"{API}/me").status_code == 401


def test_someone_stays_admin(site):
    admin = site.browser("ada")
    for body in ({"role": "reader"}, {"enabled": False}):
        assert told(admin.patch(f"{API}/accounts/ada", json=body), 409)["error"]["code"] == (
            "last_admin"
        )


def test_a_case_of_another_reader_cannot_be_touched(still):
    theirs = still.next("bob")["case"]
    ann = still.browser("ann")
    for end in ("", "/pixels", "/map", "/model"):
        assert ann.get(f"{API}/cases/{theirs}{end}").status_code == 409
    still.answer("ann", theirs, status=409)
    told(ann.post(f"{API}/cases/{theirs}/release"))
    assert told(ann.post(f"{API}/cases/{theirs}/renew")) == {"kept": False}
    assert still.next("bob")["case"] == theirs
    assert still.live().history == ()


def test_ids_of_another_project_are_unknown(site, make_site):
    other = make_site()
    foreign = other.next("ann")
    assert site.browser("ann").get(f"{API}/cases/{foreign['case']}/pixels").status_code == 409
    site.answer("ann", foreign["case"], status=409)
    session = other.browser("ann").cookies[COOKIE]
    stranger = site.stranger(Cookie=f"{COOKIE}={session}")
    assert stranger.get(f"{API}/me").status_code == 401


def test_readers_see_their_own_figures_only(site):
    site.answer("ann", site.next("ann")["case"])
    site.answer("bob", site.next("bob")["case"])
    mine = told(site.browser("ann").get(f"{API}/dashboard"))
    assert [one["name"] for one in mine["readers"]] == ["ann"]
    assert "agreement" not in mine
    every = told(site.browser("lea").get(f"{API}/dashboard"))
    assert [one["name"] for one in every["readers"]] == ["ann", "bob"]
