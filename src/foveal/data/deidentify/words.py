"""Words that say what is seen and how, never who: what is left of a description that is cleaned.

Cleaning keeps the words of `vocabulary.txt`, and weightings, diffusion values and the like; every
other word is dropped, so a name, a place or a date cannot pass, even where it is misspelled.
"""

import re
from collections.abc import Set
from functools import cache
from importlib.resources import files

WORD = re.compile(r"[A-Za-z0-9]+(?:\.[0-9]+)?")
# Never a bare number: it could be part of a date.
TECHNICAL = re.compile(r"t[12](w|wi)?|b[0-9]{1,4}|[0-9](\.[0-9])?(mm|cm|t)|[0-9]{2,3}kv|[23]d")
NUMBERED = re.compile(r"([a-z]{3,})[0-9]")
# `GTV 2` and `ROI-1` become `GTV2` and `ROI1`, unless more numbers follow, as in a date.
COUNTED = re.compile(r"([A-Za-z]{3,})[ _-]([0-9])(?![0-9A-Za-z]|[ .,/:_-]*[0-9])")


@cache
def vocabulary() -> frozenset[str]:
    """Lower-case words."""
    text = files(__package__).joinpath("vocabulary.txt").read_text(encoding="utf-8")
    lines = (line.partition("#")[0] for line in text.splitlines())
    return frozenset(word for line in lines for word in line.split())


def is_known(word: str) -> bool:
    """Whether a word may stay."""
    lower = word.lower()
    numbered = NUMBERED.fullmatch(lower)
    stem = numbered[1] if numbered else lower
    return stem in vocabulary() or bool(TECHNICAL.fullmatch(lower))


def cleaned(text: str, names: Set[str] = frozenset()) -> str:
    """The known words of `text` that are not in `names` (lower case), in order; "" if none."""
    words = WORD.findall(COUNTED.sub(r"\1\2", text))
    return " ".join(w for w in words if is_known(w) and w.lower().rstrip("0123456789") not in names)
