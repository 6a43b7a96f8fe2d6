"""How near every claim comes to its bound, size by size."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from condlab.plots import style as look
from condlab.plots.tightness import ATTAINED, CELL, SMALL, draw_cell
from condlab.report._json import as_float
from condlab.report.summary import evidence, families, outcome, ratio
from condlab.theory import Verdict
from condlab.types import Record

LINE = 0.165  # inches, the height of a line
TOP, BOTTOM = 1.0, 0.12
MOST = 62  # lines a column
SIZE = 6.5  # points


def tightness_figures(theorems: list[Record]) -> list[Figure]:
    """Draw a strip of cells a theorem, a cell a size, by family, on several pages."""
    columns = _columns(theorems)
    pages = [columns[i : i + 2] for i in range(0, len(columns), 2)]
    return [_draw_page(page, f"{i} of {len(pages)}") for i, page in enumerate(pages, 1)]


def title(theorems: list[Record]) -> str:
    """Return the finding in two lines."""
    held = [entry for entry in theorems if outcome(entry) == "holds"]
    ratios = [ratio(entry) for entry in held if evidence(entry)["size"] > 1]
    attained = sum(x >= ATTAINED for x in ratios)
    loose = sum(x < 0.5 for x in ratios)
    false = len(theorems) - len(held)
    return (
        f"{len(held)} of these {len(theorems)} claims survive: beyond size 1, "
        f"{attained} attain their bound, as identities do,\n{loose} stay below half "
        f"of it; the other {false} claims are false or in doubt"
    )


def _draw_page(columns: list[list[str | Record]], page: str) -> Figure:
    rows = max(len(column) for column in columns) + 1
    height = TOP + rows * LINE + BOTTOM
    figure = Figure(figsize=(look.WIDTH, height))
    for i, column in enumerate(columns):
        box = (i / 2, BOTTOM / height, 0.5, rows * LINE / height)
        _draw_column(figure.add_axes(box), column, rows)
    entries = [line for column in columns for line in column if isinstance(line, dict)]
    figure.text(
        0.012, 1 - 0.1 / height, title(entries), va="top", fontsize=9.5,
        fontweight="bold", linespacing=1.35,
    )  # fmt: skip
    top = 1 - 0.12 / height
    figure.text(0.985, top, page, va="top", ha="right", fontsize=7, color=look.QUIET)
    _legend(figure, height)
    return figure


def _columns(theorems: list[Record]) -> list[list[str | Record]]:
    """Return headings and theorems for an even number of columns, about equally."""
    lines: list[str | Record] = []
    for family, entries in families(theorems).items():
        lines += [*_heading(family), *entries, ""]
    columns = []
    for left in range(2 * math.ceil(len(lines) / (2 * MOST)), 0, -1):
        cut = math.ceil(len(lines) / left)
        while 0 < cut < len(lines) and isinstance(lines[cut - 1], str):
            cut -= 1  # a heading stays with its theorems
        columns.append(lines[:cut])
        lines = lines[cut:]
        if lines and isinstance(lines[0], dict):
            lines = [*_heading(f"{lines[0]['family']} (continued)"), *lines]
        lines = lines[1:] if lines and lines[0] == "" else lines
    return [column for column in columns if column]


def _heading(family: str) -> list[str]:
    return look.wrap(family, SIZE, look.WIDTH / 2 - 0.2, bold=True)


def _draw_column(axes: Axes, lines: list[str | Record], rows: int) -> None:
    width = look.WIDTH / 2
    axes.set_xlim(0, width)
    axes.set_ylim(rows, 0)
    axes.set_axis_off()
    entries = [line for line in lines if not isinstance(line, str)]
    if not entries:
        return
    start = width - 0.1 - CELL * len(entries[0]["verdicts"])
    quiet: look.Marks = {"va": "center", "fontsize": SMALL, "color": look.QUIET}
    axes.text(start - 0.06, 0.5, "size", ha="right", **quiet)
    for j, verdict in enumerate(entries[0]["verdicts"]):
        axes.text(start + (j + 0.5) * CELL, 0.5, verdict["size"], ha="center", **quiet)
    for i, line in enumerate(lines, start=1):
        if isinstance(line, str):
            place: look.Marks = {
                "va": "center",
                "fontsize": SIZE,
                "fontweight": "bold",
            }
            axes.text(0.08, i + 0.55, line, **place)
        else:
            _draw_theorem(axes, start, i, line)


def _draw_theorem(axes: Axes, start: float, i: int, entry: Record) -> None:
    key = _fit(entry["key"], SIZE, start - 0.1)
    place: look.Marks = {"va": "center", "ha": "right", "fontsize": SIZE}
    axes.text(start - 0.06, i + 0.5, key, **place)
    for j, verdict in enumerate(entry["verdicts"]):
        draw_cell(axes, start + j * CELL, i, _verdict(verdict))


def _verdict(entry: Record) -> Verdict:
    return Verdict(
        "",
        entry.get("size", 1),
        entry["outcome"],
        entry["examples"],
        as_float(entry["tightness"]),
    )


def _fit(text: str, size: float, width: float) -> str:
    if look.text_width(text, size) <= width:
        return text
    while look.text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def _legend(figure: Figure, height: float) -> None:
    axes = figure.add_axes((0, 1 - 1.2 / height, 1, 0.65 / height))
    axes.set_xlim(0, look.WIDTH)
    axes.set_ylim(0.65 / LINE, 0)
    axes.set_axis_off()
    samples = [
        ({"outcome": "holds", "examples": 1, "tightness": 0.43}, "largest lhs / rhs"),
        ({"outcome": "holds", "examples": 1, "tightness": 1.0}, "attained"),
        ({"outcome": "holds", "examples": 1, "tightness": None}, "rhs always 0 or ∞"),
        (
            {"outcome": "falsified", "examples": 1, "tightness": 1.42},
            "false, lhs / rhs",
        ),
        ({"outcome": "inconclusive", "examples": 1, "tightness": 1}, "inconclusive"),
        ({"outcome": "inconclusive", "examples": 0, "tightness": None}, "no instance"),
    ]
    x = 0.08
    for verdict, words in samples:
        draw_cell(axes, x, 0.3, _verdict(verdict))
        axes.text(x + CELL + 0.03, 0.85, words, va="center", fontsize=SIZE)
        x += CELL + 0.16 + look.text_width(words, SIZE)
    words = (
        "Size: the largest dimension of the instances. A bound is attained where "
        "lhs = rhs; other ratios are rounded down."
    )
    axes.text(0.08, 2.2, words, va="center", fontsize=SIZE, color=look.QUIET)
