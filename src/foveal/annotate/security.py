"""Security: what every request must satisfy before a route sees it; what every answer carries."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foveal.annotate.failures import WORDS, failure

COOKIE = "foveal_session"
CSRF_HEADER = "x-foveal-csrf"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MEGABYTE = 2**20
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "worker-src 'self' blob:",
        "img-src 'self' blob: data:",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """hosts: names in `Host` that are served; limits in bytes by path prefix, longest first."""

    hosts: frozenset[str]
    limit: int = 2 * MEGABYTE
    limits: Sequence[tuple[str, int]] = ()

    def limit_of(self, path: str) -> int:
        """How many bytes a request to a path may have."""
        return next((most for start, most in self.limits if path.startswith(start)), self.limit)


class Guarded:
    """An application behind the rules; bodies are counted as they come, whatever headers say."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = refusal(scope["method"], scope["path"], headers, self._rules)
        sent = _with_headers(send, scope["path"])
        if refused is not None:
            await failure(*refused)(scope, receive, sent)
            return
        await self._app(scope, _Counted(receive, self._rules.limit_of(scope["path"])), sent)


class _Counted:
    """Counts a body; the error is one that routes let pass and that becomes an answer."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._left = receive, limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413)
        return message


def refusal(method: str, path: str, headers: Headers, rules: Rules) -> tuple[int, str, str] | None:
    """Status, code and message if a request must not reach any route; pure."""
    host = _host(headers.get("host", ""))
    if host not in rules.hosts:
        return 421, "host", "This server does not answer to that host name; see `--name`."
    if method not in SAFE and not same_site(headers):
        return 403, "cross_site", "This request came from another site and was refused."
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > rules.limit_of(path):
        return 413, *WORDS[413]
    return None


def same_site(headers: Headers) -> bool:
    """Whether a browser says that a request comes from this very site; others say nothing."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def csrf_of(token: str) -> str:
    """The word that a page must send with each change.

    Made of its session's token, which no page can read, so that it outlives a restart of the
    server and can be guessed by nobody who does not have the session itself.
    """
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def csrf_fits(given: str, token: str) -> bool:
    """Whether a request carries its session's word; compared in constant time."""
    return hmac.compare_digest(given.encode(), csrf_of(token).encode())


def host_names(host: str, more: Iterable[str] = ()) -> frozenset[str]:
    """Names a server bound to `host` answers to."""
    loopback = ("127.0.0.1", "localhost", "[::1]")
    own = f"[{host}]" if ":" in host else host
    return frozenset(name.lower() for name in (*loopback, own, *more) if name)


def _host(header: str) -> str:
    """The host without its port; IPv6 keeps its brackets."""
    name = header.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


def _with_headers(send: Send, path: str) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if not path.startswith("/assets/"):  # nothing of a patient stays in a browser
                headers["cache-control"] = "no-store"
        await send(message)

    return sent
