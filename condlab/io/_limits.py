"""What a file may claim before anything is allocated for it."""

from __future__ import annotations

import os
from pathlib import Path

from condlab.errors import MatrixFileError
from condlab.machine.memory import available_bytes

_GIB = 2**30
_DEFLATE_AT_BEST = 1032  # no deflate stream inflates more than this
_SUSPICIOUS_INFLATION = 200  # past a gigabyte, only zeros compress so well


def require_memory(path: Path, nbytes: int) -> None:
    """Raise where the entries would take more memory than one matrix may."""
    allowed = memory_limit()
    if nbytes > allowed:
        raise MatrixFileError(
            f"{path}: its header claims {nbytes / _GIB:.3g} GiB, and a matrix may take "
            f"{allowed / _GIB:.3g} GiB here: half of the machine's memory, or what is "
            "free of it and of this process's limits"
        )


def require_plausible_inflation(path: Path, nbytes: int) -> None:
    """Raise where a compressed file claims to hold what it can hardly hold."""
    size = path.stat().st_size
    hardly = nbytes > _GIB and nbytes > _SUSPICIOUS_INFLATION * size
    if hardly or nbytes > inflated_at_most(size):
        raise MatrixFileError(
            f"{path}: it claims {nbytes / _GIB:.3g} GiB in a compressed file of {size} "
            "bytes; store a sparse matrix as .mtx or with scipy.sparse.save_npz"
        )


def inflated_at_most(size: int) -> int:
    """Return the most bytes that `size` compressed bytes can hold."""
    return _DEFLATE_AT_BEST * size + 64


def require_shape(path: Path, shape: tuple[int, ...], stored: int | None) -> None:
    """Raise where a matrix is empty, not 2-D, or has far more lines than entries.

    Empty rows cost memory in compressed sparse storage, so a header of a few bytes
    could otherwise ask for any amount; `stored` is None for dense matrices.
    """
    if len(shape) != 2:
        advice = "; reshape it to (n, 1) or (1, n) first" if len(shape) == 1 else ""
        raise MatrixFileError(
            f"{path}: a matrix (2-D) is needed, got shape {shape}{advice}"
        )
    if min(shape) < 0:
        raise MatrixFileError(f"{path}: its header claims the impossible shape {shape}")
    if min(shape) == 0:
        raise MatrixFileError(
            f"{path}: a matrix with at least one row and one column is needed, "
            f"got shape {shape}"
        )
    if stored is not None and sum(shape) > 1_000_000 + 64 * stored:
        raise MatrixFileError(
            f"{path}: its header claims shape {shape} for {stored} entries, so nearly "
            "every row is empty; leave the empty rows and columns out"
        )


def memory_limit() -> int:
    """Return how many bytes one matrix may take.

    Half of the machine's memory, or what is free of it and of the limits of a container
    and of the process, whichever is less.
    """
    try:
        half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):  # not every system tells
        half = 4 * _GIB
    return min(half, available_bytes())
