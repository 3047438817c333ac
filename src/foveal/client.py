"""Client: a project that is being served, for programs; the standard library and numpy."""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

import numpy as np
from numpy.typing import NDArray

__all__ = ["Client", "ClientError"]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TRIES = 4  # of a request whose answer did not arrive; saves carry a key, so that none counts twice
LOST = (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError)


class ClientError(Exception):
    """The server refused; `status` is that of HTTP, 0 if it was not reached; `code` says why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Client:
    """Someone who is logged in; made by `login`.

    ```python
    with Client.login("http://127.0.0.1:8765", "ann", "a sentence as a password") as client:
        while (case := client.next()) is not None:
            image = client.pixels(case)
            client.answer(case, "lesion", [{"type": "box", "x0": 4, "y0": 4, "x1": 9, "y1": 9}])
    ```
    """

    def __init__(
        self,
        address: str,
        token: str = "",
        timeout: float = 60.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"a server's address must begin with http:// or https://: {address!r}")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("a server on another machine must be reached over https://")
        self._root = f"{parts.scheme}://{parts.netloc}/api/v1"
        self._token, self._timeout, self._pause = token, timeout, pause
        # No proxies and no redirects: nothing is sent but to the address that was given.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect).open

    @classmethod
    def login(
        cls, address: str, name: str = "", password: str = "", *, invitation: str = ""
    ) -> "Client":
        """A client, by name and password or by the token of an invitation.

        Raises:
            ClientError: if they are wrong.
        """
        client = cls(address)
        body = {"name": name, "password": password, "token": invitation, "program": True}
        client._token = client._json("POST", "/login", body)["token"]
        return client

    def project(self) -> dict[str, Any]:
        """Classes, tools and settings of the project."""
        return dict(self._json("GET", "/project"))

    def next(self) -> dict[str, Any] | None:
        """The case to read: its id as `case`, its size, why it was chosen; None if all are read."""
        case = dict(self._json("POST", "/next", {}))
        return None if case.get("done") else case

    def pixels(
        self, case: Mapping[str, Any], position: int | None = None, which: str = "current"
    ) -> NDArray[Any]:
        """(H, W) or (H, W, 3) pixels at full depth.

        Args:
            position: another slice of the same volume; the case's own if None.
            which: of a pair `current`, `prior` or `difference`.
        """
        asked = {"which": which} | ({} if position is None else {"slice": str(position)})
        path = f"/cases/{quote(case['case'], '')}/pixels?{urlencode(asked)}"
        data, headers = self._send("GET", path)
        height, width, channels = (int(n) for n in headers["X-Foveal-Shape"].split(","))
        kind = np.dtype(headers["X-Foveal-Type"]).newbyteorder("<")
        pixels = np.frombuffer(data, kind).reshape(height, width, channels)
        return pixels[:, :, 0] if channels == 1 else pixels

    def answer(
        self,
        case: Mapping[str, Any],
        label: str | None = None,
        shapes: list[dict[str, Any]] | None = None,
        *,
        verdict: str = "labeled",
        seconds: float = 0.0,
        key: str = "",
    ) -> int:
        """Save an answer; it is on the server's disk on return. Its place in the journal.

        Args:
            label: name of a class. shapes: boxes, polygons and masks in pixels of the image.
            verdict: `labeled`, `skipped`, `unsure` or `bad`.
            seconds: reading time.
            key: names this act of saving; the same key never saves twice.
        """
        drawn = {
            "version": 1,
            "width": case["width"],
            "height": case["height"],
            "shapes": shapes or [],
        }
        body = {
            "verdict": verdict,
            "class": label,
            "shapes": drawn if verdict == "labeled" else None,
            "seconds": seconds,
        }
        path = f"/cases/{quote(case['case'], '')}/answer"
        named = {"Idempotency-Key": key or secrets.token_hex(16)}
        return int(self._json("POST", path, body, named)["seq"])

    def dashboard(self) -> dict[str, Any]:
        """How the project goes."""
        return dict(self._json("GET", "/dashboard"))

    def export(self, name: str) -> bytes:
        """A file: the project in one of the formats that `project()["exports"]` lists."""
        return self._send("GET", f"/export/{quote(name, '')}")[0]

    def logout(self) -> None:
        """End the session."""
        self._json("POST", "/logout", {})
        self._token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._token:
            return
        try:
            self.logout()
        except ClientError:
            if kind is None:  # else what went wrong before is what the caller must see
                raise

    def _json(
        self, method: str, path: str, body: object = None, more: Mapping[str, str] | None = None
    ) -> Any:
        return json.loads(self._send(method, path, body, more)[0])

    def _send(
        self, method: str, path: str, body: object = None, more: Mapping[str, str] | None = None
    ) -> tuple[bytes, Mapping[str, str]]:
        """One request; tried again where no answer came, unless doing it twice would matter."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(more or {})}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        again = method == "GET" or "Idempotency-Key" in headers
        for number in range(1, TRIES + 1):
            url = self._root + path  # its scheme was checked when the client was made
            request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
            try:
                with self._open(request, timeout=self._timeout) as answer:
                    return answer.read(), answer.headers
            except urllib.error.HTTPError as error:
                with error:
                    raise _refused(error) from None
            except LOST as error:
                if number == TRIES or not again:
                    text = "the server was not reached, or its answer did not arrive"
                    raise ClientError(0, "unreached", text) from error
                self._pause(0.5 * 2**number)
        raise AssertionError("every try returns or raises")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """None: the answer counts as an error."""


def _refused(error: urllib.error.HTTPError) -> ClientError:
    try:
        told = json.loads(error.read())["error"]
        return ClientError(error.code, str(told["code"]), str(told["message"]))
    except (ValueError, KeyError, TypeError):
        return ClientError(error.code, "refused", f"the server answered {error.code}")
