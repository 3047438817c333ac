"""Client: a project's server from Python, with the standard library and numpy alone.

with Client("http://localhost:8765", name="ann", password="...") as client:
    while (case := client.next()) is not None:
        image = client.pixels(case)
        client.answer(case, "benign", shapes=client.mask(case, image > 128))
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import numpy as np
from numpy.typing import NDArray

from foveal.core.arrays import BoolArray
from foveal.core.errors import FovealError, SpecError
from foveal.core.shapes import Mask, Shapes, pack_runs

SECONDS = 60.0
TRIES = 3
Case = Mapping[str, Any]


class ServerError(FovealError):
    """The server refused, or cannot be reached; `code` is its word for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Client:
    """A session with one project; use it in a `with` block.

    Args:
        address: such as http://localhost:8765
        name, password: of an account; or
        token: of an invitation, which holds once.

    Raises:
        ServerError: if the server cannot be reached or does not know the account.
    """

    def __init__(self, address: str, name: str = "", password: str = "", token: str = "") -> None:
        if not address.startswith(("http://", "https://")):
            raise SpecError(f"an address must begin with http:// or https://, not {address!r}")
        self._root = address.rstrip("/") + "/api/v1"
        self._session = ""
        body = {"name": name, "password": password, "token": token, "program": True}
        self._session = self._json("POST", "/login", body)["token"]

    def next(self) -> Case | None:
        """The case that is open, or the next one; None if nothing is left."""
        case: dict[str, Any] = self._json("POST", "/next", {})
        return None if case.get("done") else case

    def pixels(
        self, case: Case, position: int | None = None, which: str = "current"
    ) -> NDArray[Any]:
        """(H, W) or (H, W, 3) pixels as stored; see `which` and slices in the interface's words."""
        asked = {"which": which} | ({} if position is None else {"slice": str(position)})
        path = f"/cases/{quote(case['case'])}/pixels?{urlencode(asked)}"
        data, headers = self._send("GET", path, None, {})
        height, width, channels = (int(n) for n in headers["x-foveal-shape"].split(","))
        kind = np.dtype(headers["x-foveal-type"]).newbyteorder("<")
        shape = (height, width) if channels == 1 else (height, width, channels)
        return np.frombuffer(data, kind).reshape(shape)

    def mask(self, case: Case, region: BoolArray) -> dict[str, Any]:
        """An (H, W) region as the shapes of an answer."""
        runs = Mask(pack_runs(np.asarray(region, bool)))
        return Shapes(case["width"], case["height"], (runs,)).as_dict()

    def answer(
        self,
        case: Case,
        label: str | None,
        shapes: Mapping[str, Any] | None = None,
        seconds: float = 0.0,
        verdict: str = "labeled",
        key: str = "",
    ) -> dict[str, Any]:
        """Save an answer; it is on the server's disk on return. Repeated if the way there fails.

        Args:
            label: a class; None for the verdicts `skipped`, `unsure` and `bad`.
            key: names this answer, so that it is kept once however often it is sent.
        """
        body = {"verdict": verdict, "class": label, "shapes": shapes, "seconds": seconds}
        word = {"idempotency-key": key or secrets.token_hex(16)}
        saved: dict[str, Any] = self._json(
            "POST", f"/cases/{quote(case['case'])}/answer", body, word, TRIES
        )
        return saved

    def dashboard(self) -> dict[str, Any]:
        """Where the project stands."""
        told: dict[str, Any] = self._json("GET", "/dashboard")
        return told

    def train(self) -> None:
        """Ask the worker to learn now (leads)."""
        self._json("POST", "/worker/train", {})

    def export(self, name: str) -> bytes:
        """A file: csv, coco, label-studio, cvat, masks, model, model-card (leads)."""
        return self._send("GET", f"/export/{quote(name)}", None, {})[0]

    def close(self) -> None:
        """End the session."""
        if self._session:
            self._json("POST", "/logout", {})
            self._session = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _json(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        tries: int = 1,
    ) -> Any:
        for left in reversed(range(tries)):
            try:
                return json.loads(self._send(method, path, body, dict(headers or {}))[0])
            except ServerError as error:
                if error.code != "unreachable" or not left:
                    raise
        raise AssertionError("at least one try was made")

    def _send(
        self, method: str, path: str, body: object, headers: dict[str, str]
    ) -> tuple[bytes, Mapping[str, str]]:
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["content-type"] = "application/json"
        if self._session:
            headers["authorization"] = f"Bearer {self._session}"
        request = Request(self._root + path, data, headers, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - http(s), see above
                return answer.read(), {k.lower(): v for k, v in answer.headers.items()}
        except HTTPError as error:
            raise _refused(error) from error
        except (URLError, OSError) as error:
            raise ServerError(
                "unreachable", f"the server cannot be reached: {error}; is `foveal serve` running?"
            ) from error


def _refused(error: HTTPError) -> ServerError:
    try:
        told = json.loads(error.read())["error"]
        return ServerError(str(told["code"]), str(told["message"]))
    except (ValueError, KeyError, TypeError):
        return ServerError(str(error.code), f"the server answered {error.code}")
