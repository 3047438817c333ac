"""Scrub: one data set after the rules, nested items and all, in place."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from foveal.data.deidentify import elements
from foveal.data.deidentify.codes import Codes
from foveal.data.deidentify.dates import shifted
from foveal.data.deidentify.elements import text_of, vr_of
from foveal.data.deidentify.options import Options
from foveal.data.deidentify.profile import EDITION
from foveal.data.deidentify.rules import Action, decide, is_foreign
from foveal.data.deidentify.traces import Traces, traces_of
from foveal.data.deidentify.words import cleaned

OLDEST_AGE = 90  # years; all above are given as this
# What is said in words is no number and no UID.
NUMERAL = re.compile(r"[0-9eE+. \\\0-]*")
CHECKED = frozenset({"LO", "SH", "CS", "UC"})
METHOD = f"DICOM PS3.15 {EDITION} Basic Application Confidentiality"
Counts = Counter[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Person:
    """Who a file is about from now on: a pseudonym, and days to move dates back."""

    pseudonym: str
    days: int


@dataclass(frozen=True, slots=True)
class _Work:
    codes: Codes
    person: Person
    options: Options
    traces: Traces
    counts: Counts


def scrub(dataset: Dataset, codes: Codes, person: Person, options: Options) -> Counts:
    """Remove, empty, replace and rename in place, and write down in the data set that it was done.

    Elements that stay keep their bytes, pixels among them.

    Returns:
        How often each action was done, by tag (group * 65536 + element, the first of the group for
        private ones, curves and overlays) and code of `Action`.
    """
    work = _Work(codes, person, options, traces_of(dataset), Counter())
    _walk(dataset, work, top=True)
    _sign(dataset, work)
    return work.counts


def _walk(dataset: Dataset, work: _Work, top: bool) -> None:
    for tag in list(map(int, dataset.keys())):
        vr = "UN" if is_foreign(tag) else vr_of(dataset, tag)
        action = decide(tag, vr, work.options, top)
        done = _DOING[action](dataset, tag, vr, work)
        if done is not Action.KEEP:
            work.counts[(_counted_as(tag), done.value)] += 1


def _counted_as(tag: int) -> int:
    group = tag >> 16
    return group << 16 if group % 2 or group >> 8 in (0x50, 0x60) else tag


def _remove(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    del dataset[Tag(tag)]
    return Action.REMOVE


def _empty(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    elements.put_empty(dataset, tag, vr)
    return Action.EMPTY


def _dummy(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    if vr == "UI":
        return _uid(dataset, tag, vr, work)
    if elements.is_empty(dataset, tag):
        return Action.KEEP
    elements.put_dummy(dataset, tag, vr)
    return Action.DUMMY


def _uid(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    parts = [part.strip(" \0") for part in text_of(dataset, tag).split("\\")]
    elements.put_text(dataset, tag, "UI", "\\".join(map(work.codes.uid, parts)))
    return Action.UID


def _items(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    if vr != "SQ":  # a reference that is no sequence cannot be looked into
        return _empty(dataset, tag, vr, work)
    for item in dataset[Tag(tag)].value:
        _walk(item, work, top=False)
    return Action.KEEP


def _pseudonym(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    elements.put_text(dataset, tag, vr, work.person.pseudonym)
    return Action.PSEUDONYM


def _shift(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    parts = text_of(dataset, tag).split("\\")
    if not "".join(parts).strip(" \0"):
        return Action.KEEP
    hours = work.options.whole_hours
    moved = [shifted(part, vr, work.person.days, hours) for part in parts]
    if None in moved:  # not a date: nobody knows what it says
        return _fall_back(dataset, tag, vr, work)
    elements.put_text(dataset, tag, vr, "\\".join(part or "" for part in moved))
    return Action.SHIFT


def _words(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    kept = cleaned(text_of(dataset, tag), work.traces.names)
    if not kept:
        return _fall_back(dataset, tag, vr, work)
    elements.put_text(dataset, tag, vr, kept)
    return Action.WORDS


def _fall_back(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    plain = replace(work.options, shift_dates=False, descriptors=False)
    return _DOING[decide(tag, vr, plain, False)](dataset, tag, vr, work)


def _age(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    text = text_of(dataset, tag).strip(" \0")
    if len(text) != 4 or not text[:3].isdecimal() or text[3] not in "DWMY":
        return _empty(dataset, tag, vr, work)
    if text[3] == "Y" and int(text[:3]) >= OLDEST_AGE:
        elements.put_text(dataset, tag, vr, f"{OLDEST_AGE:03}Y")
    return Action.AGE


def _keep(dataset: Dataset, tag: int, vr: str, work: _Work) -> Action:
    if vr in ("UI", "IS", "DS"):
        strange = not NUMERAL.fullmatch(text_of(dataset, tag))
    else:
        strange = vr in CHECKED and work.traces.stand_in(text_of(dataset, tag))
    if strange:
        elements.put_empty(dataset, tag, vr)
    return Action.TRACE if strange else Action.KEEP


_DOING: dict[Action, Callable[[Dataset, int, str, _Work], Action]] = {
    Action.REMOVE: _remove,
    Action.EMPTY: _empty,
    Action.DUMMY: _dummy,
    Action.UID: _uid,
    Action.ITEMS: _items,
    Action.PSEUDONYM: _pseudonym,
    Action.SHIFT: _shift,
    Action.WORDS: _words,
    Action.AGE: _age,
    Action.KEEP: _keep,
}


def _sign(dataset: Dataset, work: _Work) -> None:
    for keyword in ("PatientName", "PatientID"):
        setattr(dataset, keyword, work.person.pseudonym)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = ["Foveal", METHOD]
    dataset.DeidentificationMethodCodeSequence = [_code(*c) for c in work.options.codes()]
    dates = "MODIFIED" if work.options.shift_dates else "REMOVED"
    dataset.LongitudinalTemporalInformationModified = dates


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = meaning
    return item
