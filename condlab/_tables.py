"""Tables of words, as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Cells = Sequence[Sequence[str]]  # the head, and the lines


def as_text(cells: Cells) -> str:
    """Return columns that are as wide as their widest cell.

    Examples
    --------
    >>> print(as_text([("scaling", "kappa"), ("row", "2.4")]))
    scaling  kappa
    row      2.4
    """
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)


def as_html(cells: Cells) -> str:
    """Return what a notebook shows.

    Examples
    --------
    >>> as_html([("p",), ("<2>",)])
    '<table><tr><th>p</th></tr><tr><td>&lt;2&gt;</td></tr></table>'
    """
    rows = (
        "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in line)
        for line, kind in zip(cells, ["th", *["td"] * (len(cells) - 1)], strict=True)
    )
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
