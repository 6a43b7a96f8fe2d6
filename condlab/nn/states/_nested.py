"""State dicts inside dicts and lists, as checkpoints hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

DEEPEST = 4  # levels of dicts and lists in which a state dict is looked for


def named_tensors(held: object) -> dict[str, Tensor]:
    """Return the named tensors inside dicts and lists, those of optimisers left out.

    Where there are several state dicts, names begin with where they are; what there is
    only one of has the names that it has there.

    Examples
    --------
    >>> import torch
    >>> W = torch.eye(2)
    >>> list(named_tensors({"step": 3, "model": {"0.weight": W}}))
    ['0.weight']
    >>> list(named_tensors([{"w": W}, {"w": W}]))
    ['0.w', '1.w']
    """
    dicts = list(_state_dicts(held, "", DEEPEST))
    if len(dicts) == 1:
        return dicts[0][1]
    return {f"{where}{name}": t for where, d in dicts for name, t in d.items()}


def _state_dicts(
    held: object, where: str, deepest: int
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    if isinstance(held, (list, tuple)):  # of dicts: their tensors have no names
        held = {i: part for i, part in enumerate(held) if isinstance(part, Mapping)}
    if not isinstance(held, Mapping) or deepest == 0:
        return
    if {"state", "param_groups"} <= set(held):
        return  # of an optimiser: moments are no weights
    tensors = {n: v for n, v in held.items() if _is_weight(n, v)}
    if tensors:
        yield where, tensors
    for name, part in held.items():
        yield from _state_dicts(part, f"{where}{name}.", deepest - 1)


def _is_weight(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, Tensor)
