"""A Lanczos basis on disk, to take up from."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from condlab.curvature.krylov import Basis

NUMBERS = ("k", "steps", "restarts", "peak", "width")


def save(basis: Basis, path: Path) -> None:
    """Write the basis to a file, which is whole at every moment."""
    state = {name: getattr(basis, name) for name in NUMBERS}
    for name in ("V", "W"):
        state[name] = getattr(basis, name)[: basis.k].clone()
    state |= {"T": basis.T, "ahead": basis.ahead, "coupling": basis.coupling}
    state |= {"generator": basis.generator.get_state(), "probe": basis.H.probe}
    state |= {"count": basis.H.count, "size": len(basis.V)}
    state["scale"] = basis.H.scale
    new = path.with_name(path.name + ".new")
    torch.save(state, new)
    os.replace(new, path)  # noqa: PTH105


def load(basis: Basis, path: Path) -> None:
    """Take up from a file that `save` wrote."""
    state = torch.load(path, map_location=basis.H.device, weights_only=True)
    near = torch.finfo(basis.H.dtype).eps ** 0.5
    theirs, own = state["probe"], basis.H.probe * (basis.H.scale / state["scale"])
    if (
        state["size"] != len(basis.V)
        or theirs.shape != own.shape
        or not bool((theirs - own).norm() <= near * own.norm())
    ):
        raise ValueError(
            f"{path} is the checkpoint of another operator or run; name another "
            "file, or remove it to start anew"
        )
    for name in NUMBERS:
        setattr(basis, name, state[name])
    basis.V[: basis.k], basis.W[: basis.k] = state["V"], state["W"]
    basis.T, basis.coupling = state["T"].cpu(), state["coupling"].cpu()
    basis.ahead, basis.H.count = state["ahead"], state["count"]
    basis.H.scale = state["scale"]
    basis.generator.set_state(state["generator"].cpu())


def room_for(
    size: int, n: int, kind: dict[str, Any], folder: str | os.PathLike[str] | None
) -> Tensor:
    """Return room for rows: in memory, or in a file that goes with them."""
    if folder is None:
        return torch.empty((size, n), **kind)
    if kind["device"].type != "cpu":
        raise ValueError(
            f"a basis on disk needs products on the CPU, got {kind['device']}"
        )
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        room = torch.from_file(file.name, True, size * n, dtype=kind["dtype"])
    return room.view(size, n)
