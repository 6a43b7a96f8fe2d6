"""Where a network comes from: a factory, or a built-in example; and its weights."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HELP = "module:factory, which returns (module, criterion, batches), or example:NAME"
_NESTED = ("state_dict", "model")  # where training scripts keep the weights


def load(source: str, checkpoint: Path | None) -> tuple[Any, Any, Any]:
    """Return module, criterion and batches, or raise ValueError in one sentence."""
    where, colon, name = source.partition(":")
    if not (where and colon and name):
        raise ValueError(f"a model is {HELP}; got {source!r}")
    if where == "example":
        from condlab.curvature.examples import example

        problem: Any = example(name)
    else:
        problem = _made(source, where, name)
    _require_problem(source, problem)
    if checkpoint is not None:
        _restore(problem[0], checkpoint)
    return tuple(problem)


def _made(source: str, where: str, name: str) -> Any:
    if "" not in sys.path:
        sys.path.insert(0, "")  # as `python -m` does
    try:
        factory = getattr(importlib.import_module(where), name, None)
    except ModuleNotFoundError as error:
        raise ValueError(f"there is no module {error.name!r}, for {source}") from None
    except Exception as error:
        raise ValueError(f"importing {where} fails: {_brief(error)}") from error
    if not callable(factory):
        raise ValueError(f"{where} has no function {name!r}")  # noqa: TRY004
    try:
        return factory()
    except Exception as error:
        raise ValueError(f"{source}() fails: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _require_problem(source: str, problem: Any) -> None:
    from torch import nn

    fine = (
        isinstance(problem, tuple)
        and len(problem) == 3
        and isinstance(problem[0], nn.Module)
        and callable(problem[1])
        and isinstance(problem[2], Iterable)
    )
    if not fine:
        raise ValueError(
            f"{source} must return (module, criterion, batches), a torch module, a "
            "function of outputs and targets, and a list of pairs (inputs, targets); "
            f"got {_kind(problem)}"
        )


def _kind(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(type(part).__name__ for part in value)})"
    return type(value).__name__


def _restore(module: Any, path: Path) -> None:
    import torch

    if not path.is_file():
        raise ValueError(f"there is no checkpoint {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError):
        raise ValueError(
            f"{path} is no checkpoint of tensors alone; save module.state_dict()"
        ) from None
    for name in _NESTED:
        if isinstance(state, Mapping) and isinstance(state.get(name), Mapping):
            state = state[name]
    if not isinstance(state, Mapping):
        kind = type(state).__name__
        raise ValueError(f"{path} holds {kind}, and no state dict")  # noqa: TRY004
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit the model: {error}") from None
