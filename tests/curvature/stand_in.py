"""A stand-in for a device that is not the CPU and has no float64, such as Apple's.

Its tensors hold others on the CPU, and claim to be elsewhere. What such a device
refuses is refused: float64, a tensor of the CPU beside one of its own, and a cast to
float64 on the way to the CPU, which is made before the copy.
"""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

ELSEWHERE = torch.device("lazy")  # a kind that autograd runs here, on every machine
COPIES = ("aten::_to_copy", "aten::copy_")
BY_INDEX = (
    "aten::index.",
    "aten::index_put",
    "aten::_index_put",
    "aten::_unsafe_index",
)


class Elsewhere(torch.Tensor):
    """A tensor of the device."""

    @staticmethod
    def __new__(cls, held):
        """Return a tensor that claims to be elsewhere."""
        return torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=ELSEWHERE,
        )

    def __init__(self, held):
        if held.dtype == torch.float64:
            raise TypeError("the device has no float64")
        self.held = held

    def __repr__(self):
        """Return what is held."""
        return f"Elsewhere({self.held})"

    def tolist(self):
        """Return the numbers."""
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        """Run an operation on what is held."""
        return run(func, args, kwargs or {})


class Device(TorchDispatchMode):
    """While this is entered, what is made on the device is made of such tensors."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run an operation on what is held."""
        return run(func, args, kwargs or {})


def run(func, args, kwargs):
    """Run an operation as the device would, or refuse it."""
    name = func._schema.name + "."
    leaves = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
    there = [isinstance(x, Elsewhere) for x in leaves]
    asked = kwargs.get("device")
    if name.startswith(COPIES[0]):
        source = isinstance(args[0], Elsewhere)
        target = source if asked is None else torch.device(asked) == ELSEWHERE
        _require_cast(source, target, args[0].dtype, kwargs.get("dtype"))
    elif name.startswith(COPIES[1]):
        source, target = (isinstance(x, Elsewhere) for x in (args[1], args[0]))
        _require_cast(source, target, args[1].dtype, args[0].dtype)
    else:
        beside = leaves[:1] if name.startswith(BY_INDEX) and there[0] else leaves
        if any(there) and any(
            x.ndim > 0 and not isinstance(x, Elsewhere) for x in beside
        ):
            raise RuntimeError(f"{name}: tensors are on the CPU and elsewhere")
        target = any(there) or (asked is not None and torch.device(asked) == ELSEWHERE)
    if asked is not None and torch.device(asked) == ELSEWHERE:
        kwargs = kwargs | {"device": torch.device("cpu")}
    plain_args, plain_kwargs = tree_map(_held, (args, kwargs))
    found = func(*plain_args, **plain_kwargs)
    if name.split(".")[0].endswith("_") and not name.startswith("aten::_to"):
        return args[0]
    if not target:
        return found
    return tree_map(lambda x: Elsewhere(x) if type(x) is torch.Tensor else x, found)


def _held(x):
    return x.held if isinstance(x, Elsewhere) else x


def _require_cast(source, target, before, after):
    after = before if after is None else after
    if torch.float64 in (after,) and (source or target):
        if source and not target and before == torch.float64:
            return
        raise TypeError("the device cannot cast to float64: copy to the CPU first")
