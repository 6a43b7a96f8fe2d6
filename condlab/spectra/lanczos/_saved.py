"""A Lanczos basis in a checkpoint, to take up from."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from condlab.spectra.storage.checkpoint import Checkpoint, foreign, made_by, read, write
from condlab.spectra.storage.rows import PANEL, Rows, as_bytes
from condlab.types import Record

if TYPE_CHECKING:
    from condlab.spectra.lanczos.krylov import Basis

NUMBERS = ("k", "steps", "restarts", "peak", "width")
SMALL = ("probe", "T", "ahead", "coupling", "draws")


def seed_of(generator: torch.Generator) -> list[int | str]:
    """Return what tells a generator, as it is now, from others."""
    state = generator.get_state().cpu().numpy().tobytes()
    return [generator.initial_seed(), hashlib.blake2b(state, digest_size=8).hexdigest()]


def save(basis: Basis, path: Path) -> None:
    """Write the basis to a file, which is whole at every moment."""
    small = {
        "probe": basis.H.probe,
        "T": basis.T,
        "ahead": basis.ahead,
        "coupling": basis.coupling,
        "draws": basis.generator.get_state(),
    }
    header = _header(basis) | {
        "numbers": {name: getattr(basis, name) for name in NUMBERS},
        "count": basis.H.count,
        "scale": basis.H.scale,
        "arrays": {name: [list(x.shape), str(x.dtype)] for name, x in small.items()},
    }
    parts = _parts(basis, list(small.values()))

    def work() -> None:
        try:
            if basis.ranks.rank == 0:
                write(path, header, parts)
        finally:  # each part is put together by all processes
            deque(parts, maxlen=0)

    basis.ranks.together(work)


def _parts(basis: Basis, small: list[Tensor]) -> Iterator[memoryview]:
    for array in small:
        yield as_bytes(array)
    for rows in (basis.V, basis.W):
        for _, panel in rows.panels(basis.k):
            yield as_bytes(panel)


def load(basis: Basis, path: Path) -> None:
    """Take up from a file that `save` wrote, and that only the first process has."""
    files: list[Checkpoint] = []

    def opened() -> tuple[Record, dict[str, Tensor], int]:
        files.append(read(path, _header(basis)))
        header = files[0].header
        small, place = _arrays(files[0])
        _require_same_operator(basis, small["probe"], header["scale"], path)
        return header, small, place

    header, small, place = basis.ranks.agreed(opened)
    for name in NUMBERS:
        setattr(basis, name, header["numbers"][name])
    for rows in (basis.V, basis.W):
        place = _fill(rows, basis, files, place)
    basis.T, basis.coupling = small["T"], small["coupling"]
    basis.ahead = small["ahead"].to(basis.H.device)
    basis.H.count, basis.H.scale = header["count"], header["scale"]
    basis.generator.set_state(small["draws"])


def _arrays(saved: Checkpoint) -> tuple[dict[str, Tensor], int]:
    """Return the small arrays of a checkpoint, and where the rows begin."""
    small, place = {}, 0
    for name in SMALL:
        shape, dtype = saved.header["arrays"][name]
        array = torch.empty(shape, dtype=getattr(torch, dtype.removeprefix("torch.")))
        saved.read(place, as_bytes(array))
        small[name], place = array, place + array.nbytes
    return small, place


def _header(basis: Basis) -> Record:
    return made_by(
        "lanczos",
        seed=basis.seed,
        shape=list(basis.H.shape),
        dtype=str(basis.H.dtype),
        basis=len(basis.V),
        block=basis.block,
        deflated=len(basis.locked),
    )


def _fill(rows: Rows, basis: Basis, files: list[Checkpoint], place: int) -> int:
    line = rows.length * rows.dtype.itemsize
    step = max(1, PANEL // line)
    for first in range(0, basis.k, step):
        last = min(first + step, basis.k)
        kept = torch.empty((last - first, rows.length), dtype=rows.dtype)
        view = as_bytes(kept)
        basis.ranks.agreed(partial(_read, files, place + first * line, view))
        rows[first:last] = basis.ranks.from_first(kept).to(rows.device)
    return place + basis.k * line


def _read(files: list[Checkpoint], place: int, view: memoryview) -> None:
    files[0].read(place, view)


def _require_same_operator(
    basis: Basis, theirs: Tensor, scale: float, path: Path
) -> None:
    near = math.sqrt(torch.finfo(basis.H.dtype).eps)  # a GPU's products differ
    own = basis.H.probe.cpu() * (basis.H.scale / scale)
    if not bool((theirs - own).norm() <= near * own.norm()):
        raise foreign(path, "a fixed vector has another product")
