"""One look for every figure, and files that never vary."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import style as styles
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from condlab.machine.files import replace, replace_text

WIDTH = 7.0  # inches
FAR = 1e200  # what is beyond is drawn at the edge: ticks further out must be floats
INK, QUIET, RULE, PAPER = "#1d2126", "#5f6872", "#cfd4da", "#ffffff"

# Okabe and Ito's palette, which colour-blind readers can tell apart.
ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, VERMILLION, PURPLE = "#0072b2", "#d55e00", "#cc79a7"

# Verdana has the same widths; the others are narrower, so nothing overlaps.
FONTS = "'DejaVu Sans', Verdana, sans-serif"

Marks = dict[str, Any]  # how something is drawn: keyword arguments of matplotlib

STYLE = {
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "legend.frameon": False,
    "savefig.dpi": 160,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


def current() -> Axes:
    """Return the axes that pyplot draws on now, made if need be."""
    from matplotlib import pyplot  # not before it is asked for: it picks a window

    return pyplot.gca()


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in the style of the report, whatever the user's own settings."""
    with styles.context(["default", STYLE]):
        yield


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write name.png and name.svg without dates or versions; return the latter."""
    pixels, lines = io.BytesIO(), io.StringIO()
    figure.savefig(pixels, format="png", metadata={"Software": None})
    replace(folder / f"{name}.png", pixels.getvalue())
    path = folder / f"{name}.svg"
    with matplotlib.rc_context({"svg.hashsalt": name}):
        plain = {"Date": None, "Creator": None}
        figure.savefig(lines, format="svg", metadata=plain, transparent=True)
    replace_text(path, lines.getvalue().replace("'DejaVu Sans'", FONTS))
    return path


def clear(folder: Path, *kinds: str) -> None:
    """Remove figures of an earlier run, of which there may be fewer now."""
    for kind in kinds:
        for old in sorted(folder.glob(f"{kind}-*.*")):
            old.unlink()


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text in inches, without drawing it."""
    return size / 72 * sum(_advance(character, bold) for character in text)


@functools.cache
def _advance(character: str, bold: bool) -> float:
    """Return the width of a character as a multiple of the size of the font."""
    prop = FontProperties(
        family="DejaVu Sans", weight="bold" if bold else "normal", size=100
    )
    box = text_to_path.get_text_width_height_descent(character, prop, ismath=False)
    return float(box[0]) / 100


def wrap(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """Break text into lines of at most `width` inches."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
