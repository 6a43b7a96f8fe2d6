"""Where a matrix comes from: a file, the gallery, the collection, or SuiteSparse."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable
from pathlib import Path

import scipy.sparse as sp

from condlab.types import Array

HELP = (
    "a file (.mtx, .mtx.gz, .npz, .npy, .mat, .csv), gallery:NAME:N, builtin:NAME, "
    "or suitesparse:GROUP/NAME"
)
_LARGEST_DENSE = 10_000  # columns; 800 MB


def add_source(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add the arguments that name a matrix, or several."""
    if several:
        parser.add_argument("sources", metavar="SOURCE", nargs="+", help=HELP)
    else:
        parser.add_argument("source", metavar="SOURCE", help=HELP)
    parser.add_argument(
        "--array",
        metavar="NAME",
        help="which array of a .npz or .mat file with several",
    )


def load(source: str, array: str | None = None) -> Array:
    """Return the matrix that `source` names, or raise ValueError in one sentence."""
    kind, colon, name = source.partition(":")
    loaders = {
        "gallery": _gallery,
        "builtin": _builtin,
        "suitesparse": _suitesparse,
    }
    if not colon or kind not in loaders:
        return _file(source, array)
    if array is not None:
        raise ValueError(
            f"--array chooses within a .npz or .mat file, and {source} is none"
        )
    return loaders[kind](name)


def describe(source: str, A: Array) -> str:
    """Return a line that says what the matrix is."""
    m, n = A.shape
    stored = f", {A.nnz} nonzeros" if sp.issparse(A) else ", dense"
    return f"{source}: {m} x {n}{stored}, {A.dtype}"


def closest(name: str, names: Iterable[str]) -> str:
    """Return "; did you mean X?" for the name most like this one, if one is."""
    found = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _gallery(name: str) -> Array:
    from condlab.gallery import GALLERY

    name, colon, size = name.rpartition(":")
    if not colon or not name:
        raise ValueError("the gallery needs a size, such as gallery:hilbert:8")
    if name not in GALLERY:
        raise ValueError(
            f"the gallery has no matrix {name!r}{closest(name, GALLERY)} "
            "(condlab list gallery)"
        )
    if not (size.isascii() and size.isdigit()):
        raise ValueError(f"the size of a gallery matrix is a number, got {size!r}")
    family, n = GALLERY[name], int(size)
    if n > _LARGEST_DENSE and not sp.issparse(family.make(family.smallest)):
        raise ValueError(
            f"gallery:{name} is dense and limited to {_LARGEST_DENSE} columns, got {n}"
        )
    if n > _LARGEST_DENSE**2:
        raise ValueError(f"a size up to {_LARGEST_DENSE**2} is possible, got {n}")
    return family.make(n)


def _builtin(name: str) -> Array:
    from condlab.collection import COLLECTION

    if name not in COLLECTION:
        raise ValueError(
            f"there is no built-in matrix {name!r}{closest(name, COLLECTION)} "
            "(condlab list builtin)"
        )
    return COLLECTION[name].load()


def _suitesparse(name: str) -> Array:
    from condlab.io import fetch_suitesparse, read_matrix

    return read_matrix(fetch_suitesparse(name))


def _file(source: str, array: str | None) -> Array:
    from condlab.collection import COLLECTION
    from condlab.gallery import GALLERY
    from condlab.io import read_matrix

    if source in COLLECTION and not Path(source).exists():
        raise ValueError(f"there is no file {source}; did you mean builtin:{source}?")
    if source in GALLERY and not Path(source).exists():
        raise ValueError(f"there is no file {source}; did you mean gallery:{source}:8?")
    return read_matrix(source, name=array)
