"""Codes: pseudonyms, UIDs and offsets that follow from a secret key and the original alone.

Nothing has to be remembered to name the same thing the same way again, and without the key the
original can neither be computed nor guessed and checked (HMAC-SHA-256).
"""

import base64
import hashlib
import hmac
import uuid

from pydicom._uid_dict import UID_dictionary

KEY_BYTES = 32
PSEUDONYM_LETTERS = 12  # 60 bits
BODY_BITS, CHECK_BITS = 78, 44
SHIFT_YEARS = 10


class Codes:
    """All that is derived from one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._uids: dict[str, str] = {}

    def fingerprint(self) -> str:
        """16 hex digits by which the key is recognized, and nothing else."""
        return self._digest("fingerprint", "").hex()[:16]

    def token(self, purpose: str, original: str, letters: int = PSEUDONYM_LETTERS) -> str:
        """Capital letters and digits; the same original has another token for another purpose."""
        return base64.b32encode(self._digest(purpose, original)).decode()[:letters]

    def patient(self, identity: str) -> str:
        """`P` and 12 letters."""
        return "P" + self.token("patient", identity)

    def shift_days(self, identity: str, years: int = SHIFT_YEARS) -> int:
        """Days to go back, in [1, 365 * years]."""
        drawn = int.from_bytes(self._digest("shift", identity)[:8])
        return 1 + drawn % (365 * years)

    def uid(self, original: str) -> str:
        """A UID under 2.25 for `original`; UIDs of the standard and our own stay as they are.

        Ours hold a check that needs the key, so what was renamed before is not renamed again.
        """
        if not original or original in UID_dictionary or self.is_ours(original):
            return original
        if original not in self._uids:
            body = int.from_bytes(self._digest("uid", original)) >> (256 - BODY_BITS)
            self._uids[original] = _as_uid(body << CHECK_BITS | self._check(body))
        return self._uids[original]

    def is_ours(self, uid: str) -> bool:
        """Whether `uid` was made by `uid` with this key (wrong once in 10**13)."""
        bits = _bits_of(uid)
        if bits is None:
            return False
        return self._check(bits >> CHECK_BITS) == bits & ((1 << CHECK_BITS) - 1)

    def _check(self, body: int) -> int:
        return int.from_bytes(self._digest("check", str(body))) >> (256 - CHECK_BITS)

    def _digest(self, purpose: str, text: str) -> bytes:
        said = f"{purpose}\0{text}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, said, hashlib.sha256)


def _as_uid(bits: int) -> str:
    """122 bits as a UUID of version 8 (RFC 9562), written as PS3.5 B.2 says."""
    high, middle, low = bits >> 74, bits >> 62 & 0xFFF, bits & ((1 << 62) - 1)
    return f"2.25.{high << 80 | 8 << 76 | middle << 64 | 2 << 62 | low}"


def _bits_of(uid: str) -> int | None:
    root, _, digits = uid.partition("2.25.")
    if root or not digits.isdecimal() or int(digits) >> 128:
        return None
    number = uuid.UUID(int=int(digits))
    if number.version != 8:
        return None
    value = number.int
    return value >> 80 << 74 | (value >> 64 & 0xFFF) << 62 | value & ((1 << 62) - 1)
