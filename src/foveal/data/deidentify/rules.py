"""What happens to an attribute, from its tag and value representation (VR) alone.

Attributes of the profile's table follow the table. Where it offers a choice (X/Z, X/D, Z/D, X/Z/D:
"as the object's definition needs"), the one that is valid in every object is taken: a dummy, or
an empty sequence. All other attributes are judged by what they could hold: text, persons, addresses
and encrypted or unknown content go, references are renamed, dates are shifted, numbers and codes
stay.
"""

from enum import StrEnum
from functools import cache

from pydicom.datadict import dictionary_description, dictionary_has_tag, dictionary_VR

from foveal.data.deidentify.options import Options
from foveal.data.deidentify.profile import Rule, families, table

PATIENT_NAME, PATIENT_ID = 0x00100010, 0x00100020
TRACKING_ID = 0x00620020
DATES = frozenset({"DA", "DT", "TM"})
FREE_TEXT = frozenset({"LT", "ST", "UT", "UC"})
SHORT_TEXT = frozenset({"LO", "SH"})
SHORT_FAMILY = frozenset({"LO", "SH", "CS"})
NUMBERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "IS", "DS", "FL", "FD", "AT"})
BULK = frozenset({"OB", "OW", "UN", "OB or OW", "US or SS or OW", "US or OW"})
BULK_GROUPS = frozenset({0x0028, 0x0066, 0x7FE0})  # look-up tables, meshes, pixels
KEPT_TEXT = frozenset({0x00080119})  # long code value
# Names of kinds, schemes and encodings. They say what a thing is, never which one it is.
KINDS = ("SOP Class UID", "Transfer Syntax UID", "Coding Scheme UID", "Mapping Resource UID")
KIND_TAGS = frozenset({0x00080117, 0x0008010D})  # context UID and its extension's creator
# Patients, visits, orders, trials, prints, documents, signatures, cargo: nothing is needed of them.
STRICT_GROUPS = frozenset(
    {0x0010, 0x0012, 0x0014, 0x0016, 0x0032, 0x0038, 0x0042, 0x0072, 0x0074, 0x0076, 0x0078}
    | {0x0100, 0x0400, 0x2000, 0x2010, 0x2020, 0x2030, 0x2040, 0x2050, 0x2100, 0x2110, 0x2120}
    | {0x2130, 0x2200, 0x4000, 0x4008, 0x4010, 0x5400, 0xFFFA, 0xFFFC}
)
# Short texts the table does not list although they can name a device, an order or a place.
ALSO = frozenset(
    {0x00181003, 0x00181006, 0x00181803, 0x00401006, 0x00401007, 0x00402006, 0x00402007}
    | {0x00401060, 0x00440012, 0x0044000A, 0x00880130, 0x30020020, 0x00080302, 0x00400400}
)
REMARK = ("Description", "Comment", "Comments", "Notes", "Explanation", "Text")


class Action(StrEnum):
    """What is done; the value is the code of the report."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    ITEMS = "U*"  # the sequence stays, its items are looked into
    PSEUDONYM = "D pseudonym"
    SHIFT = "C date"
    WORDS = "C words"
    AGE = "K age"
    TRACE = "Z trace"  # kept by the rules, emptied because it repeats a name or number
    KEEP = "K"


ONE = {"X": Action.REMOVE, "Z": Action.EMPTY, "D": Action.DUMMY, "U": Action.UID}
ANY = {"X/Z": Action.EMPTY, "X/Z/U*": Action.ITEMS}
PLAIN = {"X/D": Action.DUMMY, "Z/D": Action.DUMMY, "X/Z/D": Action.DUMMY}
NESTED = {"X/D": Action.REMOVE, "Z/D": Action.EMPTY, "X/Z/D": Action.EMPTY}


@cache
def decide(tag: int, vr: str, options: Options, top: bool = True) -> Action:
    """The action for an attribute.

    Args:
        tag: group * 65536 + element.
        vr: as the file has it, or as the dictionary has it where the file does not say.
        top: the attribute stands in no sequence.
    """
    rule = table().get(tag)
    if is_foreign(tag) or (rule is None and not dictionary_has_tag(tag)):
        return Action.REMOVE
    if rule is None:
        return _unlisted(tag, vr, options)
    if top and tag in (PATIENT_NAME, PATIENT_ID):
        return Action.PSEUDONYM
    return _listed(rule, vr, options)


def is_foreign(tag: int) -> bool:
    """Private, of a retired group (curves, overlays), or of no data set at all."""
    group = tag >> 16
    return bool(group % 2) or group < 8 or group >> 8 in (0x50, 0x60) or tag & 0xFFFF == 0


def name_of(tag: int) -> str:
    """The attribute's name, from the table or the dictionary; never from a file."""
    if (tag >> 16) % 2:
        return families()["PRIVATE"].name
    if tag >> 24 in (0x50, 0x60):
        return "Curve" if tag >> 24 == 0x50 else "Overlay"
    if tag in table():
        return table()[tag].name
    if not tag & 0xFFFF:
        return "Group Length"
    return str(dictionary_description(tag)) if dictionary_has_tag(tag) else "Unknown attribute"


def _listed(rule: Rule, vr: str, options: Options) -> Action:
    if options.characteristics and rule.characteristics and vr not in BULK:
        return Action.AGE if vr == "AS" else _kept(vr)
    if options.shift_dates and rule.dates and vr in DATES:
        return Action.SHIFT
    if options.device and rule.device and vr not in DATES | BULK:
        return _kept(vr)
    if options.descriptors and rule.descriptors and vr in FREE_TEXT | SHORT_TEXT:
        return Action.WORDS
    choices = NESTED if vr == "SQ" else PLAIN
    return (ONE | ANY | choices)[rule.basic]


def _kept(vr: str) -> Action:
    return {"SQ": Action.ITEMS, "UI": Action.UID}.get(vr, Action.KEEP)


def _unlisted(tag: int, vr: str, options: Options) -> Action:
    group = tag >> 16
    if group in STRICT_GROUPS or tag in ALSO or not _fits(tag, vr):
        return Action.REMOVE
    if vr == "UI":
        return Action.KEEP if _names_a_kind(tag) else Action.UID
    if vr in FREE_TEXT | SHORT_TEXT:
        return _text(tag, vr, options)
    if vr in BULK:
        return Action.KEEP if group in BULK_GROUPS else Action.REMOVE
    if vr in DATES:
        return Action.SHIFT if options.shift_dates else Action.REMOVE
    strict = {"PN": Action.EMPTY, "AE": Action.REMOVE, "AS": Action.REMOVE, "UR": Action.REMOVE}
    return strict.get(vr, Action.ITEMS if vr == "SQ" else Action.KEEP)


def _text(tag: int, vr: str, options: Options) -> Action:
    if tag == TRACKING_ID:
        return Action.DUMMY  # must be there beside its UID, which is renamed
    plain = vr in SHORT_TEXT and not dictionary_description(tag).endswith(REMARK)
    if plain or tag in KEPT_TEXT:
        return Action.KEEP
    return Action.WORDS if options.descriptors else Action.EMPTY  # some must be there, if empty


def _names_a_kind(tag: int) -> bool:
    return tag in KIND_TAGS or dictionary_description(tag).endswith(KINDS)


def _fits(tag: int, vr: str) -> bool:
    """The file's VR is one the dictionary expects; else the value is not what its name says."""
    written = dictionary_VR(tag)
    expected = {written, *written.split(" or ")}
    if vr in expected:
        return True
    return any(vr in family and expected & family for family in (SHORT_FAMILY, NUMBERS))
