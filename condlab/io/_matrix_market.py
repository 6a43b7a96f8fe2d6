"""Matrix Market files, checked before they are believed.

NumPy parses the numbers. SciPy's mmread is four times as fast, but takes "1d3" as 1,
"4E" as 4 and "1 1 3 4" as three numbers, doubles the off-diagonal entries of a file
that is called symmetric and stores both triangles, and in SciPy 1.17 reads past the
end of a file that stops inside a number.
"""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import IO, cast

import numpy as np
import scipy.sparse as sp

from condlab import _entries
from condlab.errors import MatrixFileError
from condlab.io import _limits

_LONGEST_LINE = 256  # on average; four numbers with all their digits take 100
_LONGEST_PREAMBLE = 2**24
_NUMBERS_A_VALUE = {"pattern": 0, "complex": 2}


@dataclass(frozen=True, slots=True)
class _Header:
    """The banner and the size line."""

    shape: tuple[int, int]
    stored: int  # entries written in the file
    numbers: int  # numbers on each line
    dense: bool
    symmetry: str
    integer: bool
    lines: int  # lines up to the size line, which counts


def read(path: Path) -> np.ndarray | sp.coo_array:
    """Return the matrix of a plain or gzipped Matrix Market file."""
    compressed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if compressed else path.open("rb") as stream:
            preamble = _preamble(cast(IO[bytes], stream), path)
            header = _parse(preamble, path)
            _require_room(header, path, preamble, compressed)
            longest = min(
                (header.stored + 1024) * _LONGEST_LINE, _limits.memory_limit()
            )
            body = stream.read(longest + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MatrixFileError(f"{path}: not a whole gzip file ({error})") from None
    if len(body) > longest:
        raise MatrixFileError(f"{path}: it holds far more than its header promises")
    numbers = _numbers(body, header, path)
    if header.dense:
        return _dense(numbers, header, path)
    return _coordinate(numbers, body, header, path)


def _preamble(stream: IO[bytes], path: Path) -> bytes:
    """Return the banner, the comments and the size line."""
    lines, length = [], 0
    while length < _LONGEST_PREAMBLE:
        line = stream.readline(_LONGEST_PREAMBLE)
        lines.append(line)
        length += len(line)
        if length == 0:
            raise MatrixFileError(f"{path}: the file is empty once it is inflated")
        if not line or (len(lines) > 1 and line.strip() and not _is_comment(line)):
            return b"".join(lines)
        if len(lines) == 1 and not line.lstrip().startswith(b"%%MatrixMarket"):
            raise MatrixFileError(
                f"{path}, line 1: a Matrix Market file begins with %%MatrixMarket"
            )
    raise MatrixFileError(f"{path}: no size line in the first {length} bytes")


def _is_comment(line: bytes) -> bool:
    return line.lstrip()[:1] == b"%"


def _parse(preamble: bytes, path: Path) -> _Header:
    import scipy.io  # loads readers of a dozen other formats

    words = preamble.split(b"\n", 1)[0].lower().split()
    if words[1:2] != [b"matrix"] or (b"array" in words and b"pattern" in words):
        raise MatrixFileError(
            f"{path}, line 1: a matrix in array or coordinate format is needed, "
            f"got {_shown(preamble.splitlines()[0])}"
        )
    if _is_comment(preamble.splitlines()[-1]):
        raise MatrixFileError(f"{path}: the line with the sizes is missing")
    try:
        rows, columns, entries, form, field, symmetry = scipy.io.mminfo(
            io.BytesIO(preamble + b"\n")
        )
    except (ValueError, OverflowError) as error:
        raise MatrixFileError(
            f"{path}: bad header: {error} ({_shown(preamble.splitlines()[-1])})"
        ) from None
    shape = (int(rows), int(columns))
    dense = form == "array"
    _limits.require_shape(path, shape, None if dense else entries)
    if symmetry != "general" and rows != columns:
        raise MatrixFileError(
            f"{path}: a {symmetry} matrix is square, got shape {shape}"
        )
    triangle = {"general": rows * columns, "skew-symmetric": rows * (rows - 1) // 2}
    stored = triangle.get(symmetry, rows * (rows + 1) // 2) if dense else entries
    numbers = _NUMBERS_A_VALUE.get(field, 1) + (0 if dense else 2)
    return _Header(
        shape,
        stored,
        numbers,
        dense,
        symmetry,
        integer=field.endswith("integer"),  # there is unsigned-integer too
        lines=preamble.count(b"\n"),
    )


def _require_room(
    header: _Header, path: Path, preamble: bytes, compressed: bool
) -> None:
    """Compare what the header promises with the bytes there are, and with memory."""
    least = 2 * header.numbers * header.stored - 1  # a digit and a space each
    size = path.stat().st_size
    if compressed:
        _limits.require_plausible_inflation(path, least)
    elif least - size > 2**20:  # a little less is truncation, told with its line
        raise MatrixFileError(
            f"{path}: its header promises {header.stored} entries, at least {least} "
            f"bytes, and {size - len(preamble)} bytes follow"
        )
    held = np.prod(header.shape, dtype=object) if header.dense else 3 * header.stored
    _limits.require_memory(path, 8 * int(held))


def _numbers(body: bytes, header: _Header, path: Path) -> np.ndarray:
    """Return the numbers of the body, one row for each line that has any."""
    if not body.strip():
        numbers = np.empty((0, header.numbers))
    else:
        try:
            numbers = np.loadtxt(
                io.BytesIO(body), comments=None, ndmin=2, encoding="latin-1"
            )
        except ValueError as error:
            raise _first_bad_line(body, header, path, str(error)) from None
        if numbers.shape[1] != header.numbers:
            raise _first_bad_line(body, header, path, "too many or too few numbers")
    found = len(numbers)
    if found != header.stored:
        verdict = "truncated" if found < header.stored else "too long"
        last = header.lines + len(body.rstrip().splitlines())
        raise MatrixFileError(
            f"{path}: {verdict}; its header promises {header.stored} entries, and it "
            f"holds {found}, up to line {last}"
        )
    if header.integer:
        _require_exact(numbers[:, -1], body, header, path)
    return numbers


def _require_exact(
    values: np.ndarray, body: bytes, header: _Header, path: Path
) -> None:
    """Raise where a number of an integer file is not the float64 it was read as."""
    far = (np.abs(values) >= _entries.CONSECUTIVE) & np.isfinite(values)
    if not far.any():
        return
    lines = (line for line in enumerate(body.splitlines()) if line[1].strip())
    for (at, line), value, large in zip(lines, values, far, strict=True):
        word = line.split()[-1].decode()
        if large and Fraction(word) != Fraction(value):
            raise MatrixFileError(
                f"{path}, line {header.lines + at + 1}: {_entries.inexact(word)}"
            )


def _first_bad_line(
    body: bytes, header: _Header, path: Path, reason: str
) -> MatrixFileError:
    for number, line in enumerate(body.splitlines(), start=header.lines + 1):
        words = line.split()
        if words and not (len(words) == header.numbers and all(map(_is_number, words))):
            return MatrixFileError(
                f"{path}, line {number}: {_wanted(header.numbers)} needed, "
                f"got {_shown(line)}"
            )
    return MatrixFileError(f"{path}: {reason}")


def _wanted(numbers: int) -> str:
    return "one number is" if numbers == 1 else f"{numbers} numbers are"


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return b"_" not in word  # Python takes 1_000, the format does not


def _shown(line: bytes) -> str:
    return repr(line.strip()[:60].decode("latin-1"))


def _coordinate(
    numbers: np.ndarray, body: bytes, header: _Header, path: Path
) -> sp.coo_array:
    places = numbers[:, :2]
    inside = ((places >= 1) & (places <= header.shape) & (places % 1 == 0)).all(axis=1)
    if not inside.all():
        entries = (k for k, line in enumerate(body.splitlines()) if line.strip())
        at = next(islice(entries, int(np.argmin(inside)), None))
        raise MatrixFileError(
            f"{path}, line {header.lines + at + 1}: the indices must lie in 1 to "
            f"{header.shape[0]} and 1 to {header.shape[1]}, "
            f"got {_shown(body.splitlines()[at])}"
        )
    rows, columns = places.astype(np.int64).T - 1
    values = _values(numbers[:, 2:])
    if header.integer and np.abs(values).max(initial=0) < 2.0**63:
        values = values.astype(np.int64)  # so that those given twice add up exactly
    if header.symmetry == "general":
        return sp.coo_array((values, (rows, columns)), shape=header.shape)
    _require_diagonal(values[rows == columns], header, path)
    beside = rows != columns
    mirrored = _mirrored(values[beside], header)
    A = sp.coo_array(
        (
            np.concatenate([values, mirrored]),
            (
                np.concatenate([rows, columns[beside]]),
                np.concatenate([columns, rows[beside]]),
            ),
        ),
        shape=header.shape,
    )
    if A.tocsr().nnz < A.nnz:
        raise MatrixFileError(
            f"{path}: it is called {header.symmetry} and gives an entry or its mirror "
            "image twice; keep one triangle"
        )
    return A


def _dense(numbers: np.ndarray, header: _Header, path: Path) -> np.ndarray:
    values = _values(numbers)
    if header.symmetry == "general":  # column after column
        return np.ascontiguousarray(values.reshape(header.shape[::-1]).T)
    skew = header.symmetry == "skew-symmetric"
    columns, rows = np.triu_indices(header.shape[0], k=int(skew))
    A = np.zeros(header.shape, dtype=values.dtype)
    A[columns, rows] = _mirrored(values, header)
    A[rows, columns] = values
    _require_diagonal(np.diagonal(A), header, path)
    return A


def _values(numbers: np.ndarray) -> np.ndarray:
    if numbers.shape[1] == 0:  # a pattern
        return np.ones(len(numbers))
    if numbers.shape[1] == 1:
        return numbers[:, 0]
    return np.ascontiguousarray(numbers).view(np.complex128)[:, 0]


def _mirrored(values: np.ndarray, header: _Header) -> np.ndarray:
    if header.symmetry == "hermitian":
        return values.conj()
    return -values if header.symmetry == "skew-symmetric" else values


def _require_diagonal(diagonal: np.ndarray, header: _Header, path: Path) -> None:
    if header.symmetry == "skew-symmetric" and diagonal.any():
        raise MatrixFileError(f"{path}: a skew-symmetric matrix has a zero diagonal")
    if header.symmetry == "hermitian" and diagonal.imag.any():
        raise MatrixFileError(f"{path}: a Hermitian matrix has a real diagonal")
