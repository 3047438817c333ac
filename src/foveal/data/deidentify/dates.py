"""Dates and times as DICOM writes them (PS3.5, section 6.2), moved back by whole days."""

import re
from datetime import date, timedelta

DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
DATETIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?((?:\d{2}){0,3}(?:\.\d{1,6})?)([+-]\d{4})?")
TIME = re.compile(r"(\d{2}):?((?:\d{2})?):?((?:\d{2})?)(\.\d{1,6})?")


def shifted(text: str, vr: str, days: int, whole_hours: bool = False) -> str | None:
    """One value of VR DA, DT or TM moved back; None if it is not one.

    A zone at the end of a DT is dropped, since it tells where the patient was. A DT of a year or a
    month is moved from its first day and written to the same precision.
    """
    value = text.strip(" \0")
    if vr == "TM":
        return _time(value, whole_hours)
    found = (DATE if vr == "DA" else DATETIME).fullmatch(value)
    if not found:
        return None
    year, month, day, *rest = found.groups()
    try:
        moved = date(int(year), int(month or 1), int(day or 1)) - timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    written = f"{moved.year:04}{moved.month:02}{moved.day:02}"
    if vr == "DA":
        return written
    clock = rest[0] or ""
    return written[: 8 if day else 6 if month else 4] + (_hour(clock) if whole_hours else clock)


def _time(value: str, whole_hours: bool) -> str | None:
    if not TIME.fullmatch(value):
        return None
    return _hour(value) if whole_hours else value


def _hour(clock: str) -> str:
    return clock[:2] + "0000" if clock else ""
