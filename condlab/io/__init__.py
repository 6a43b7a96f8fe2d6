"""Matrices from files: Matrix Market, NumPy, SciPy, MATLAB, CSV, and SuiteSparse's."""

from __future__ import annotations

import gzip
import os
import warnings
from pathlib import Path
from typing import IO

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab.errors import MatrixFileError
from condlab.io import _csv, _matlab, _matrix_market, _numpy
from condlab.io._suitesparse import fetch_suitesparse
from condlab.types import Array

__all__ = [
    "EXTENSIONS",
    "READABLE",
    "fetch_suitesparse",
    "read_matrix",
    "require_fits",
    "require_writable",
    "write_matrix",
]

EXTENSIONS = (".mtx", ".mtx.gz", ".npz", ".npy")
READABLE = (*EXTENSIONS, ".mat", ".csv")


def __dir__() -> list[str]:
    """List the public names."""
    return __all__


def read_matrix(
    path: str | os.PathLike[str], *, name: str | None = None
) -> np.ndarray | sp.csr_array:
    """Read a real or complex matrix, or say in one line why the file holds none.

    What a header claims is compared with the bytes of the file and with the machine's
    memory before anything is allocated.

    Parameters
    ----------
    path : path
        A Matrix Market file (.mtx, .mtx.gz), an archive of `scipy.sparse.save_npz` or
        `numpy.savez` (.npz), a NumPy file (.npy), a MATLAB file up to version 7 (.mat),
        or a text file with numbers between commas, semicolons, tabs or blanks (.csv),
        whose first row may name the columns.
    name : str, optional
        Which array of a `numpy.savez` archive or MATLAB file; needed where it holds
        several.

    Returns
    -------
    array or csr_array, shape (m, n)
        Finite, floating-point or complex; dense or sparse as the file stores it.
        Pattern files have ones, and entries given twice are added. Decimal numbers
        are read as the nearest float64; integers that float64 cannot hold are refused.

    Raises
    ------
    MatrixFileError
        If there is no such file, its format is unknown, or it does not hold a finite
        matrix with at least one row and one column.

    References
    ----------
    R. F. Boisvert, R. Pozo and K. A. Remington, "The Matrix Market exchange formats:
    initial design", NISTIR 5935, 1996.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "A.mtx"
    >>> write_matrix(path, [[1.0, 2.0], [3.0, 4.0]])
    >>> read_matrix(path)
    array([[1., 2.],
           [3., 4.]])
    >>> folder.cleanup()
    """
    path = Path(path)
    try:
        extension = _extension(path, READABLE)
        _require_file(path)
        with warnings.catch_warnings():
            # NumPy's complaint of files from Python 2, which it reads all the same
            warnings.filterwarnings("ignore", "Reading `.npy`", UserWarning)
            A = _read(path, extension, name)
    except OSError as error:
        raise MatrixFileError(
            f"{path}: cannot be read ({error.strerror or error})"
        ) from None
    try:
        A = _arrays.as_float(A)
    except (ValueError, TypeError) as error:
        raise MatrixFileError(f"{path}: {error}") from None
    return sp.csr_array(A) if sp.issparse(A) else A


def _extension(path: Path, known: tuple[str, ...]) -> str:
    lower = path.name.lower()
    for extension in known:
        if lower.endswith(extension):
            return extension
    raise MatrixFileError(f"{path}: the extension must be one of {', '.join(known)}")


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise MatrixFileError(f"{path}: a file is needed, and this is a directory")
    if not path.exists():
        raise MatrixFileError(f"{path}: there is no such file")
    if not path.is_file():
        raise MatrixFileError(f"{path}: a regular file is needed")
    if path.stat().st_size == 0:
        raise MatrixFileError(f"{path}: the file is empty")


def _read(path: Path, extension: str, name: str | None) -> Array:
    if extension in _BY_NAME:
        return _BY_NAME[extension](path, name)
    if name is not None:
        raise MatrixFileError(
            f"{path}: only .npz archives and .mat files hold arrays by name; "
            f"leave {name!r} out"
        )
    read = {".npy": _numpy.read_npy, ".csv": _csv.read}
    return read.get(extension, _matrix_market.read)(path)


