"""MATLAB's files of versions 5 to 7, checked as they are read.

SciPy 1.17's loadmat ends in a segmentation fault where a file is damaged.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from condlab.errors import MatrixFileError
from condlab.io import _limits

_HEADER = 128  # bytes before the first element
_START = 2**16  # of a compressed variable, with its class, shape and name
_MATRIX, _COMPRESSED = 14, 15
_STORED = dict(
    zip(
        (1, 2, 3, 4, 5, 6, 7, 9, 12, 13),
        ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8"),
        strict=True,
    )
)
_CLASSES = (
    *("?", "cell", "struct", "object", "char", "sparse", "double", "single"),
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("function", "opaque"),
)
_NUMBERS = _CLASSES[5:16]


class _DamagedError(Exception):
    """Tell what is wrong with a file."""


@dataclass(frozen=True, slots=True)
class _Variable:
    """What the start of a variable says, and where its numbers are."""

    name: str
    shape: tuple[int, ...]
    kind: str
    content: memoryview
    compressed: bool
    size: int  # of the content once it is inflated


def read(path: Path, name: str | None) -> np.ndarray | sp.csc_array:
    """Return the matrix, or the one called `name`, of a MATLAB file."""
    _limits.require_memory(path, path.stat().st_size)
    content = path.read_bytes()
    order = _byte_order(content, path)
    try:
        found = list(_variables(memoryview(content)[_HEADER:], order))
        variable = _chosen(found, path, name)
        _require_room(variable, path)
        return _matrix(variable, order)
    except (_DamagedError, struct.error, zlib.error) as error:
        raise MatrixFileError(f"{path}: not a whole MATLAB file ({error})") from None


def _byte_order(content: bytes, path: Path) -> str:
    """Return struct's sign for the order of bytes, from the end of the header."""
    if content[:10] == b"MATLAB 7.3" or b"\x89HDF\r\n" in content[: 2**10]:
        raise MatrixFileError(
            f"{path}: a MATLAB file of version 7.3 is HDF5; save it from MATLAB with "
            "save(..., '-v7'), or read it with h5py and give the array"
        )
    order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(content[124:128])
    if order is None:
        raise MatrixFileError(
            f"{path}: not a whole MATLAB file of version 5 to 7 (its header of "
            f"{_HEADER} bytes does not end as it should); save it with '-v7'"
        )
    return order


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield the type and the bytes of each element."""
    while len(data):
        kind, size = struct.unpack(order + "II", data[:8])
        if kind >> 16:  # a small one: up to four bytes beside their count
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise _DamagedError(f"an element of {size} bytes is called small")
            yield kind, data[4 : 4 + size]
            data = data[8:]
            continue
        if 8 + size > len(data):
            raise _DamagedError(f"{size} bytes are promised, {len(data) - 8} follow")
        yield kind, data[8 : 8 + size]
        data = data[8 + size + (0 if kind == _COMPRESSED else -size % 8) :]


def _variables(data: memoryview, order: str) -> Iterator[_Variable]:
    for kind, content in _elements(data, order):
        compressed, start, size = kind == _COMPRESSED, content, len(content)
        if compressed:
            start = memoryview(zlib.decompressobj().decompress(content, _START))
            kind, size = struct.unpack(order + "II", start[:8])
            start = start[8:]
        if kind != _MATRIX:
            raise _DamagedError(f"an element of type {kind} is no variable")
        parts = _elements(start, order)
        flags = next(parts, (0, b""))[1]
        number = struct.unpack(order + "I", flags[:4])[0] & 0xFF
        second = next(parts, (0, b""))
        shape = () if second[0] == 1 else tuple(_array(second, order).tolist())
        name = bytes((second if second[0] == 1 else next(parts, (0, b"")))[1])
        if name:  # MATLAB's own, of function handles, has none
            kind_ = _CLASSES[number] if number < len(_CLASSES) else "?"
            text = name.decode("latin-1")
            yield _Variable(text, shape, kind_, content, compressed, size)


def _array(element: tuple[int, bytes | memoryview], order: str) -> np.ndarray:
    kind, content = element
    if kind not in _STORED:
        raise _DamagedError(f"an element of type {kind} where numbers are needed")
    dtype = np.dtype(order + _STORED[kind])
    if len(content) % dtype.itemsize:
        raise _DamagedError(f"{len(content)} bytes are no array of {dtype}")
    return np.frombuffer(content, dtype)


def _chosen(found: list[_Variable], path: Path, name: str | None) -> _Variable:
    usable = [variable for variable in found if variable.kind in _NUMBERS]
    if name is None and len(usable) == 1:
        return usable[0]
    shown = (f"{v.name if v.name.isprintable() else repr(v.name)}" for v in found[:8])
    listed = ", ".join(f"{n} ({v.kind})" for n, v in zip(shown, found, strict=False))
    listed += ", ..." if len(found) > 8 else ""
    if name is None:
        advice = "choose one by name from" if usable else "none of them numbers:"
        raise MatrixFileError(
            f"{path}: it holds {len(found)} variables; {advice} {listed}".rstrip(": ")
        )
    named = next((variable for variable in found if variable.name == name), None)
    if named is None:
        raise MatrixFileError(
            f"{path}: there is no variable called {name!r}; it holds {listed or 'none'}"
        )
    if named not in usable:
        raise MatrixFileError(
            f"{path}: numbers are needed, and {name} is a {named.kind}"
        )
    return named


def _require_room(variable: _Variable, path: Path) -> None:
    if variable.compressed:
        _limits.require_plausible_inflation(path, variable.size)
    _limits.require_memory(path, variable.size)
    stored = variable.size if variable.kind == "sparse" else None
    _limits.require_shape(path, variable.shape, stored)
    if stored is None and math.prod(variable.shape) > variable.size:
        raise _DamagedError(
            f"{variable.size} bytes hold no matrix of shape {variable.shape}"
        )


def _matrix(variable: _Variable, order: str) -> np.ndarray | sp.csc_array:
    content = variable.content
    if variable.compressed:
        inflated = zlib.decompressobj().decompress(content, 8 + variable.size)
        content = next(_elements(memoryview(inflated), order))[1]
    flags, _, _, *parts = _elements(content, order)
    arrays = [_array(part, order) for part in parts]
    lines = 2 if variable.kind == "sparse" else 0
    has_imaginary = struct.unpack(order + "I", flags[1][:4])[0] >> 11 & 1
    if len(arrays) < lines + 1 + has_imaginary:
        raise _DamagedError(f"{variable.name} lacks a part")
    values = arrays[lines]
    if has_imaginary:
        values = _complex(values, arrays[lines + 1])
    if variable.kind == "single":
        values = values.astype(np.complex64 if has_imaginary else np.float32)
    if variable.kind == "sparse":
        return _sparse(arrays[0], arrays[1], values, variable.shape)
    if values.size != math.prod(variable.shape):
        raise _DamagedError(f"{values.size} numbers for shape {variable.shape}")
    return np.ascontiguousarray(values.reshape(variable.shape, order="F"))


def _complex(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    if real.shape != imaginary.shape:
        raise _DamagedError("the real and the imaginary part differ in size")
    values = np.empty(real.shape, np.complex128)
    values.real, values.imag = real, imaginary
    return values


def _sparse(
    rows: np.ndarray, pointers: np.ndarray, values: np.ndarray, shape: tuple[int, ...]
) -> sp.csc_array:
    rows, pointers = rows.astype(np.int64), pointers.astype(np.int64)
    entries = int(pointers[-1]) if pointers.size == shape[1] + 1 else -1
    steps = np.diff(pointers)
    if not 0 <= entries <= min(rows.size, values.size) or (steps < 0).any():
        raise _DamagedError("the columns of the sparse matrix do not add up")
    rows, values = rows[:entries], values[:entries]
    if pointers[0] != 0 or (rows < 0).any() or (rows >= shape[0]).any():
        raise _DamagedError("an entry of the sparse matrix lies outside it")
    values = values.astype(values.dtype.newbyteorder("="))
    return sp.csc_array((values, rows, pointers), shape=shape)
