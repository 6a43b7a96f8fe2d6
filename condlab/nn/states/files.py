"""State dicts in files: safetensors, sharded ones, and torch's checkpoints."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from condlab.nn.states._nested import named_tensors
from condlab.nn.states._safetensors import open_safetensors, open_sharded

CHECKPOINTS = (".pt", ".pth", ".ckpt", ".bin", ".tar")
SUFFIXES = (".safetensors", *CHECKPOINTS)
# What torch's unpickler says of bytes that are none of its, not of code in them.
ODD = re.compile("operand|load key|truncated|protocol|persistent|legacy", re.IGNORECASE)


def open_state(path: str | os.PathLike[str]) -> Mapping[str, Tensor]:
    """Open a file of weights, of which each tensor is read when it is asked for.

    Parameters
    ----------
    path : path
        A ``.safetensors`` file, the ``.index.json`` of a sharded one, or a checkpoint
        that ``torch.save`` wrote, of which nothing but tensors and plain containers is
        loaded. State dicts inside dicts are found; where there are several, names begin
        with where they are.

    Returns
    -------
    mapping of str to Tensor
        With the names in the file.

    Raises
    ------
    ValueError
        If the file is cut off, says what cannot be of its tensors, or holds no tensors.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "net.pt")
    ...     torch.save({"step": 3, "model": {"0.weight": torch.eye(2)}}, path)
    ...     list(open_state(path))
    ['0.weight']
    """
    path = Path(path)
    if path.name.endswith(".index.json"):
        return open_sharded(path)
    if path.suffix == ".safetensors":
        return open_safetensors(path)
    if path.suffix in CHECKPOINTS:
        return _checkpoint(path)
    raise ValueError(
        f"{path} must be a file of weights, *{', *'.join(SUFFIXES)} or *.index.json"
    )


def _checkpoint(path: Path) -> Mapping[str, Tensor]:
    path.open("rb").close()  # says what is wrong with the path itself
    names = _names_in_zip(path)
    if names is not None and any(name.endswith("/constants.pkl") for name in names):
        raise ValueError(
            f"{path} is a program of TorchScript; save the state_dict() of what "
            "torch.jit.load gives"
        )
    mapped = names is not None
    try:
        held = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # torch's unpickler raises anything at odd bytes
        if isinstance(error, pickle.UnpicklingError) and not ODD.search(str(error)):
            raise ValueError(
                f"{path} holds more than tensors and plain containers, and loading "
                "that could run code; save module.state_dict(), or give module:factory"
            ) from None
        raise ValueError(f"{path} is no whole checkpoint of torch.save") from None
    found = named_tensors(held)
    if not found:
        kind = type(held).__name__
        raise ValueError(f"{path} holds {kind} without a state dict of named tensors")
    return found


def _names_in_zip(path: Path) -> list[str] | None:
    """Return the names in a zip, or None where it is none, or none that is whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError):
        return None
