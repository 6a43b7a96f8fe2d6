"""Tensors within structures: what models take and give, taken apart and put together.

A structure is made of lists, tuples, mappings, dataclasses, objects with attributes and
whatever else is a node to torch's pytrees. Mappings count whatever their class:
tokenizers return a UserDict, which torch takes for a leaf.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_is_leaf, tree_unflatten

Structure = Any  # only its tensors are known of
Rebuild = Callable[[list[object]], Structure]


def take_apart(
    tree: Structure, _within: tuple[int, ...] = ()
) -> tuple[list[object], Rebuild]:
    """Return the leaves of a structure, and a way from others to one like it."""
    node = None if id(tree) in _within else _node(tree)
    if node is None:
        return [tree], lambda leaves: leaves[0]
    children, rebuild = node
    parts = [take_apart(child, (*_within, id(tree))) for child in children]
    sizes = [len(leaves) for leaves, _ in parts]

    def put_together(leaves: list[object]) -> Structure:
        found, start = [], 0
        for size, (_, inner) in zip(sizes, parts, strict=True):
            found.append(inner(leaves[start : start + size]))
            start += size
        return rebuild(found)

    return [leaf for leaves, _ in parts for leaf in leaves], put_together


def map_tensors(change: Callable[[Tensor], Tensor], tree: Structure) -> Structure:
    """Return a structure with each of its tensors changed."""
    leaves, rebuild = take_apart(tree)
    return rebuild([change(x) if isinstance(x, Tensor) else x for x in leaves])


def tensors(tree: Structure) -> list[Tensor]:
    """Return a structure's tensors, and its arrays and numbers as tensors.

    They are for looking, not for changing.
    """
    found = []
    for leaf in take_apart(tree)[0]:
        if isinstance(leaf, Tensor):
            found.append(leaf)
        elif isinstance(leaf, (np.ndarray, np.number)) and leaf.dtype.kind in "biufc":
            found.append(torch.as_tensor(np.array(leaf)))
        elif isinstance(leaf, (bool, int, float)):
            found.append(torch.tensor(leaf, dtype=torch.float64))
    return found


def _node(tree: Structure) -> tuple[list[object], Rebuild] | None:
    """Return the children of a structure, and a way back; None for a leaf."""
    if not tree_is_leaf(tree):
        children, spec = tree_flatten(tree, is_leaf=lambda x: x is not tree)
        return children, lambda found: tree_unflatten(found, spec)
    if isinstance(tree, Mapping):
        keys = list(tree)
        return [tree[key] for key in keys], lambda found: _mapping(tree, keys, found)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = [field.name for field in dataclasses.fields(tree)]
        return [getattr(tree, n) for n in names], lambda f: _record(tree, names, f)
    if _holds(tree):
        names = list(vars(tree))
        return list(vars(tree).values()), lambda f: _record(tree, names, f)
    return None


def _holds(tree: object) -> bool:
    """Return whether something is a plain object: one that is made of attributes."""
    made = type(tree).__module__.split(".")[0] not in ("builtins", "torch", "numpy")
    distribution = isinstance(tree, torch.distributions.Distribution)
    return (made or distribution) and (
        hasattr(tree, "__dict__")
        and not isinstance(tree, (type, nn.Module, Tensor))
        and not callable(tree)
    )


def _mapping(like: Mapping, keys: list[object], values: list[object]) -> Structure:
    made: Structure = copy.copy(like)
    if not hasattr(made, "__setitem__"):
        return dict(zip(keys, values, strict=True))
    for key, value in zip(keys, values, strict=True):
        made[key] = value
    return made


def _record(like: Structure, names: list[str], values: list[object]) -> Structure:
    made = copy.copy(like)
    for name, value in zip(names, values, strict=True):
        if getattr(made, name) is not value:
            object.__setattr__(made, name, value)  # frozen ones too
    return made
