"""Traces: names and numbers of this very file that stand once more where no rule expects them.

Rules know attributes, not what people typed into them. So the persons' names and the patient's
numbers are remembered before they go, and looked for in all short texts that stay.
"""

import re
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from foveal.data.deidentify.elements import UNDEFINED, text_of
from foveal.data.deidentify.words import is_known

NAMES = (0x00100010, 0x00101001, 0x00101005, 0x00101060, 0x00080090, 0x00081050, 0x00081070)
NUMBERS = (0x00100020, 0x00101000, 0x00080050, 0x00101090)
LEAST_NAME, LEAST_NUMBER = 3, 4  # shorter ones would be found everywhere
LEAST_IN_BYTES = 6  # in compressed pixels shorter ones are there by chance
PIXELS = 0x7FE00010
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Traces:
    """Lower-case words of persons' names, and lower-case numbers, of one file."""

    names: frozenset[str]
    numbers: frozenset[str]

    def stand_in(self, text: str) -> bool:
        """Whether `text` repeats a name as a word, or a number anywhere.

        A name that is a word of the vocabulary is no trace: phantoms are called `Liver`.
        """
        lower = text.lower()
        if any(number in lower for number in self.numbers):
            return True
        return any(word in self.names and not is_known(word) for word in WORD.findall(lower))

    def stand_in_pixels(self, dataset: Dataset) -> bool:
        """Whether compressed pixels hold a name or number, as a comment within them can."""
        element: Any = dataset.get_item(Tag(PIXELS)) if PIXELS in dataset else None
        if element is None or not element.is_raw or element.length != UNDEFINED:
            return False
        data = element.value.lower()
        sought = (text for text in self.names | self.numbers if len(text) >= LEAST_IN_BYTES)
        return any(text.encode() in data for text in sought)


def traces_of(dataset: Dataset) -> Traces:
    """What to look for; asked before anything is removed."""
    written = (text_of(dataset, tag) for tag in NAMES if tag in dataset)
    names = {word for text in written for word in WORD.findall(text.lower())}
    numbers = {
        part.strip().lower()
        for tag in NUMBERS
        if tag in dataset
        for part in text_of(dataset, tag).split("\\")
    }
    return Traces(
        frozenset(name for name in names if len(name) >= LEAST_NAME),
        frozenset(number for number in numbers if len(number) >= LEAST_NUMBER),
    )
