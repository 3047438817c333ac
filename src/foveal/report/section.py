"""A section of the page: what every builder returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foveal.report.pictures import Picture
from foveal.report.reading import Results


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page: its anchor and template are `id`, its title states the finding."""

    id: str
    short: str
    title: str
    data: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()


Builder = Callable[[Results], Section | None]
