"""Elements of a data set as text and bytes, without a change to those that stay."""

from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

UNDEFINED = 0xFFFFFFFF  # a length that is found out by reading
DUMMY_WORD = "REMOVED"
DUMMIES = {
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    "AS": "000Y",
    "UR": "urn:removed",
    "IS": "0",
    "DS": "0",
}
WORDLESS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
NUMBERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"})
PADDED_BY_NULL = frozenset({"UI", "OB", "UN"})


def vr_of(dataset: Dataset, tag: int) -> str:
    """The VR that the file gives, or the dictionary where the file gives none or UN."""
    element = dataset.get_item(Tag(tag))
    if element.VR and element.VR != "UN":
        return str(element.VR)
    if not dictionary_has_tag(tag):
        return "UN"
    known = str(dictionary_VR(tag))
    if known == "SQ" and element.VR == "UN":
        return str(dataset[Tag(tag)].VR)  # parsed, so that its items can be looked into
    return known


def is_empty(dataset: Dataset, tag: int) -> bool:
    """Whether there is no value, or no item."""
    value = dataset.get_item(Tag(tag)).value
    return value is None or (hasattr(value, "__len__") and not len(value))


def text_of(dataset: Dataset, tag: int) -> str:
    """The value as text, parts separated by a backslash; padding is not cut."""
    element: Any = dataset.get_item(Tag(tag))
    if not element.is_raw:
        parts = element.value if element.VM > 1 else [element.value]
        return "\\".join("" if part is None else str(part) for part in parts)
    raw: bytes = element.value or b""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def put_text(dataset: Dataset, tag: int, vr: str, text: str) -> None:
    """Give an element the value `text` (ASCII), as bytes: nothing is checked or reformatted."""
    data = text.encode("ascii")
    pad = b"\0" if vr in PADDED_BY_NULL else b" "
    _put(dataset, tag, vr, data + pad * (len(data) % 2))


def put_empty(dataset: Dataset, tag: int, vr: str) -> None:
    """An empty value, or a sequence without items."""
    if vr == "SQ":
        dataset[Tag(tag)] = DataElement(Tag(tag), "SQ", Sequence())
    else:
        _put(dataset, tag, vr, b"")


def put_dummy(dataset: Dataset, tag: int, vr: str) -> None:
    """A value that is formally right and says nothing; a sequence gets one such item."""
    if vr == "SQ":
        dataset[Tag(tag)] = DataElement(Tag(tag), "SQ", Sequence([_dummy_item(tag)]))
    elif vr in WORDLESS:
        _put(dataset, tag, vr, b"\0\0")
    elif vr in NUMBERS:
        _put(dataset, tag, vr, bytes(8 if vr in ("FD", "UV", "SV") else 4 if vr[1] != "S" else 2))
    else:
        put_text(dataset, tag, vr, DUMMIES.get(vr, DUMMY_WORD))


def _dummy_item(tag: int) -> Dataset:
    item = Dataset()
    if tag == 0x00401101:  # person identification: the one code sequence that must have a value
        item.CodeValue = "0"
        item.CodingSchemeDesignator = "99FOVEAL"
        item.CodeMeaning = DUMMY_WORD
    return item


def _put(dataset: Dataset, tag: int, vr: str, data: bytes) -> None:
    implicit, little = dataset.original_encoding
    where = Tag(tag)
    if little is None:  # made by us, in no file yet
        little, implicit = True, False
    dataset[where] = RawDataElement(where, vr, len(data), data, 0, bool(implicit), bool(little))
