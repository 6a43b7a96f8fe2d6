"""State dicts in files: safetensors, sharded ones, and torch's checkpoints."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from condlab.nn._nested import named_tensors
from condlab.nn._safetensors import open_safetensors, open_sharded

CHECKPOINTS = (".pt", ".pth", ".ckpt", ".bin", ".tar")
SUFFIXES = (".safetensors", *CHECKPOINTS)


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
    mapped = zipfile.is_zipfile(path)
    if mapped and _is_script(path):
        raise ValueError(
            f"{path} is a program of TorchScript; save the state_dict() of what "
            "torch.jit.load gives"
        )
    try:
        held = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError:
        raise ValueError(
            f"{path} holds more than tensors and plain containers, and loading that "
            "could run code; save module.state_dict(), or give module:factory"
        ) from None
    except (RuntimeError, EOFError, KeyError, ValueError, TypeError, AttributeError):
        raise ValueError(f"{path} is no whole checkpoint of torch.save") from None
    found = named_tensors(held)
    if not found:
        kind = type(held).__name__
        raise ValueError(f"{path} holds {kind} without a state dict of named tensors")
    return found


def _is_script(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())
