"""Pictures that travel inside the page: encoded figures, and panels that prove to be PNG files."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from foveal.core.errors import DataError
from foveal.core.files import safe_join
from foveal.report.drawing import encode

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
LARGEST_PANEL = 8 * 2**20  # bytes; a strip of three tiles is some tens of kilobytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as files and as part of the page."""

    stem: str
    alt: str
    caption: str
    svg: bytes
    png: bytes

    @property
    def uri(self) -> str:
        """The SVG as a data URI."""
        return data_uri("image/svg+xml", self.svg)


@dataclass(frozen=True, slots=True)
class Panel:
    """A gallery strip: a data URI, or a note why there is none."""

    uri: str = ""
    note: str = ""


PanelReader = Callable[[str], Panel]


def picture(stem: str, figure: Figure, alt: str, caption: str = "") -> Picture:
    """Encode a figure once for the folder and the page."""
    return Picture(stem, alt, caption, encode(figure, "svg"), encode(figure, "png"))


def data_uri(kind: str, data: bytes) -> str:
    """Bytes as a `data:` address."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def slug(text: str) -> str:
    """Letters, digits and hyphens only: safe as a file name and as an anchor."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "unnamed"


def panel_reader(folder: Path) -> PanelReader:
    """A reader of panels inside `folder`; whatever is wrong becomes a note, never an exception.

    Only regular files that begin as PNG files do are embedded; a path that leads outside the
    folder, also through a link, is refused.
    """

    def read(relative: str) -> Panel:
        try:
            path = safe_join(folder, relative)
            if not path.is_file():
                return Panel(note="The picture of this case is missing.")
            if path.stat().st_size > LARGEST_PANEL:
                return Panel(note="The picture of this case is too large to be shown.")
            data = path.read_bytes()
        except (DataError, OSError):
            return Panel(note="The picture of this case cannot be read from the report's folder.")
        if not data.startswith(PNG_MAGIC):
            return Panel(note="The picture of this case is not a PNG file.")
        return Panel(data_uri("image/png", data))

    return read
