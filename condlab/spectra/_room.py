"""Whether there is room for what is about to be computed: asked before any product."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from condlab import _memory
from condlab._memory import require_bytes
from condlab.spectra._rows import require_disk

PROJECTED = 8  # copies of the projected matrix that its Ritz pairs take
COPIES = 4  # of the matrix, in float64, that LAPACK and the assembly need


def device_of(H: Any) -> torch.device:
    """Return where an operator takes its vectors: on the CPU if it does not say."""
    return torch.device(getattr(H, "device", "cpu"))


def available_bytes(device: torch.device) -> int:
    """Return how many bytes may be taken of a device."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    return _memory.available_bytes()


def require_room_for_basis(
    H: Any, size: int, folder: str | os.PathLike[str] | None
) -> None:
    """Raise MemoryError or OSError unless a basis and what it needs find room."""
    n, device = H.shape[0], device_of(H)
    size = min(size, n)
    rows, small = 2 * size * n * H.dtype.itemsize, 8 * PROJECTED * size**2
    what = f"a basis of {size} vectors of {n} numbers, with their images,"
    instead = "lower basis or num_matvecs"
    if folder is not None:
        require_disk(folder, rows, what)
        require_bytes(small, what, instead, available_bytes(torch.device("cpu")))
        return
    instead += ", or hold it on disk: spectrum has folder="
    if device.type == "cpu":
        small += rows
    else:
        require_bytes(rows, what, instead, available_bytes(device))
    require_bytes(small, what, instead, available_bytes(torch.device("cpu")))


def require_room_for_checkpoint(
    H: Any, size: int, block: int, budget: int, path: str | os.PathLike[str]
) -> None:
    """Raise OSError unless a disk takes the checkpoint of a basis, twice.

    The old one stays until the new one is whole.
    """
    n, path = H.shape[0], Path(path)
    require_disk(path.parent, 0, f"the checkpoint {path.name}")
    if budget <= size:  # nothing will be written
        return
    kept = min(size, n) // 2 + 2 * block
    needed = 2 * ((2 * kept + 2) * n * H.dtype.itemsize + 8 * min(size, n) ** 2)
    there = path.stat().st_size if path.exists() else 0
    require_disk(path.parent, needed - there, f"the checkpoint {path.name}")


def require_room_for_eigenvalues(H: Any, *, vectors: bool) -> None:
    """Raise MemoryError unless LAPACK finds room for the eigenvalues of a matrix.

    That is the matrix and one copy; and two more for vectors, its own or known ones.
    """
    n, device = H.shape[0], device_of(H)
    require_bytes(
        (COPIES if vectors else COPIES // 2) * n * n * torch.float64.itemsize,
        f"the matrix of shape ({n}, {n}), with what LAPACK needs,",
        'use method="lanczos", or a block of it',
        available_bytes(device),
    )
