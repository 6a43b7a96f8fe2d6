"""NumPy's .npy and .npz and SciPy's sparse .npz, checked before they are loaded."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
import scipy.sparse as sp

from condlab.errors import MatrixFileError
from condlab.io import _limits
from condlab.types import Sparse

_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression method that Python does not have
    RuntimeError,  # an encrypted member
)

_BROKEN_SPARSE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    AttributeError,  # SciPy decodes whatever stands for the name of the format
)


def read_npy(path: Path) -> np.ndarray:
    """Return the matrix of a .npy file."""
    with path.open("rb") as stream:
        shape = _header(stream, path.stat().st_size, path)
        _limits.require_shape(path, shape, None)
        return _native(_load(stream, path))


def read_npz(path: Path, name: str | None) -> np.ndarray | Sparse:
    """Return the sparse matrix, or the array called `name`, of a .npz file."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {
                entry.filename.removesuffix(".npy"): entry
                for entry in archive.infolist()
                if entry.filename.endswith(".npy")
            }
            claimed = sum(entry.file_size for entry in members.values())
            _limits.require_plausible_inflation(path, claimed)
            _limits.require_memory(path, claimed)
            if {"format", "shape", "data"} <= members.keys():
                return _sparse(archive, members, path, name)
            return _dense(archive, _chosen(members, path, name), path)
    except _BROKEN_ZIP as error:
        raise MatrixFileError(f"{path}: not a whole .npz archive ({error})") from None


def _chosen(
    members: dict[str, zipfile.ZipInfo], path: Path, name: str | None
) -> zipfile.ZipInfo:
    names = [each if each.isprintable() else repr(each) for each in members]
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    if not members:
        raise MatrixFileError(f"{path}: the archive holds no arrays")
    if name is None and len(members) > 1:
        raise MatrixFileError(
            f"{path}: the archive holds {len(members)} arrays; choose one by name from "
            f"{listed}"
        )
    if name is None:
        return next(iter(members.values()))
    if name not in members:
        raise MatrixFileError(
            f"{path}: the archive has no array called {name!r}; it holds {listed}"
        )
    return members[name]


def _dense(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> np.ndarray:
    with archive.open(entry) as stream:
        shape = _header(stream, entry.file_size, path)
        _limits.require_shape(path, shape, None)
        return _native(_load(stream, path))


def _sparse(
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    path: Path,
    name: str | None,
) -> Sparse:
    if name is not None:
        raise MatrixFileError(
            f"{path}: the archive holds one sparse matrix and no array called "
            f"{name!r}; leave the name out"
        )
    for entry in members.values():
        with archive.open(entry) as stream:
            _header(stream, entry.file_size, path, numbers=entry is members["data"])
    shape, data = (_member(archive, members[key], path) for key in ("shape", "data"))
    if shape.ndim != 1 or shape.dtype.kind not in "iu":
        raise MatrixFileError(
            f"{path}: the shape in the archive is not one of a matrix"
        )
    _limits.require_shape(path, tuple(int(n) for n in shape), data.size)
    try:
        A = sp.load_npz(path)
        if hasattr(A, "check_format"):
            A.check_format(full_check=True)
    except _BROKEN_SPARSE as error:
        raise MatrixFileError(
            f"{path}: the archive's arrays are not those of a sparse matrix ({error})"
        ) from None
    return A


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> np.ndarray:
    with archive.open(entry) as stream:
        return _load(stream, path)


def _header(
    stream: IO[bytes], size: int, path: Path, *, numbers: bool = True
) -> tuple[int, ...]:
    """Check a .npy header against the bytes behind it; leave the stream at 0."""
    shape, dtype = _parse(stream, path)
    if dtype.hasobject:
        raise MatrixFileError(
            f"{path}: it holds pickled Python objects, which may run code when loaded; "
            "save an array of numbers"
        )
    if numbers and dtype.kind not in "biufc":
        raise MatrixFileError(f"{path}: numbers are needed, got dtype {dtype}")
    needed, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if needed > there:
        raise MatrixFileError(
            f"{path}: its header claims shape {shape}, {needed} bytes, and {there} "
            "bytes follow: the file is truncated"
        )
    _limits.require_memory(path, needed)
    stream.seek(0)
    return shape


def _parse(stream: IO[bytes], path: Path) -> tuple[tuple[int, ...], np.dtype]:
    try:
        if np.lib.format.read_magic(stream) == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        else:  # version 3 differs in the names of fields, which numbers have not
            shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    except (ValueError, TypeError, SyntaxError, tokenize.TokenError) as error:
        reason = str(error).splitlines()[0][:100]
        raise MatrixFileError(f"{path}: not a NumPy file ({reason})") from None
    if any(type(n) is not int for n in shape):  # NumPy lets True pass for 1
        raise MatrixFileError(f"{path}: its header claims the impossible shape {shape}")
    return shape, dtype


def _load(stream: IO[bytes], path: Path) -> np.ndarray:
    try:
        return np.lib.format.read_array(stream, allow_pickle=False)
    except ValueError as error:
        raise MatrixFileError(f"{path}: {error}") from None


def _native(A: np.ndarray) -> np.ndarray:
    return A.astype(A.dtype.newbyteorder("="), copy=False)
