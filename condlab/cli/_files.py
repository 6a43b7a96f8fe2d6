"""Tables and figures that commands write on request."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from condlab.machine.files import replace_text

FIGURES = (".png", ".svg", ".pdf")
PRINTED = Path("-")


def require_csv(args: argparse.Namespace) -> None:
    """Raise where --csv names what it must not write to, or comes with --json."""
    if args.csv is not None and args.json:
        raise ValueError("--csv and --json both replace the page; choose one of them")
    if args.csv not in (None, PRINTED):
        require_new(args.csv, "--csv", (".csv",), force=args.force)


def require_new(
    path: Path, option: str, suffixes: tuple[str, ...], *, force: bool
) -> None:
    """Raise unless a file may be made there."""
    if path.suffix not in suffixes:
        *most, last = suffixes
        ends = f"{', '.join(most)} or {last}" if most else last
        raise ValueError(f"{option} must be {ends}, got {path}")
    if path.exists() and not force:
        raise FileExistsError(
            f"{path} exists already; choose another name, or add --force"
        )
    if not path.parent.is_dir():
        raise ValueError(f"{option}: there is no directory {path.parent}")


def as_csv(rows: Iterable[Mapping[str, object]]) -> str:
    """Return rows with all their columns; lists as JSON, and nothing for None.

    Examples
    --------
    >>> print(as_csv([{"a": 1.5, "b": [1, 2]}, {"c": float("inf"), "a": None}]))
    a,b,c
    1.5,"[1, 2]",
    ,,inf
    """
    cells = [{key: _cell(value) for key, value in row.items()} for row in rows]
    text = io.StringIO()
    names = list(dict.fromkeys(key for row in cells for key in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return text.getvalue().rstrip("\n")


def put_csv(path: Path, rows: Iterable[Mapping[str, object]]) -> str | None:
    """Return the rows to be printed, or write them to a file."""
    text = as_csv(rows)
    if path == PRINTED:
        return text
    replace_text(path, text + "\n")
    return None


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | dict) else value
