"""`--data NAME=FILE`: data sets on the command line, each with a name of its own."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from foveal.core.errors import SpecError

TABLES = frozenset({".csv", ".parquet"})


class NamedData(NamedTuple):
    """What the user calls a data set, and its manifest, folder or npz as written."""

    name: str
    source: str

    @property
    def slug(self) -> str:
        """The name as that of a folder."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "data"


def named_data(texts: Sequence[str]) -> list[NamedData]:
    """`NAME=FILE` or `FILE`; a table without a name is called after its folder.

    Raises:
        SpecError: for a source that does not exist, and for two that would share a folder.
    """
    sets = [_named(text) for text in texts]
    for one in sets:
        if not Path(one.source).exists():
            raise SpecError(
                f"--data must be a manifest (CSV, Parquet), a folder or an npz, but there is no "
                f"{one.source!r}; write it as FILE or NAME=FILE"
            )
    shared = [slug for slug, n in Counter(one.slug for one in sets).items() if n > 1]
    if shared:
        raise SpecError(
            f"each data set needs a name of its own, but two are called {shared[0]!r}; name them: "
            "--data NAME=FILE"
        )
    return sets


def _named(text: str) -> NamedData:
    name, equals, source = text.partition("=")
    if equals and name.strip() and not Path(text).exists():
        return NamedData(name.strip(), source)
    path = Path(text).resolve()
    return NamedData(path.parent.name if path.suffix in TABLES else path.stem, text)
