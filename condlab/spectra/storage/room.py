"""Whether there is room for what is about to be computed: asked before any product."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import torch

from condlab.machine import memory
from condlab.machine.memory import require_bytes
from condlab.machine.ranks import ranks_of
from condlab.spectra._operator import Operator
from condlab.spectra.storage.rows import require_disk

PROJECTED = 8  # copies of the projected matrix that its Ritz pairs take
COPIES = 4  # of the matrix, in float64, that LAPACK and the assembly need


def device_of(H: Operator) -> torch.device:
    """Return where an operator takes its vectors: on the CPU if it does not say."""
    return torch.device(getattr(H, "device", "cpu"))


def available_bytes(device: torch.device) -> int:
    """Return how many bytes may be taken of a device."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    return memory.available_bytes()


def room_of(H: Operator, device: torch.device) -> float:
    """Return how many bytes of a device an operator's processes may each take.

    Those that share a device share what is free, and all have the same answer.
    """
    place = socket.gethostname()
    if device.type == "cuda":
        place = str(torch.cuda.get_device_properties(device).uuid)
    found = ranks_of(H).gathered((place, available_bytes(device)))
    places = [name for name, _ in found]
    return min(free / places.count(name) for name, free in found)


def require_room_for_basis(
    H: Operator, size: int, folder: str | os.PathLike[str] | None
) -> None:
    """Raise MemoryError or OSError unless a basis and what it needs find room.

    Of several processes each keeps a part of it, and all raise if one has no room.
    """
    n, device, ranks = H.shape[0], device_of(H), ranks_of(H)
    size, there = min(size, n), room_of(H, torch.device("cpu"))
    rows = 2 * size * -(-n // ranks.count) * H.dtype.itemsize
    small = 8 * PROJECTED * size**2
    what = f"a basis of {size} vectors of {n} numbers, with their images,"
    if ranks.count > 1:
        what = f"one of {ranks.count} parts of {what}"
    instead = "lower basis or num_matvecs"
    if folder is not None:
        ranks.together(lambda: require_disk(folder, rows, what))
        require_bytes(small, what, instead, there)
        return
    instead += ", or hold it on disk: spectrum has folder="
    if device.type == "cpu":
        small += rows
    else:
        require_bytes(rows, what, instead, room_of(H, device))
    require_bytes(small, what, instead, there)


def require_room_for_checkpoint(
    H: Operator, size: int, block: int, budget: int, path: str | os.PathLike[str]
) -> None:
    """Raise OSError unless a disk takes the checkpoint of a basis, twice.

    The old one stays until the new one is whole.
    """
    n, path, needed = H.shape[0], Path(path), 0
    if budget > size:  # else nothing will be written
        kept = min(size, n) // 2 + 2 * block
        needed = 2 * ((2 * kept + 2) * n * H.dtype.itemsize + 8 * min(size, n) ** 2)

    def require() -> None:
        there = path.stat().st_size if path.exists() else 0
        more = max(0, needed - there)
        require_disk(path.parent, more, f"the checkpoint {path.name}")

    ranks_of(H).agreed(require)  # the first process writes it


def require_room_for_eigenvalues(H: Operator, *, vectors: bool) -> None:
    """Raise MemoryError unless LAPACK finds room for the eigenvalues of a matrix.

    That is the matrix and one copy; and two more for vectors, its own or known ones.
    """
    n, device = H.shape[0], device_of(H)
    require_bytes(
        (COPIES if vectors else COPIES // 2) * n * n * torch.float64.itemsize,
        f"the matrix of shape ({n}, {n}), with what LAPACK needs,",
        'use method="lanczos", or a block of it',
        room_of(H, device),
    )
