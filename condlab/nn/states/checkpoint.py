"""Load a checkpoint, and say what to do where conditioned and plain weights meet."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import nn

STORED = re.compile(r"(^|\.)parametrizations\.(\w+)\.(\w+)(\.\w+)*$")
WRAPPERS = ("module.", "_orig_mod.")  # of DataParallel and of torch.compile
NAMED = 3  # names of tensors that a sentence bears


def load_checkpoint(module: nn.Module, state: Mapping[str, object]) -> nn.Module:
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
    ValueError: its weights are conditioned or otherwise parametrized
    (parametrizations.weight.original), and the module's are plain (weight); call
    condlab.nn.condition before loading as in training, or condlab.nn.fold before saving
    """
    own = module.state_dict()
    why = _misfit(list(own), list(state)) or _misshapen(own, state)
    if why:
        raise ValueError(why)
    module.load_state_dict(state)
    return module


def _misfit(own: list[str], given: list[str]) -> str:
    """Return why the names of a checkpoint do not fit, and what to do, or nothing."""
    missing = [name for name in own if name not in set(given)]
    unexpected = [name for name in given if name not in set(own)]
    if not (missing or unexpected):
        return ""
    for prefix in WRAPPERS:
        if {name.removeprefix(prefix) for name in given} == set(own):
            return (
                f"its names begin with {prefix!r}, those of a wrapped module; save the "
                "state dict of what is wrapped"
            )
    if {_plain(n) for n in own} == {_plain(n) for n in given}:
        return _cure(own, given)
    lacks = [("it lacks", missing), ("the module lacks", unexpected)]
    return "; ".join(f"{verb} {_some(names)}" for verb, names in lacks if names)


def _cure(own: list[str], given: list[str]) -> str:
    """Return what makes the weights of a checkpoint those of a module."""
    ours, theirs = (
        next((name for name in names if STORED.search(name)), "")
        for names in (own, given)
    )
    if theirs and ours:
        other = sorted(set(own) ^ set(given))
        return (
            "its weights are conditioned or parametrized in another way than the "
            f"module's, which differ in {_some(other)}; make the module as it was in "
            "training"
        )
    if theirs:
        return (
            f"its weights are conditioned or otherwise parametrized ({theirs}), and "
            f"the module's are plain ({_plain(theirs)}); call condlab.nn.condition "
            "before loading as in training, or condlab.nn.fold before saving"
        )
    return (
        f"its weights are plain ({_plain(ours)}), and the module's are conditioned or "
        f"otherwise parametrized ({ours}); load plain weights before "
        "condlab.nn.condition, or after condlab.nn.uncondition"
    )


def _misshapen(own: Mapping[str, object], given: Mapping[str, object]) -> str:
    for name, tensor in own.items():
        wanted, got = (tuple(getattr(t, "shape", ())) for t in (tensor, given[name]))
        if wanted != got:
            return f"{name} has shape {got} there, and {wanted} in the module"
    return ""


def _plain(name: str) -> str:
    """Return what a weight is called without parametrizations."""
    return STORED.sub(r"\1\2", name)


def _some(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:NAMED])
    more = len(names) - NAMED
    return f"{shown} and {more} more" if more > 0 else shown