_BY_NAME = {".npz": _numpy.read_npz, ".mat": _matlab.read}


def write_matrix(
    path: str | os.PathLike[str], A: Array, *, overwrite: bool = False
) -> None:
    """Write a matrix in the format that the extension names.

    The file appears whole or not at all, and `read_matrix` gives the same numbers back,
    bit for bit; from Matrix Market files they come in double precision.

    Parameters
    ----------
    path : path
        Ending in .mtx, .mtx.gz, .npz or .npy.
    A : array or sparse array, shape (m, n)
        Finite.
    overwrite : bool
        Whether a file that is there already may be replaced.

    Raises
    ------
    FileExistsError
        If the file is there and `overwrite` is False.
    FileNotFoundError
        If its folder is not there.
    MatrixFileError
        If the extension is unknown, or a sparse matrix should go into a .npy file.

    Examples
    --------
    >>> write_matrix("A.csv", [[1.0]])
    Traceback (most recent call last):
    condlab.errors.MatrixFileError: A.csv: the extension must be one of .mtx, .mtx.gz,
    .npz, .npy
    """
    path = Path(path)
    require_writable(path, overwrite=overwrite)
    require_fits(path, A)
    extension = _extension(path, EXTENSIONS)
    A = _arrays.as_float(A)
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as stream:
            _write(stream, A if sp.issparse(A) else _arrays.to_numpy(A), extension)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def require_writable(path: Path, *, overwrite: bool = False) -> None:
    """Raise what `write_matrix` would raise whatever the matrix, before it is computed.

    Examples
    --------
    >>> require_writable(Path("no/such/folder/A.mtx"))
    Traceback (most recent call last):
    FileNotFoundError: no/such/folder/A.mtx: there is no folder no/such/folder
    """
    _extension(path, EXTENSIONS)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path}: the folder {path.parent} cannot be written to")
    if path.is_dir():
        raise IsADirectoryError(f"{path}: a file is needed, and this is a directory")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{path} exists already; choose another name or overwrite"
        )


def require_fits(path: Path, A: Array) -> None:
    """Raise where the format that the extension names cannot hold the matrix.

    Examples
    --------
    >>> require_fits(Path("A.npy"), sp.csr_array([[1.0]]))
    Traceback (most recent call last):
    condlab.errors.MatrixFileError: A.npy: a sparse matrix does not fit a .npy file;
    use .npz or .mtx
    """
    if sp.issparse(A) and _extension(path, EXTENSIONS) == ".npy":
        raise MatrixFileError(
            f"{path}: a sparse matrix does not fit a .npy file; use .npz or .mtx"
        )


def _write(stream: IO[bytes], A: Array, extension: str) -> None:
    if extension == ".npy":
        np.save(stream, A, allow_pickle=False)
    elif extension == ".npz" and sp.issparse(A):
        sp.save_npz(stream, A)
    elif extension == ".npz":
        np.savez_compressed(stream, A=A)
    elif extension == ".mtx":
        _write_matrix_market(stream, A)
    else:
        with gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0) as packed:
            _write_matrix_market(packed, A)


def _write_matrix_market(stream: IO[bytes] | gzip.GzipFile, A: Array) -> None:
    """Write a matrix with all digits of double precision.

    Of single precision SciPy writes the fewest digits that tell it from other single
    numbers, and those are another double. Its own look for symmetry ignores the signs
    of zeros, so only what is the same bit for bit is written as one triangle.
    """
    import scipy.io  # loads readers of a dozen other formats

    dtype = np.complex128 if A.dtype.kind == "c" else np.float64
    A = A.astype(dtype, copy=False)
    symmetry = "symmetric" if _is_symmetric(A) else "general"
    scipy.io.mmwrite(stream, A, symmetry=symmetry)


def _is_symmetric(A: Array) -> bool:
    if A.shape[0] != A.shape[1]:
        return False
    if not sp.issparse(A):
        return A.tobytes() == A.T.tobytes()
    B, C = sp.csr_array(A), sp.csr_array(A.T)
    parts = zip(
        (B.indptr, B.indices, B.data), (C.indptr, C.indices, C.data), strict=True
    )
    return all(x.tobytes() == y.tobytes() for x, y in parts)
