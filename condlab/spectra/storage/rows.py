"""Rows of equal length, in memory or on disk, read in panels that bound the memory.

On disk a panel is mapped while it is read, and let go of then: a page counts as the
process's as long as it is mapped. Nothing is written through a map, where a full disk
would end the process: the room is taken at the start, and rows are written as to any
other file.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

PANEL = 1 << 20  # bytes of a file copied together
PART = 1 << 20  # bytes of columns worked on together on the CPU: they fit in a cache
WINDOW = 1 << 25  # bytes of a file mapped together
# Bytes of rows worked on together. BLAS has its own blocks for the cache, and with a
# panel of one row, however short, a product takes up to nine times as long.
TOGETHER = 1 << 28
ZEROS = 1 << 20  # bytes written together where a system cannot reserve room


class Rows:
    """Rows in memory.

    Parameters
    ----------
    count, length : int
        Of rows, and of each.
    dtype, device
        Of all.
    """

    def __init__(
        self, count: int, length: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.count, self.length, self.dtype, self.device = count, length, dtype, device
        self._kept: Tensor = self._room()

    def _room(self) -> Tensor:
        return torch.empty(
            (self.count, self.length), dtype=self.dtype, device=self.device
        )

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, places: slice) -> Tensor:
        """Return some rows."""
        return self._kept[places]

    def __setitem__(self, places: slice, rows: Tensor) -> None:
        self._kept[places] = rows

    def columns(self, first: int, last: int, k: int) -> Tensor:
        """Return columns first to last of the first k rows, to be read at once.

        The next call may write over them, and they over the rows.
        """
        return self._kept[:k, first:last]

    def set_columns(self, first: int, part: Tensor) -> None:
        """Write columns, from one on, of the first rows."""
        self._kept[: len(part), first : first + part.shape[1]] = part

    def panels(self, k: int) -> Iterator[tuple[slice, Tensor]]:
        """Yield the first k rows, some at a time; what was yielded may be lost then."""
        size = self._rows_in(self._window())
        for start in range(0, k, size):
            panel = self[start : min(start + size, k)]
            yield slice(start, start + len(panel)), panel

    def _rows_in(self, nbytes: int) -> int:
        return max(1, nbytes // max(1, self.length * self.dtype.itemsize))

    def _window(self) -> int:
        return TOGETHER

    def widths(self, k: int) -> Iterator[tuple[int, int]]:
        """Yield first and last columns of the parts to read the first k rows in."""
        most = PART if self.device.type == "cpu" else TOGETHER
        wide = max(1, most // max(1, k * self.dtype.itemsize))
        for first in range(0, self.length, wide):
            yield first, min(first + wide, self.length)

    def combined(self, coefficients: Tensor) -> Tensor:
        """Return combinations of the first rows, shape (m, length), from (m, k)."""
        m, k = coefficients.shape
        total = torch.zeros((m, self.length), dtype=self.dtype, device=self.device)
        for places, panel in self.panels(k):
            total.addmm_(coefficients[:, places], panel)
        return total

    def products(self, B: Tensor, k: int) -> Tensor:
        """Return the first k rows times B', shape (k, m), of B of shape (m, length)."""
        parts = [panel @ B.T for _, panel in self.panels(k)]
        return torch.cat(parts) if parts else B.new_zeros((0, len(B)))

    def remove(self, B: Tensor, k: int) -> Tensor:
        """Return B, shape (m, length), less what the first k orthonormal rows span."""
        return self.separate(B, k)[0]

    def separate(self, B: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return what `remove` does, and what it took away of each row, shape (k, m).

        To rounding that is `products` of B. Each panel is read from memory once.
        """
        m, parts, B = len(B), [], B.clone()
        for _, panel in self.panels(k):
            C = B @ panel.T
            parts.append(C.T)
            B.addmm_(C, panel, alpha=-1)
        return B, torch.cat(parts) if parts else B.new_zeros((0, m))

    def replace(self, S: Tensor) -> None:
        """Put combinations of the first k rows, coefficients (m, k), in their place."""
        for first, last in self.widths(S.shape[1]):
            self.set_columns(first, S @ self.columns(first, last, S.shape[1]))


class DiskRows(Rows):
    """Rows in a file without a name, which goes with the process."""

    def __init__(
        self,
        count: int,
        length: int,
        dtype: torch.dtype,
        device: torch.device,
        folder: str | os.PathLike[str],
    ) -> None:
        self._folder = Path(folder)
        self._line = length * dtype.itemsize
        self._part = torch.empty(0, dtype=dtype)
        super().__init__(count, length, dtype, device)

    def _room(self) -> Tensor:
        self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        reserve(self._file.fileno(), self.count * self._line, self._folder)
        return torch.empty((0, self.length), dtype=self.dtype)

    def __getitem__(self, places: slice) -> Tensor:
        """Return some rows, as the file has them: a copy if they are written to."""
        first, last, _ = places.indices(self.count)
        if last <= first or not self.length:  # more processes than columns
            return torch.empty(
                (max(0, last - first), self.length),
                dtype=self.dtype,
                device=self.device,
            )
        start, stop = first * self._line, last * self._line
        before = start % mmap.ALLOCATIONGRANULARITY
        room = mmap.mmap(
            self._file.fileno(),
            stop - start + before,
            access=mmap.ACCESS_COPY,
            offset=start - before,
        )
        flat = torch.frombuffer(room, dtype=torch.uint8)[before:].view(self.dtype)
        return flat.view(-1, self.length).to(self.device)

    def __setitem__(self, places: slice, rows: Tensor) -> None:
        first = places.indices(self.count)[0]
        self._write(first * self._line, rows)

    def columns(self, first: int, last: int, k: int) -> Tensor:
        """Return columns first to last of the first k rows, in the same room again.

        Fresh pages cost several times what the copies do.
        """
        count = k * (last - first)
        if len(self._part) < count:
            self._part = torch.empty(count, dtype=self.dtype)
        found = self._part[:count].view(k, last - first)
        view, place = as_bytes(found), first * self.dtype.itemsize
        wide = (last - first) * self.dtype.itemsize
        for start in range(0, k * wide, wide):
            self._file.seek(place)
            _fill(self._file, view[start : start + wide])
            place += self._line
        return found.to(self.device)

    def set_columns(self, first: int, part: Tensor) -> None:
        """Write columns, from one on, of the first rows."""
        for i, row in enumerate(part):
            self._write(i * self._line + first * self.dtype.itemsize, row)

    def _window(self) -> int:
        return WINDOW

    def _write(self, place: int, values: Tensor) -> None:
        self._file.seek(place)
        view = as_bytes(values.to(self.dtype))
        while view:
            view = view[self._file.write(view) :]


def as_bytes(values: Tensor) -> memoryview:
    """Return the bytes of a tensor; of a contiguous one on the CPU, those it has."""
    flat = values.detach().cpu().contiguous().reshape(-1).numpy()
    return memoryview(flat.view(np.uint8).data)


def _fill(file: object, view: memoryview) -> None:
    while view:
        count = file.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise OSError(errno.EIO, "the file of a basis on disk has been cut short")
        view = view[count:]


def require_disk(folder: str | os.PathLike[str], needed: int, what: str) -> None:
    """Raise OSError unless a folder is there and has so many bytes free."""
    place = Path(folder)
    if not place.is_dir():
        raise NotADirectoryError(
            errno.ENOTDIR, f"{what} needs a folder, and this is none", str(place)
        )
    free = shutil.disk_usage(place).free
    if needed > free:
        raise _full(place, what, needed, free)


def reserve(file: int, needed: int, folder: Path) -> None:
    """Take so many bytes of a disk for a file, or raise OSError."""
    what = "the rows of a basis"
    require_disk(folder, needed, what)
    try:
        if not _allocated(file, needed):
            _write_zeros(file, needed)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        free = shutil.disk_usage(folder).free
        raise _full(folder, what, needed, free) from error


def _allocated(file: int, needed: int) -> bool:
    if not needed or not hasattr(os, "posix_fallocate"):
        return not needed
    try:
        os.posix_fallocate(file, 0, needed)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            return False  # a file system that cannot
        raise
    return True


def _write_zeros(file: int, needed: int) -> None:
    block = bytes(ZEROS)
    while needed > 0:
        needed -= os.write(file, block[: min(ZEROS, needed)])


def _full(folder: Path, what: str, needed: int, free: int) -> OSError:
    with contextlib.suppress(OSError):
        folder = folder.resolve()
    return OSError(
        errno.ENOSPC,
        f"{what} takes {needed / 2**20:.3g} MiB of disk, and {free / 2**20:.3g} MiB "
        "are free; name a place on a larger disk, or take fewer rows",
        str(folder),
    )
