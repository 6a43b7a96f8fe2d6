"""Assemble a symmetric operator exactly, in chunks of columns."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from condlab.curvature._point import available_bytes

CHUNKS = (8, 16, 32, 64, 128, 256)  # widths tried, on columns that are needed anyway
FAR = 1.5  # so much slower a column than the best ends the trials
TILE = 256  # rows and columns symmetrised together, which fit in the cache
HEADER = 512  # bytes of a checkpoint before its rows


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


def assemble(
    H: Any,
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
        any moment takes up from it; it is removed when the matrix is done.

    Returns
    -------
    Tensor, shape (n, n)
        Exactly symmetric: the mean of what the products give and its transpose.

    Raises
    ------
    ValueError
        If `chunk` is not positive, the checkpoint is of another operator, or the
        products are not symmetric up to rounding.
    MemoryError
        If the matrix takes more than `memory`.

    Examples
    --------
    >>> assemble(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
    tensor([[2., 1.],
            [1., 3.]])
    """
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}")
    n = H.shape[0]
    require_room(H, memory)
    A = torch.empty((n, n), dtype=H.dtype, device=H.device)
    saved = None if checkpoint is None else Checkpoint.open(H, Path(checkpoint))
    done = 0 if saved is None else saved.restore(A)
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
    if saved is not None:
        saved.path.unlink()
    return A


def require_room(H: Any, memory: float | None = None) -> None:
    """Raise MemoryError unless the matrix fits in some bytes, or in what is free."""
    m, n = H.shape
    needed = m * n * H.dtype.itemsize
    memory = available_bytes(H.device) if memory is None else memory
    if needed > memory:
        raise MemoryError(
            f"the matrix of shape ({m}, {n}) takes {needed / 2**30:.1f} GiB, and "
            f"{memory / 2**30:.1f} GiB are there; use a block of it, or its products"
        )


def _identity_columns(A: Tensor, start: int, width: int) -> Tensor:
    E = torch.zeros((width, A.shape[0]), dtype=A.dtype, device=A.device)
    E[torch.arange(width), torch.arange(start, start + width)] = 1
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


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file of a header and of rows, of which an unfinished last one is dropped."""

    path: Path
    row_bytes: int

    @classmethod
    def open(cls, H: Any, path: Path) -> Checkpoint:
        """Open the checkpoint of an operator, or start one."""
        n = H.shape[0]
        kind = {"n": n, "dtype": str(H.dtype), "probe": _probe(H)}
        if path.exists():
            _require_same(_header(path), kind, path, H.dtype)
        else:
            new = path.with_name(path.name + ".new")
            new.write_bytes(json.dumps(kind).encode().ljust(HEADER))
            new.replace(path)
        return cls(path, n * H.dtype.itemsize)

    def restore(self, A: Tensor) -> int:
        """Read the rows that are there into A, and return how many they are."""
        done = (self.path.stat().st_size - HEADER) // self.row_bytes
        os.truncate(self.path, HEADER + done * self.row_bytes)
        dtype = np.dtype(str(A.dtype).removeprefix("torch."))
        if done:
            stored = np.memmap(self.path, dtype, "r", HEADER, (done, A.shape[1]))
            A[:done] = torch.from_numpy(np.array(stored))
        return done

    def append(self, rows: Tensor) -> None:
        """Write rows at the end."""
        with self.path.open("ab") as file:
            file.write(rows.cpu().numpy().tobytes())


def _header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return dict(json.loads(file.read(HEADER)))
    except ValueError:
        raise ValueError(
            f"{path} is no checkpoint of an assembly; name another file"
        ) from None


def _require_same(
    found: dict[str, Any], wanted: dict[str, Any], path: Path, dtype: torch.dtype
) -> None:
    near = torch.finfo(dtype).eps ** 0.5  # a GPU's products differ from run to run
    same = all(found.get(k) == wanted[k] for k in ("n", "dtype")) and np.allclose(
        found.get("probe", np.nan), wanted["probe"], rtol=near, atol=0
    )
    if not same:
        raise ValueError(
            f"{path} is the checkpoint of another operator; name another file, or "
            "remove it to start anew"
        )


def _probe(H: Any) -> list[float]:
    """Return the sizes of two products: those of another operator differ."""
    places = torch.arange(1, H.shape[0] + 1, dtype=torch.float64, device=H.device)
    waves = torch.stack([places.sin(), (2 * places).cos()], dim=1).to(H.dtype)
    return [float(p.norm()) for p in (H @ waves).T]


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
