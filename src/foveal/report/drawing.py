"""How every figure looks: quiet axes, a color-blind-safe palette, and the same bytes every time."""

import functools
import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from foveal.report.reading import HUES, Arm

P = ParamSpec("P")
Dash = str | tuple[float, tuple[float, ...]]

INK, QUIET, GRID = "#1f2328", "#5b636b", "#e3e6e9"
WIDTH, HEIGHT = 4.6, 3.1  # inches: one column of the page, still legible on a telephone
ROW = 0.17  # inches: one line of a legend
DPI = 150
LONGEST_NAME = 34

# Okabe and Ito's colors without the yellow, which is too pale for lines on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Dash, ...] = ("-", (0, (5, 1.6)), (0, (7, 1.5, 1.5, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "<", ">", "h")
BASELINE_COLOR, BASELINE_DASH, BASELINE_MARKER = "#5f6368", (0, (1.2, 1.4)), "X"
FAINT = "#c3c8cd"
BACKGROUND: dict[str, Any] = {"color": FAINT, "linewidth": 0.8, "zorder": 1.5}
ZERO: dict[str, Any] = {"color": "#9aa1a8", "linewidth": 1, "linestyle": (0, (4, 3))}
# Paul Tol's light set, for areas: classes must not be mistaken for arms.
FILLS = ("#77AADD", "#EE8866", "#EEDD88", "#FFAABB", "#44BB99", "#99DDFF", "#BBCC33", "#AAAA00")
HATCHES = ("", "///", "...", "xxx")

STYLE: Any = {  # matplotlib types the keys of its settings one by one
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: one layout on every machine
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.edgecolor": "#aab0b6",
    "axes.labelcolor": QUIET,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "axes.titlepad": 8,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": "#aab0b6",
    "ytick.color": "#aab0b6",
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "foveal",
    "svg.fonttype": "none",  # text stays text: small files, editable, in the reader's own font
}
SVG_FONTS = "-apple-system, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Look:
    """Color, line style and marker together, so that no arm is told apart by color alone."""

    color: str
    dash: Dash
    marker: str
    hollow: bool


def look_of(arm: Arm) -> Look:
    """The look of an arm: gray dots for the random baseline, hollow markers for an oracle, pale
    gray for one among many that no figure brings out."""
    if arm.baseline:
        return Look(BASELINE_COLOR, BASELINE_DASH, BASELINE_MARKER, arm.oracle)
    if arm.look is None:
        return Look(FAINT, "-", "o", arm.oracle)
    i = arm.look
    color, dash = COLORS[i % HUES], DASHES[i % len(DASHES)]
    return Look(color, dash, MARKERS[i % len(MARKERS)], arm.oracle)


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the style of the report and leave matplotlib's settings as they were."""

    @functools.wraps(draw)
    def inner(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    return inner


def encode(figure: Figure, kind: Literal["png", "svg"]) -> bytes:
    """The figure as a file. The same figure always gives the same bytes: no date, fixed ids."""
    stamp = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    buffer = io.BytesIO()
    with _style():
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=stamp)
    if kind == "png":
        return buffer.getvalue()
    text = buffer.getvalue().decode()
    return re.sub(r"'DejaVu Sans'(, sans-serif)?", SVG_FONTS, text).encode()


def canvas(height: float = HEIGHT, width: float = WIDTH) -> tuple[Figure, Axes]:
    """An empty figure with one pair of axes; sizes in inches."""
    figure = Figure((width, height), layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06))
    return figure, figure.add_subplot()


def line_of(look: Look, **more: Any) -> dict[str, Any]:
    """Keyword arguments of `Axes.plot` for a look."""
    return {
        "color": look.color,
        "linestyle": look.dash,
        "linewidth": 1.7,
        "marker": look.marker,
        "markersize": 5,
        "markerfacecolor": "white" if look.hollow else look.color,
        "markeredgecolor": look.color if look.hollow else "white",
        "markeredgewidth": 1.1 if look.hollow else 0.6,
        **more,
    }


def arm_legend(figure: Figure, arms: Sequence[Arm], others: int = 0) -> None:
    """Names of arms above the axes, each with its line and marker, and how many are in gray."""
    handles = [Line2D([], [], **line_of(look_of(arm))) for arm in arms]
    names = [arm.shown for arm in arms]
    if others:
        handles.append(Line2D([], [], **BACKGROUND))
        names.append(f"{others} more in gray")
    legend_above(figure, handles, names)


def legend_above(
    figure: Figure, handles: Sequence[Any], names: Sequence[str], handle_length: float = 2.9
) -> None:
    """A legend outside the axes, which keep their size: the figure grows by a line a row."""
    short = [shorten(name) for name in names]
    columns = _columns(short, handle_length)
    figure.set_figheight(figure.get_figheight() + ROW * -(-len(short) // columns))
    legend = figure.legend(
        handles,
        [f"arm {i}" for i in range(len(short))],
        loc="outside upper left",
        ncols=columns,
        columnspacing=1.4,
        handlelength=handle_length,
        borderaxespad=0,
    )
    for text, name in zip(legend.get_texts(), short, strict=True):
        text.set_text(name)  # set afterwards: matplotlib drops labels that begin with "_"


def row_labels(axes: Axes, names: Sequence[str]) -> None:
    """Names down the vertical axis, the first on top, a unit of height each."""
    axes.set_yticks(range(len(names)), [shorten(name) for name in names], color=INK)
    axes.set_ylim(len(names) - 0.5, -0.5)


def shorten(name: str, longest: int = LONGEST_NAME) -> str:
    """A name on one line that fits into a figure."""
    line = " ".join(name.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _columns(names: Sequence[str], handle_length: float) -> int:
    """The most columns whose widths, handle and letters in inches, fit side by side."""
    handle = 0.3 + 0.118 * handle_length
    for n in range(len(names), 1, -1):
        parts = np.array_split(np.array([handle + 0.07 * len(name) for name in names]), n)
        if sum(part.max() for part in parts) <= WIDTH:
            return n
    return 1


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # A name in a script that the built-in font lacks: boxes in the PNG, right in the SVG.
        warnings.filterwarnings("ignore", message=r"Glyph \d+", category=UserWarning)
        yield
