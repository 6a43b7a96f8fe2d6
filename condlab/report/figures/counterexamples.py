"""Every falsified claim with the matrices that falsify it, typeset."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from condlab.plots import style as look
from condlab.report.instances import Part, parts, short
from condlab.report.summary import evidence, outcome, source
from condlab.types import Record

GAP, MARGIN = 0.25, 0.12  # inches: between columns, around the page
COLUMN = (look.WIDTH - 2 * MARGIN - GAP) / 2
TALLEST = 9.0  # of a page, without its title
HEAD = 0.55
SIZE, SMALL = 7.0, 6.2  # points
LINE = 0.135  # inches, of a line of text
ENTRY = 0.14  # inches, of a row of a matrix


@dataclass(frozen=True, slots=True)
class _Card:
    entry: Record
    statement: list[str]
    shelves: list[list[Part]]
    result: list[str]

    @property
    def height(self) -> float:
        shelves = sum(_shelf_height(shelf) for shelf in self.shelves)
        return LINE * (2.2 + len(self.statement) + len(self.result)) + shelves + 0.26


def counterexample_figures(theorems: list[Record]) -> list[Figure]:
    """Draw the falsified claims in two columns, on as many pages as they need."""
    cards = [_card(entry) for entry in theorems if outcome(entry) == "falsified"]
    if not cards:
        return []
    total = sum(card.height for card in cards)
    pages = math.ceil(total / (2 * TALLEST))
    columns = _columns(cards, total / (2 * pages))
    sheets = [columns[i : i + 2] for i in range(0, len(columns), 2)]
    return [
        _draw_page(sheet, title(theorems), f"{i} of {len(sheets)}")
        for i, sheet in enumerate(sheets, start=1)
    ]


def _card(entry: Record) -> _Card:
    verdict = evidence(entry)
    found = parts(verdict["counterexample"], entry["parts"])
    rounded = any(part.rounded for part in found)
    result = "left side {} > right side {}".format(
        *(short(float(f"{float(verdict[side]):.6g}")) for side in ("lhs", "rhs"))
    )
    return _Card(
        entry,
        look.wrap(entry["statement"], SIZE, 0.97 * COLUMN),
        _shelves(found),
        [result, *["entries rounded here, exact in the records"] * rounded],
    )


def _shelves(found: list[Part]) -> list[list[Part]]:
    """Return the parts in lines that fit the column."""
    shelves: list[list[Part]] = [[]]
    used = 0.0
    for part in found:
        width = _part_width(part) + 0.2
        if shelves[-1] and used + width > COLUMN:
            shelves.append([])
            used = 0.0
        shelves[-1].append(part)
        used += width
    return shelves


def _columns(cards: list[_Card], target: float) -> list[list[_Card]]:
    columns: list[list[_Card]] = [[]]
    used = 0.0
    for card in cards:
        if columns[-1] and used + card.height / 2 > target:
            columns.append([])
            used = 0.0
        columns[-1].append(card)
        used += card.height
    return columns


def title(theorems: list[Record]) -> str:
    """Return how many claims are false, and how many of them certainly."""
    false = [entry for entry in theorems if outcome(entry) == "falsified"]
    certain = sum(evidence(entry)["certificate"] is not None for entry in false)
    if certain == len(false):
        return f"{certain} claims are false, each with a certified counterexample"
    return f"{len(false)} claims have a counterexample, {certain} a certified one"


def _draw_page(columns: list[list[_Card]], words: str, page: str) -> Figure:
    tallest = max(sum(card.height for card in column) for column in columns)
    height = HEAD + tallest + MARGIN
    figure = Figure(figsize=(look.WIDTH, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, look.WIDTH)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    axes.text(MARGIN, 0.12, words, va="top", fontsize=9.5, fontweight="bold")
    place: look.Marks = {
        "va": "top",
        "ha": "right",
        "fontsize": SIZE,
        "color": look.QUIET,
    }
    axes.text(look.WIDTH - MARGIN, 0.14, page, **place)
    for i, column in enumerate(columns):
        x, y = MARGIN + i * (COLUMN + GAP), HEAD
        for card in column:
            _draw_card(axes, x, y, card)
            y += card.height
    return figure


def _draw_card(axes: Axes, x: float, y: float, card: _Card) -> None:
    axes.plot([x, x + COLUMN], [y, y], color=look.RULE, lw=0.8)
    y += 0.06
    axes.text(x, y, card.entry["key"], va="top", fontsize=SIZE, fontweight="bold")
    y += LINE * 1.1
    quiet: look.Marks = {"va": "top", "fontsize": SMALL, "color": look.QUIET}
    axes.text(x, y, source(card.entry), **quiet)
    y += LINE * 1.1
    for line in card.statement:
        axes.text(x, y, line, va="top", fontsize=SIZE)
        y += LINE
    for shelf in card.shelves:
        height = _shelf_height(shelf)
        _draw_shelf(axes, x, y + height / 2, shelf)
        y += height
    for line, colour in zip(card.result, (look.VERMILLION, look.QUIET), strict=False):
        axes.text(x, y, line, va="top", fontsize=SIZE, color=colour)
        y += LINE


def _draw_shelf(axes: Axes, x: float, middle: float, shelf: list[Part]) -> None:
    for part in shelf:
        if part.name:
            text = f"{part.name} = "
            axes.text(x, middle, text, va="center", fontsize=SIZE, style="italic")
            x += _name_width(part)
        if part.kind == "matrix":
            _draw_matrix(axes, x, middle, part)
        else:
            axes.text(x, middle, _line(part), va="center", fontsize=SIZE)
        x += _part_width(part) - _name_width(part) + 0.2


def _draw_matrix(axes: Axes, x: float, middle: float, part: Part) -> None:
    top = middle - ENTRY * len(part.rows) / 2
    bottom = middle + ENTRY * len(part.rows) / 2
    widths = _column_widths(part)
    right = x + sum(widths) + 0.1
    for edge, inwards in ((x + 0.02, 0.04), (right - 0.02, -0.04)):
        corners = [edge + inwards, edge, edge, edge + inwards]
        axes.plot(corners, [top, top, bottom, bottom], color=look.INK, lw=0.8)
    for i, row in enumerate(part.rows):
        at = x + 0.05
        for width, text in zip(widths, row, strict=True):
            axes.text(
                at + width / 2, top + ENTRY * (i + 0.53), text, va="center",
                ha="center", fontsize=SIZE,
            )  # fmt: skip
            at += width


def _column_widths(part: Part) -> list[float]:
    columns = zip(*part.rows, strict=True)
    return [max(look.text_width(x, SIZE) for x in column) + 0.1 for column in columns]


def _part_width(part: Part) -> float:
    if part.kind == "matrix":
        return _name_width(part) + sum(_column_widths(part)) + 0.1
    return _name_width(part) + look.text_width(_line(part), SIZE)


def _name_width(part: Part) -> float:
    return look.text_width(f"{part.name} =", SIZE) + 0.06 if part.name else 0.0


def _line(part: Part) -> str:
    text = ", ".join(part.rows[0])
    return f"({text})" if part.kind == "vector" else text


def _shelf_height(shelf: list[Part]) -> float:
    matrices = [len(part.rows) for part in shelf if part.kind == "matrix"]
    return ENTRY * max(matrices, default=1) + 0.13
