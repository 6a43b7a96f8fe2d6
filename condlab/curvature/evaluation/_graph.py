"""What an autograd graph holds on to, found by walking it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from torch import Tensor
from torch.autograd.graph import Node
from torch.utils._pytree import tree_leaves


def saved_bytes(result: object, own: set[int]) -> int:
    """Return the bytes of what the graph behind a result saved, without `own`.

    Hooks on saved tensors see more, such as what a function of one's own saves in
    attributes, but torch.func refuses to run under them.

    Examples
    --------
    >>> import torch
    >>> x = torch.ones(1000, requires_grad=True)
    >>> saved_bytes(x.exp().sum(), {x.untyped_storage().data_ptr()})
    4000
    """
    held: dict[int, int] = {}
    stack = [x.grad_fn for x in _tensors(result)]
    seen: set[Node] = set()
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        stack += [following for following, _ in node.next_functions]
        held |= dict(map(_place_and_bytes, _saved(node)))
    return sum(size for place, size in held.items() if place not in own)


def _place_and_bytes(x: Tensor) -> tuple[int, int]:
    try:
        return x.untyped_storage().data_ptr(), x.untyped_storage().nbytes()
    except RuntimeError:  # a tensor that torch.func wraps has no storage of its own
        return id(x), x.numel() * x.itemsize


def _tensors(result: object) -> Iterator[Tensor]:
    parts: object = result
    if is_dataclass(result):
        parts = [getattr(result, field.name) for field in fields(result)]
    yield from (x for x in tree_leaves(parts) if isinstance(x, Tensor))


def _saved(node: Node) -> Iterator[Tensor]:
    names = [n for n in dir(node) if n.startswith("_saved_") or n == "saved_tensors"]
    for name in names:
        value = getattr(node, name)
        yield from (x for x in tree_leaves(value) if isinstance(x, Tensor))
