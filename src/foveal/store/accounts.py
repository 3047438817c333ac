"""Accounts: who may enter a project, in which role, and how a password is checked."""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from foveal.core.access import ROLES, Role
from foveal.core.errors import StoreError, near_miss
from foveal.store.rooms import Room
from foveal.store.tables import ACCOUNTS

NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
SHORTEST = 10  # characters of a password
LONGEST = 200
FAILURES = 5  # wrong passwords in a row until a name is locked
LOCKED_SECONDS = 60.0
# OWASP's recommendation for scrypt with 32 MiB, so that several may log in at once.
N, R, P = 2**15, 8, 3
MAXMEM = 2**26


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who may enter; `has_password` is False for those who come by invitation only."""

    name: str
    role: Role
    enabled: bool
    has_password: bool


class Accounts:
    """The accounts of a project."""

    def __init__(self, room: Room, clock: Callable[[], float]) -> None:
        self._room, self._clock = room, clock

    def add(self, name: str, role: Role, password: str = "") -> Account:
        """A new account; without a password it can be entered by invitation only.

        Raises:
            StoreError: if the name is taken or not allowed, or the password too short.
        """
        if not NAME.fullmatch(name):
            raise StoreError(
                "an account's name must be 1 to 40 letters, digits, dots, hyphens or underscores; "
                "choose another one"
            )
        if role not in ROLES:
            raise StoreError(f"a role must be one of {', '.join(ROLES)}, not {role!r}")
        row = {
            "name": name,
            "role": role,
            "password": _sealed(password) if password else "",
            "failures": 0,
            "locked_until": 0.0,
            "enabled": True,
        }
        with self._room.write("add an account to") as connection:
            if _row(connection, name) is not None:
                raise StoreError(f"there is an account {name!r} already; choose another name")
            connection.execute(insert(ACCOUNTS), [row])
        return Account(name, role, True, bool(password))

    def get(self, name: str) -> Account | None:
        """An account by name."""
        if not NAME.fullmatch(name):
            return None
        with self._room.read("read") as connection:
            row = _row(connection, name)
        return None if row is None else account_of(row)

    def known(self, name: str) -> Account:
        """An account by name; StoreError, with the names there are, if it is unknown."""
        account = self.get(name)
        if account is None:
            raise self._unknown(name)
        return account

    def is_last_admin(self, name: str) -> bool:
        """Whether nobody else is an admin who may enter, so that this one must stay one."""
        return [one.name for one in self.all() if one.role == "admin" and one.enabled] == [name]

    def _unknown(self, name: str) -> StoreError:
        names = [one.name for one in self.all()]
        there = near_miss(name, names) if names else " Nobody has one yet; add one."
        return StoreError(f"there is no account {name!r}.{there}")

    def all(self) -> tuple[Account, ...]:
        """All accounts by name."""
        with self._room.read("read") as connection:
            rows = connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name)).all()
        return tuple(account_of(row) for row in rows)

    def check(self, name: str, password: str) -> Account | None:
        """The account if the password is right; None if it is not, or the name is locked.

        It takes as long for names that do not exist.
        """
        known = NAME.fullmatch(name) is not None
        with self._room.read("read") as connection:
            row = _row(connection, name) if known else None
        sealed = row.password if row is not None and row.password else NOBODY
        right = _opens(sealed, password[:LONGEST]) and len(password) <= LONGEST
        if row is None:
            return None
        # Counted anew under the lock, lest many tries at once count as one.
        with self._room.write("let someone into") as connection:
            row = _row(connection, name)
            if row is None or row.password != sealed:
                return None
            return self._judged(connection, row, right)

    def _judged(self, connection: Connection, row: Row[Any], right: bool) -> Account | None:
        now = self._clock()
        if now < row.locked_until <= now + LOCKED_SECONDS:  # a clock set back frees the name
            return None
        if right and row.enabled:
            if row.failures:
                _set(connection, row.name, failures=0, locked_until=0.0)
            return account_of(row)
        failures = row.failures + 1
        until = now + LOCKED_SECONDS if failures % FAILURES == 0 else 0.0
        _set(connection, row.name, failures=failures, locked_until=until)
        return None

    def set_role(self, name: str, role: Role) -> None:
        """Give an account another role; StoreError if it is unknown."""
        if role not in ROLES:
            raise StoreError(f"a role must be one of {', '.join(ROLES)}, not {role!r}")
        self._change(name, role=role)

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password; StoreError if it is unknown or the password short."""
        self._change(name, password=_sealed(password), failures=0, locked_until=0.0)

    def enable(self, name: str, enabled: bool) -> None:
        """Let someone in, or no longer; StoreError if the account is unknown."""
        self._change(name, enabled=enabled)

    def _change(self, name: str, **values: object) -> None:
        with self._room.write("change an account of") as connection:
            done = NAME.fullmatch(name) is not None and _set(connection, name, **values)
        if not done:
            raise self._unknown(name)


def _set(connection: Connection, name: str, **values: object) -> bool:
    done = connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(**values))
    return done.rowcount > 0


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name)).one_or_none()


def account_of(row: Row[Any]) -> Account:
    """The account of a row of the table."""
    return Account(row.name, row.role, bool(row.enabled), bool(row.password))


def _sealed(password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise StoreError(
            f"a password must have {SHORTEST} to {LONGEST} characters; a short sentence is easy to "
            "remember"
        )
    salt = secrets.token_hex(16)
    return f"{salt}${_scrypt(password, salt)}"


def _opens(sealed: str, password: str) -> bool:
    salt, _, expected = sealed.partition("$")
    return secrets.compare_digest(_scrypt(password, salt), expected)


def _scrypt(password: str, salt: str) -> str:
    raw = hashlib.scrypt(_bytes(password), salt=salt.encode(), n=N, r=R, p=P, maxmem=MAXMEM)
    return raw.hex()


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")  # half a pair, which JSON can bring


NOBODY = "0" * 32 + "$" + "0" * 128  # opens for no password
