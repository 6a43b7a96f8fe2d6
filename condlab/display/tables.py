"""Tables of words, as text, as HTML and as data frames; records as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from condlab._typing import Json, Record
from condlab.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    from _typeshed import DataclassInstance

Cells = Sequence[Sequence[str]]  # the head, and the lines
MOST = 40  # lines that a notebook shows of a long table
GAP = "⋮"


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


def as_html(cells: Cells, notes: Iterable[str] = ()) -> str:
    """Return what a notebook shows: a table, and sentences below it.

    Examples
    --------
    >>> as_html([("p",), ("<2>",)], ["a & b"])
    '<table><tr><th>p</th></tr><tr><td>&lt;2&gt;</td></tr></table><p>a &amp; b</p>'
    """
    from html import escape  # its table of entities takes long to load

    rows = (
        "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in line)
        for line, kind in zip(cells, ["th", *["td"] * (len(cells) - 1)], strict=True)
    )
    table = f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
    return table + "".join(f"<p>{escape(note)}</p>" for note in notes)


def shortened(cells: Cells) -> Cells:
    """Return the head and the first and last lines of a table that is long.

    Examples
    --------
    >>> len(shortened([("i",), *((str(i),) for i in range(1000))]))
    42
    """
    head, *lines = cells
    if len(lines) <= MOST:
        return cells
    half = MOST // 2
    return [head, *lines[:half], (GAP,) * len(head), *lines[-half:]]


def as_frame(rows: Iterable[object], index: str | None = None) -> pd.DataFrame:
    """Return dicts, one a row, or one dict of columns, as a data frame.

    Raises
    ------
    MissingExtraError
        If pandas, which no extra brings, is not there.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingExtraError(
            "to_pandas needs pandas; install it with: pip install pandas, or use "
            "to_dict, which needs nothing"
        ) from None
    frame = pd.DataFrame(rows if isinstance(rows, Mapping) else list(rows))
    return frame if index is None else frame.set_index(index)


def record(found: DataclassInstance, *, but: str = "") -> Record:
    """Return the fields of a dataclass, but for one, as plain values; see `plain`."""
    names = (each.name for each in fields(found) if each.name != but)
    return {name: plain(getattr(found, name)) for name in names}


def plain(value: object) -> Json:
    """Return a value as numbers, words, lists and dicts alone, as JSON has them.

    Arrays and tensors become lists, keys of dicts words, and what has ``to_dict`` what
    that gives; anything else is told in words.

    Examples
    --------
    >>> import numpy as np
    >>> plain({0.5: (np.eye(2), 1j)})
    {'0.5': [[[1.0, 0.0], [0.0, 1.0]], '1j']}
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return plain(value.tolist()) if hasattr(value, "tolist") else str(value)
