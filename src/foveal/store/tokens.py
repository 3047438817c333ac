"""Tokens: sessions, and invitations that open one session once; only keyed hashes are kept."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Literal

from sqlalchemy import delete, insert, select

from foveal.store.accounts import Account, account_of
from foveal.store.rooms import Room
from foveal.store.tables import ACCOUNTS, TOKENS

TokenKind = Literal["session", "invitation"]
LONGEST = 30 * 24 * 3600.0  # seconds: a token that is said to last longer came from another clock


class Tokens:
    """Who is in, and who has been asked in."""

    def __init__(self, room: Room, secret: bytes, clock: Callable[[], float]) -> None:
        self._room, self._secret, self._clock = room, secret, clock

    def give(self, account: str, seconds: float, kind: TokenKind = "session") -> str:
        """A new token, told to nobody else and kept nowhere; valid for `seconds`."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        row = {
            "hash": self._hash(token),
            "kind": kind,
            "account": account,
            "expires": now + min(seconds, LONGEST),
        }
        with self._room.write("let someone into") as connection:
            connection.execute(delete(TOKENS).where(TOKENS.c.expires < now))
            connection.execute(insert(TOKENS), [row])
        return token

    def holder(self, token: str) -> Account | None:
        """Whose session a token is; None if it is none, has expired, or the account is closed."""
        return self._find(token, "session")

    def redeem(self, token: str) -> Account | None:
        """Whom an invitation is for; it holds once."""
        account = self._find(token, "invitation")
        if account is None:
            return None
        with self._room.write("let someone into") as connection:
            gone = connection.execute(delete(TOKENS).where(TOKENS.c.hash == self._hash(token)))
            return account if gone.rowcount else None

    def drop(self, token: str) -> None:
        """End a session."""
        with self._room.write("let someone out of") as connection:
            connection.execute(delete(TOKENS).where(TOKENS.c.hash == self._hash(token)))

    def drop_all(self, account: str) -> None:
        """End all sessions and invitations of an account."""
        with self._room.write("let someone out of") as connection:
            connection.execute(delete(TOKENS).where(TOKENS.c.account == account))

    def _find(self, token: str, kind: TokenKind) -> Account | None:
        now = self._clock()
        wanted = (
            select(ACCOUNTS, TOKENS.c.expires)
            .join(TOKENS, TOKENS.c.account == ACCOUNTS.c.name)
            .where(TOKENS.c.hash == self._hash(token), TOKENS.c.kind == kind)
        )
        with self._room.read("read") as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None or not row.enabled or not now < row.expires <= now + LONGEST:
            return None
        return account_of(row)

    def _hash(self, token: str) -> str:
        return hmac.new(self._secret, token.encode(errors="replace"), hashlib.sha256).hexdigest()
