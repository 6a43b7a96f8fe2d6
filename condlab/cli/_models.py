"""Where a network comes from: a factory, or a built-in example; and its weights."""

from __future__ import annotations

import contextlib
import importlib
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

HELP = "module:factory, which returns (module, criterion, batches), or example:NAME"
_NESTED = ("state_dict", "model")  # where training scripts keep the weights


@dataclass(frozen=True, slots=True)
class Problem:
    """A network, what its outputs cost, and the data."""

    module: nn.Module
    criterion: Callable[[Tensor, Tensor], Tensor]
    batches: Iterable[object]


def load(source: str, device: str | None) -> Problem:
    """Return what a factory makes, on a device, or raise ValueError in one sentence."""
    where, colon, name = source.partition(":")
    if not (where and colon and name):
        raise ValueError(f"a model is {HELP}; got {source!r}")
    if device is not None:
        _require_device(device)
    if where == "example":
        from condlab.curvature.examples import example

        problem = Problem(*example(name))
    else:
        problem = _problem(source, made(source, where, name))
    return problem if device is None else _on(device, problem)


def made(source: str, where: str, name: str) -> object:
    """Return what a factory makes, or raise ValueError in one sentence."""
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
    why = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {why}" if why else type(error).__name__


def _problem(source: str, given: object) -> Problem:
    from torch import nn

    if isinstance(given, tuple) and len(given) == 3:
        module, criterion, batches = given
        fine = isinstance(module, nn.Module) and callable(criterion)
        if fine and isinstance(batches, Iterable):
            return Problem(module, criterion, batches)
    raise ValueError(
        f"{source} must return (module, criterion, batches), a torch module, a "
        "function of outputs and targets, and a list of pairs (inputs, targets); "
        f"got {_kind(given)}"
    )


def _kind(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(type(part).__name__ for part in value)})"
    return type(value).__name__


def _require_device(name: str) -> None:
    import torch

    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        why = str(error).strip().split("\n")[0]
        raise ValueError(
            f"--device must name a device that torch can use here, as cpu, got "
            f"{name!r}: {why}"
        ) from None


def _on(device: str, problem: Problem) -> Problem:
    from torch import nn

    criterion = problem.criterion
    if isinstance(criterion, nn.Module):
        criterion = criterion.to(device)
    held = [moved(batch, device) for batch in problem.batches]
    try:
        return Problem(problem.module.to(device), criterion, held)
    except (RuntimeError, TypeError) as error:  # as float64 on mps
        why = str(error).strip().split("\n")[0]
        raise ValueError(f"the model cannot be moved to {device}: {why}") from None


def moved(value: object, device: str) -> object:
    """Return a batch with its tensors on a device."""
    if hasattr(value, "to"):  # a tensor, or a container that knows how
        return value.to(device)
    if isinstance(value, Mapping):
        return {name: moved(part, device) for name, part in value.items()}
    if isinstance(value, tuple | list):
        make: Callable[..., object] = type(value)
        parts = [moved(part, device) for part in value]
        return make(*parts) if hasattr(value, "_fields") else make(parts)
    return value


def require_loss(
    source: str,
    loss: Callable[[dict[str, Tensor], object], object],
    params: dict[str, Tensor],
    batches: Iterable[object],
) -> None:
    """Raise ValueError, and say why, unless the loss of the first batch comes out."""
    first = next(iter(batches), None)
    if first is None:
        raise ValueError(f"{source} must give at least one batch, got none")
    try:
        loss(params, first)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(
            f"the loss of {source} on its first batch fails: {_brief(error)}"
        ) from error


@contextlib.contextmanager
def telling(source: str) -> Iterator[None]:
    """Say in one sentence what of a model fails while it is differentiated."""
    try:
        yield
    except (ValueError, OSError, ImportError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(
            f"differentiating the loss of {source} fails: {_brief(error)}"
        ) from error


def _require_plain(state: Mapping[object, object]) -> None:
    """Raise ValueError where names are none, or tensors hold no plain numbers."""
    import torch

    for name, value in state.items():
        if not isinstance(name, str):
            raise ValueError(f"its names must be strings, got {name!r}")  # noqa: TRY004
        if isinstance(value, torch.Tensor) and (
            value.is_meta or value.layout != torch.strided
        ):
            raise ValueError(
                f"{name} must be a dense tensor with values, got one that is "
                f"{'on the meta device' if value.is_meta else 'sparse'}"
            )


def restore(problem: Problem, path: Path) -> None:
    """Give the module the weights of a file, or raise ValueError in one sentence."""
    from condlab.nn import load_checkpoint

    try:
        load_checkpoint(problem.module, _state(path))
    except ValueError as error:
        raise ValueError(f"{path} does not fit the model: {error}") from None


def _state(path: Path) -> Mapping[str, object]:
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError):
        raise ValueError(
            f"{path} is no checkpoint of tensors alone; save module.state_dict()"
        ) from None
    for name in _NESTED:
        if isinstance(state, Mapping) and isinstance(state.get(name), Mapping):
            state = state[name]
    if isinstance(state, Mapping):
        _require_plain(state)
    else:
        kind = type(state).__name__
        raise ValueError(f"{path} holds {kind}, and no state dict")  # noqa: TRY004
    return state
