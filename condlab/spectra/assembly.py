"""Assemble a symmetric operator exactly, in chunks of columns."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

from condlab.machine.memory import require_bytes
from condlab.machine.ranks import ranks_of
from condlab.spectra._operator import Operator, PlacedOperator
from condlab.spectra.storage.checkpoint import (
    Checkpoint,
    foreign,
    held,
    made_by,
    read,
    write,
)
from condlab.spectra.storage.room import room_of
from condlab.spectra.storage.rows import as_bytes, require_disk

CHUNKS = (8, 16, 32, 64, 128, 256)  # widths tried, on columns that are needed anyway
FAR = 1.5  # so much slower a column than the best ends the trials
TILE = 256  # rows and columns symmetrised together, which fit in the cache
READ = 64  # rows of a checkpoint read together


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an assembly is.

    Parameters
    ----------
    done, total : int
        Columns.
    seconds_left : float
        At the speed so far.
    """

    done: int
    total: int
    seconds_left: float


class AssemblyOptions(TypedDict, total=False):
    """The options of `assemble`, of those that hand them on."""

    chunk: int | None
    memory: float | None
    progress: Callable[[Progress], None] | None
    checkpoint: str | os.PathLike[str] | None


def assemble(
    H: PlacedOperator,
    *,
    chunk: int | None = None,
    memory: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Tensor:
    """Return the matrix of a symmetric operator from its n products.

    Parameters
    ----------
    H : operator, shape (n, n)
        With ``shape``, ``dtype``, ``device`` and ``@`` on matrices.
    chunk : int, optional
        Columns multiplied together. By default 8, 16, ... 256 are tried while the
        work goes on, until a wider one is much slower.
    memory : float, optional
        Bytes that the matrix may take; by default what is free.
    progress : callable, optional
        Called with a `Progress` after each chunk.
    checkpoint : path, optional
        A file that rows are written to as they are found. A run that was killed at
        any moment takes up from it; it is locked meanwhile, and removed when the
        matrix is done.

    Returns
    -------
    Tensor, shape (n, n)
        Exactly symmetric: the mean of what the products give and its transpose.

    Raises
    ------
    ValueError
        If `chunk` is not positive, the checkpoint is damaged, in use or of another
        operator, or the products are not symmetric up to rounding.
    MemoryError
        If the matrix takes more than `memory`.
    OSError
        If the disk has no room for the checkpoint.

    Examples
    --------
    >>> assemble(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
    tensor([[2., 1.],
            [1., 3.]])
    """
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}")
    require_room(H, memory)
    if checkpoint is None:
        return _assembled(H, chunk, progress, None)
    path = Path(checkpoint)
    with held(path, ranks_of(H)):
        A = _assembled(H, chunk, progress, _Saved(H, path))
        ranks_of(H).agreed(path.unlink)
    return A


def _assembled(
    H: PlacedOperator,
    chunk: int | None,
    progress: Callable[[Progress], None] | None,
    saved: _Saved | None,
) -> Tensor:
    n = H.shape[0]
    A = torch.empty((n, n), dtype=H.dtype, device=H.device)
    done = 0 if saved is None else saved.restore(A)
    if ranks_of(H).count > 1:  # whose chunks must be equal, and times are not
        chunk = chunk or CHUNKS[0]
    pace = _Pace(chunk, done, n)
    while done < n:
        rows = A[done : done + pace.width]
        with pace.timed(rows):
            rows.copy_((H @ _identity_columns(A, done, len(rows))).T)
        if saved is not None:
            saved.append(rows)
        done += len(rows)
        if progress is not None:
            progress(pace.progress(done))
    symmetrise(A)
    return A


def require_room(H: Operator, memory: float | None = None) -> None:
    """Raise MemoryError unless the matrix fits in some bytes, or in what is free."""
    m, n = H.shape
    device = torch.device(getattr(H, "device", "cpu"))
    require_bytes(
        m * n * H.dtype.itemsize,
        f"the matrix of shape ({m}, {n})",
        "use a block of it, or its products",
        room_of(H, device) if memory is None else memory,
    )


def _identity_columns(A: Tensor, start: int, width: int) -> Tensor:
    E = torch.zeros((width, A.shape[0]), dtype=A.dtype, device=A.device)
    E[:, start : start + width].fill_diagonal_(1)
    return E.T


