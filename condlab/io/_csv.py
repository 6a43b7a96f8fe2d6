"""Text files of numbers, one row a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from condlab import _entries
from condlab.errors import MatrixFileError
from condlab.io import _limits

Row = tuple[int, list[str]]


def read(path: Path) -> np.ndarray:
    """Return the matrix of a text file, without a row that names its columns."""
    _limits.require_memory(path, 4 * path.stat().st_size)  # "1," is eight bytes
    rows = list(_rows(path))
    if rows and all(map(_is_name, rows[0][1])):
        rows = rows[1:]
    if not rows:
        raise MatrixFileError(f"{path}: it holds no numbers")
    width = len(rows[0][1])
    return np.array([_parsed(row, width, path) for row in rows])


def _is_name(word: str) -> bool:
    """Tell whether a word names a column, and is no number that went wrong."""
    return (word[:1].isalpha() or word[:1] == "_") and _number(word) is None


def _rows(path: Path) -> Iterator[Row]:
    """Yield the lines that are neither blank nor comments, cut into words."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        lines = [
            (at, line)
            for at, line in enumerate(stream, start=1)
            if line.strip() and not line.lstrip().startswith("#")
        ]
    between = next((d for d in ";\t," if lines and d in lines[0][1]), None)
    for at, line in lines:
        try:
            words = line.split() if between is None else _cut(line, between)
        except csv.Error as error:
            raise MatrixFileError(f"{path}, line {at}: {error}") from None
        yield at, [word.strip() for word in words]


def _cut(line: str, between: str) -> list[str]:
    return next(csv.reader([line], delimiter=between, skipinitialspace=True))


def _parsed(row: Row, width: int, path: Path) -> list[float | complex]:
    at, words = row
    if len(words) != width:
        raise MatrixFileError(
            f"{path}, line {at}: {width} numbers are needed as in the first row, "
            f"got {len(words)}"
        )
    numbers = []
    for column, word in enumerate(words, start=1):
        number = _number(word)
        if number is None:
            raise MatrixFileError(
                f"{path}, line {at}: column {column} must be a number such as 1.5e-3, "
                f"got {word[:60]!r}; leave out row names and empty fields"
            )
        if isinstance(number, float) and not _is_exact(word, number):
            raise MatrixFileError(f"{path}, line {at}: {_entries.inexact(word[:60])}")
        numbers.append(number)
    return numbers


def _number(word: str) -> float | complex | None:
    for kind in (float, complex):
        try:
            number = kind(word)
        except ValueError:
            continue
        return None if "_" in word else number  # Python takes 1_000
    return None


def _is_exact(word: str, number: float) -> bool:
    """Tell whether a number written as an integer is the float it was read as."""
    digits = word.lstrip("+-")
    if abs(number) < _entries.CONSECUTIVE or not (
        digits.isascii() and digits.isdigit()
    ):
        return True
    return abs(number) < float("inf") and int(word) == int(number)
