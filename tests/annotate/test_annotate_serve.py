"""Serving: where a server may listen, and what it does with bytes that no client would send."""

import contextlib
import socket
import threading

import pytest
from annotate_toys import PASSWORD, box, shapes

from foveal.annotate.serve import Listen, bound, check_certificate, check_safe, server
from foveal.client import Client, ClientError
from foveal.core.errors import SpecError, StoreError
from foveal.store.accounts import Account

READER = Account("ann", "reader", True, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_alone_needs_nothing(host):
    check_safe(Listen(host), ())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", "", "127.0.0.1."])
@pytest.mark.parametrize(
    ("more", "accounts"),
    [
        ({}, (READER,)),
        ({"behind_proxy": True}, ()),
        ({"behind_proxy": True}, (Account("ann", "admin", True, False),)),
        ({"behind_proxy": True}, (Account("ann", "admin", False, True),)),
        ({"certificate": "c.pem"}, ()),
    ],
)
def test_beyond_this_machine_it_does_not_start_unsafely(host, more, accounts):
    with pytest.raises(StoreError, match=r"--behind-proxy|foveal accounts"):
        check_safe(Listen(host, **more), accounts)


@pytest.mark.parametrize("more", [{"behind_proxy": True}, {"certificate": "c.pem"}])
def test_with_tls_and_passwords_it_does(more):
    check_safe(Listen("0.0.0.0", **more), (READER,))
    assert Listen("0.0.0.0", **more).secure


def test_a_certificate_that_cannot_be_used_is_said(tmp_path):
    check_certificate(Listen())
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for path in (tmp_path / "missing.pem", broken):
        with pytest.raises(StoreError, match=f"'{path.name}' cannot.*--certificate and --key"):
            check_certificate(Listen(certificate=path))


def test_a_key_without_a_certificate_is_not_taken_for_tls(tmp_path):
    with pytest.raises(SpecError, match=r"'k\.pem' was given without one.*--certificate"):
        check_certificate(Listen(key=tmp_path / "k.pem"))


def test_a_port_that_is_taken_is_said():
    with bound(Listen(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=f"{port}.*--port"):
            bound(Listen(port=port))


@contextlib.contextmanager
def running(desk):
    """The port of a real server on this machine."""
    listening = bound(Listen(port=0))
    made = server(desk, Listen(port=0))
    made.install_signal_handlers = lambda: None
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        made.should_exit = True
        thread.join(20)
        listening.close()
    assert not thread.is_alive()


@pytest.fixture
def port(site):
    site.store.accounts.set_password("ann", PASSWORD)
    site.store.accounts.set_password("lea", PASSWORD)
    with running(site.desk) as number:
        yield number


def raw(port, *pieces):
    """What a server answers to these bytes, sent as they are."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        got = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65536):
                got += piece
                if b"\r\n\r\n" in got:
                    break
        return got


def request(method, path, *headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.mark.parametrize(
    "path",
    ["/../secret", "/assets/../../../project/secret", "/assets/..%2f..%2fsecret", "//etc/passwd",
     "/assets/%00", "/static/index.html", "/project.sqlite"],
)  # fmt: skip
def test_paths_as_they_are_lead_nowhere(port, path):
    assert raw(port, request("GET", path)).startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))


def test_two_gigabytes_are_refused_before_they_are_sent(port):
    head = request("POST", "/api/v1/import/csv", f"Content-Length: {2 * 2**30}")
    assert raw(port, head).startswith(b"HTTP/1.1 413")


def test_a_stream_without_an_end_is_cut_off(port):
    head = request("POST", "/api/v1/login", "Transfer-Encoding: chunked")
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    assert raw(port, head, *[piece] * 40).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100 + b"\r\n\r\n"],
    ids=["tls", "no host", "zeros"],
)
def test_what_is_no_request_of_ours_is_no_harm(port, data):
    assert not raw(port, data + b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert raw(port, request("GET", "/")).startswith(b"HTTP/1.1 200")


def test_the_server_says_nothing_of_itself(port):
    answer = raw(port, request("GET", "/")).lower()
    assert b"server:" not in answer
    assert b"uvicorn" not in answer


# A program that reads


@pytest.fixture
def address(port):
    return f"http://127.0.0.1:{port}"


def test_a_program_reads_a_whole_project(site, address):
    seen = []
    with Client.login(address, "ann", PASSWORD) as client:
        assert client.project()["classes"] == ["disc", "square"]
        while (case := client.next()) is not None:
            pixels = client.pixels(case)
            assert (pixels == site.desk.images.pixels(case["sample"])).all()
            client.answer(case, "disc", [box()], seconds=1.5)
            seen.append(case["sample"])
        assert client.dashboard()["labels"] == len(seen) == 12
    assert len(site.live().lessons()) == 12
    assert all(one.region_kind == "box" for one in site.live().history)


def test_a_program_that_repeats_a_save_saves_once(site, address):
    with Client.login(address, "ann", PASSWORD) as client:
        case = client.next()
        first = client.answer(case, "disc", key="key-00000001")
        assert client.answer(case, "disc", key="key-00000001") == first
        client.answer(client.next(), verdict="skipped")
    assert [one.verdict for one in site.live().history] == ["labeled", "skipped"]


def test_a_program_is_told_why_it_is_refused(address):
    with pytest.raises(ClientError) as refused:
        Client.login(address, "ann", "wrong horse battery")
    assert (refused.value.status, refused.value.code) == (401, "wrong")
    with Client.login(address, "ann", PASSWORD) as client:
        case = client.next()
        with pytest.raises(ClientError, match="leaves the image"):
            client.answer(case, "disc", [box(0, 0, 999, 999)])
        with pytest.raises(ClientError) as refused:
            client.export("csv")
        assert refused.value.status == 403


def test_a_lead_takes_files_out(address):
    with Client.login(address, "ann", PASSWORD) as client:
        client.answer(client.next(), "square", shapes(box())["shapes"])
    with Client.login(address, "lea", PASSWORD) as client:
        assert b"square" in client.export("csv")


@pytest.mark.parametrize(
    "address", ["http://example.org", "ftp://127.0.0.1", "127.0.0.1:8765", "file:///etc/passwd", ""]
)
def test_a_program_sends_no_password_in_clear_text(address):
    with pytest.raises(ValueError, match="http"):
        Client(address)


def test_a_save_is_tried_again_until_it_arrives(site):
    with bound(Listen(port=0)) as listening:
        port = listening.getsockname()[1]
    pauses = []
    client = Client(f"http://127.0.0.1:{port}", "token", timeout=1.0, pause=pauses.append)
    with pytest.raises(ClientError) as lost:
        client.answer({"case": "0" * 32, "width": 1, "height": 1}, "disc")
    assert lost.value.code == "unreached"
    assert pauses == sorted(pauses)
    assert len(pauses) == 3
    with pytest.raises(ClientError):
        client.next()  # asking twice might open two cases
    assert len(pauses) == 3


def test_an_error_of_the_caller_is_not_hidden_by_that_of_leaving():
    client = Client("http://127.0.0.1:9", token="of no session")  # nobody listens there
    with pytest.raises(KeyError, match="mine"), client:
        raise KeyError("mine")
    with pytest.raises(ClientError), client:
        pass