class _Pace:
    """Widen the chunk while that makes a column cheaper; know the time left."""

    def __init__(self, chunk: int | None, done: int, total: int) -> None:
        self.width = chunk or CHUNKS[0]
        self._untried = list(CHUNKS[1:]) if chunk is None else []
        self._best = (float("inf"), self.width)
        self._first, self._total, self._start = done, total, time.monotonic()

    @contextlib.contextmanager
    def timed(self, rows: Tensor) -> Iterator[None]:
        """Time a chunk, and set the width of the next one."""
        clock = time.perf_counter if rows.is_cuda else time.process_time
        start = clock()  # on the CPU the process's own time, which load spares
        yield
        if rows.is_cuda:
            torch.cuda.synchronize(rows.device)
        cost = (clock() - start) / len(rows), self.width
        if cost[0] > FAR * self._best[0]:
            self._untried = []
        self._best = min(self._best, cost)
        self.width = self._untried.pop(0) if self._untried else self._best[1]

    def progress(self, done: int) -> Progress:
        """Return how far the work is."""
        speed = (time.monotonic() - self._start) / (done - self._first)
        return Progress(done, self._total, speed * (self._total - done))


class _Saved:
    """The rows that are known, in a checkpoint."""

    def __init__(self, H: PlacedOperator, path: Path) -> None:
        self._ranks = ranks_of(H)
        self._ranks.agreed(lambda: self._require_disk(H, path))
        probe = _probe(H)
        self._ranks.agreed(lambda: self._open(H, path, probe))

    def _require_disk(self, H: PlacedOperator, path: Path) -> None:
        there = path.stat().st_size if path.exists() else 0
        size = H.shape[0] ** 2 * H.dtype.itemsize
        more = max(0, size - there)
        require_disk(path.parent, more, f"the checkpoint {path.name}")

    def _open(self, H: PlacedOperator, path: Path, probe: list[float]) -> None:
        n = H.shape[0]
        header = made_by("assembly", shape=[n, n], dtype=str(H.dtype))
        if path.exists():
            self._file = read(path, header)
            _require_same(self._file, probe, H.dtype)
        else:
            self._file = write(path, header | {"probe": probe})

    def restore(self, A: Tensor) -> int:
        """Read the rows that are there into A, and return how many they are."""
        done = self._ranks.agreed(lambda: self._read(A))
        for i in range(0, done, READ):
            self._ranks.from_first(A[i : min(i + READ, done)])
        return done

    def _read(self, A: Tensor) -> int:
        done = (self._file.end - self._file.start) // A[0].nbytes
        for i in range(0, done, READ):
            rows = torch.empty(A[i : min(i + READ, done)].shape, dtype=A.dtype)
            self._file.read(i * A[0].nbytes, as_bytes(rows))
            A[i : i + len(rows)] = rows.to(A.device)
        return done

    def append(self, rows: Tensor) -> None:
        """Write rows at the end."""
        self._ranks.agreed(lambda: self._file.append(as_bytes(rows)))


def _require_same(found: Checkpoint, probe: list[float], dtype: torch.dtype) -> None:
    near = torch.finfo(dtype).eps ** 0.5  # a GPU's products differ from run to run
    if not np.allclose(found.header["probe"], probe, rtol=near, atol=0):
        raise foreign(found.path, "two fixed vectors have other products")


def _probe(H: PlacedOperator) -> list[float]:
    """Return the sizes of two products: those of another operator differ."""
    places = torch.arange(1, H.shape[0] + 1, dtype=torch.float64)
    waves = torch.stack([places.sin(), (2 * places).cos()], dim=1)
    return [float(p.norm()) for p in (H @ waves.to(H.dtype).to(H.device)).T]


def symmetrise(A: Tensor) -> None:
    """Replace A by the mean of itself and its transpose, tile by tile."""
    n, gap, size = len(A), 0.0, float(A.norm())
    for i in range(0, n, TILE):
        for j in range(i, n, TILE):
            upper, lower = A[i : i + TILE, j : j + TILE], A[j : j + TILE, i : i + TILE]
            mean = (upper + lower.T) / 2
            gap = max(gap, float((upper - mean).abs().max()))
            upper.copy_(mean)
            lower.copy_(mean.T)
    if not gap <= 10 * torch.finfo(A.dtype).eps ** 0.5 * size:
        raise ValueError(
            f"the operator must be symmetric, but products differ by {2 * gap:.1e} "
            f"from their transpose, of norm {size:.1e}"
        )
