"""Load a checkpoint, and say what to do where conditioned and plain weights meet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import nn

STORED = re.compile(r"(^|\.)parametrizations\.(\w+)\.(original\d*)$")


def load_checkpoint(module: nn.Module, state: Mapping[str, Any]) -> nn.Module:
    """Load a state dict strictly; where it does not fit, say why in one sentence.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.
    state : mapping of str to Tensor
        A ``state_dict``, of a module that is conditioned as `module` is.

    Returns
    -------
    torch.nn.Module
        `module` itself.

    Raises
    ------
    ValueError
        If names or shapes differ; nothing has been loaded if names do.

    Examples
    --------
    >>> from condlab.nn import condition
    >>> saved = condition(nn.Linear(3, 2)).state_dict()
    >>> load_checkpoint(nn.Linear(3, 2), saved)
    Traceback (most recent call last):
    ValueError: the checkpoint holds conditioned weights
    (parametrizations.weight.original) and the module plain ones (weight): condition the
    module as the saved one was before loading, or save it after condlab.nn.fold
    """
    why = _misfit(module, state)
    if why:
        raise ValueError(why)
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"the checkpoint does not fit the module: {error}") from None
    return module


def _misfit(module: nn.Module, state: Mapping[str, Any]) -> str:
    """Return why the names do not fit, or nothing."""
    own = module.state_dict()
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    for name in unexpected:
        plain = _plain(name)
        if plain in missing:
            return (
                f"the checkpoint holds conditioned weights ({name}) and the module "
                f"plain ones ({plain}): condition the module as the saved one was "
                "before loading, or save it after condlab.nn.fold"
            )
    for name in missing:
        plain = _plain(name)
        if plain in unexpected:
            return (
                f"the checkpoint holds plain weights ({plain}) and the module "
                f"conditioned ones ({name}): load before conditioning, or give the "
                "module its plain weights back by condlab.nn.uncondition"
            )
    if any("parametrizations." in name for name in (*missing, *unexpected)):
        return (
            "the checkpoint's weights are conditioned in another way than the "
            f"module's: {_first('it lacks', missing)}{_first('it has', unexpected)}"
            "; condition the module as the saved one was"
        )
    return ""


def _plain(name: str) -> str:
    return STORED.sub(r"\1\2", name)


def _first(verb: str, names: list[str]) -> str:
    if not names:
        return ""
    return f"{verb} {names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}. "
