"""Effective weights that backward computes again, so that no step holds a copy of them.

While a layer runs, of the tensors that autograd saves those that hold its effective
weight, or are as large and on the way to it, are let go, and computed again from the
stored weight when backward asks for them: the same kernels on the same entries, so
the same bits, of which derivatives of any order are those of the graph as it was built.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch.autograd import forward_ad
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.utils import parametrize

ROWS = 1 << 10  # that a layer multiplies: a hundred times the work of its weight's map
WORK = 1 << 26  # products of entries: a hundred times the work of the calls here
USES = 4  # that backward may ask for; recurrent layers ask once a time step


class Map(Protocol):
    """What computes an effective weight."""

    def repeatable(self) -> bool:
        """Tell whether it is cheap to compute again, and the inputs are all it sees."""

    def effective(self, W: Tensor) -> Tensor:
        """Return the effective weight."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield what trains beside the stored weight."""

    def buffers(self) -> Iterator[Tensor]:
        """Yield what else enters."""


def recompute_in(layer: nn.Module) -> None:
    """Let calls of a parametrized layer save no effective weight for backward.

    The class is the layer's own, and goes with the last parametrization.
    """
    kind = type(layer)
    if "__call__" in vars(kind):
        return
    base = kind.__bases__[0]

    @functools.wraps(base.__call__)
    def call(self: nn.Module, *args: object, **kwargs: object) -> object:
        if not _hooks_fit():
            return base.__call__(self, *args, **kwargs)  # which tracers replace
        with _letting_go(args):
            return base.__call__(self, *args, **kwargs)

    kind.__call__ = call  # type: ignore[method-assign]


def value(made: Map, W: Tensor) -> Tensor:
    """Return the effective weight, to be let go where it is a layer's that runs."""
    call = None if torch.compiler.is_compiling() else _RUNNING.call
    if call is None or not (call.pays(W) and _fits(made, W)):
        return made.effective(W)
    return call.value(_Evaluation(made, W))


def _hooks_fit() -> bool:
    """Tell whether autograd saves tensors, eagerly, and nobody else looks at them."""
    return (
        not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and torch.is_grad_enabled()
        and forward_ad._current_level < 0
        and not torch._C._are_functorch_transforms_active()
        and not parametrize._cache_enabled
        and torch._C._autograd._saved_tensors_hooks_get_disabled_error_message() is None
        and torch._C._autograd._top_saved_tensors_default_hooks(True) is None
    )


def _fits(made: Map, W: Tensor) -> bool:
    """Tell whether W stays where it is, and is seen in the same precision again."""
    return (
        type(W) in (Tensor, nn.Parameter)
        and W.is_leaf
        and not (W.is_inference() or W.is_meta)
        and (W.dtype.itemsize >= 4 or not torch.is_autocast_enabled(W.device.type))
        and made.repeatable()
    )


class _Running(threading.local):
    call: _Call | None = None


_RUNNING = _Running()


@contextmanager
def _letting_go(inputs: tuple[object, ...]) -> Iterator[None]:
    call = _Call(inputs)
    _RUNNING.call = call
    try:
        with saved_tensors_hooks(call.pack, _unpack):
            yield
    finally:
        _RUNNING.call = None
        call.weights.clear()  # the hooks live as long as what they have saved


class _Saved(Protocol):
    def tensor(self) -> Tensor:
        """Return what was saved."""


def _unpack(saved: _Saved) -> Tensor:
    return saved.tensor()


class _Call:
    """One call of a layer: its weights, and what autograd saves meanwhile."""

    def __init__(self, inputs: tuple[object, ...]) -> None:
        first = inputs[0] if inputs else None
        self.entries = first.numel() if isinstance(first, Tensor) else 0
        self.weights: list[tuple[Tensor, int, _Evaluation]] = []
        self.evaluating: _Evaluation | None = None

    def pays(self, W: Tensor) -> bool:
        """Tell whether computing a weight again is little beside its layer's work."""
        rows = self.entries // max(1, *W.shape[:2])
        return rows >= ROWS and rows * W.numel() >= WORK

    def value(self, one: _Evaluation) -> Tensor:
        """Return the effective weight, and look out for it in what is saved."""
        self.evaluating = one
        try:
            V = one.made.effective(one.W)
        finally:
            self.evaluating = None
        if _memory(V) != _memory(one.W):
            self.weights.append((V, V._version, one))
        return V

    def pack(self, t: Tensor) -> _Saved:
        if self.evaluating is not None:
            return self.evaluating.saved(t)
        for V, version, one in self.weights:
            if _memory(t) == _memory(V) and _same_kind(t, V) and V._version == version:
                one.uses += 1
                if one.uses <= USES:
                    return _View(one, t.size(), t.stride(), t.storage_offset())
        return _Kept(t.detach(), t._version)


class _Evaluation:
    """One value of a map, whose tensors can be computed again."""

    def __init__(self, made: Map, W: Tensor) -> None:
        self.made, self.W, self.uses = made, W, 0
        # A parameter of the map may stop to need a gradient, and then less is saved.
        self.whole = next(made.parameters(), None) is None
        self.differentiated = W.requires_grad
        self.inputs = [_Kept(t, t._version) for t in self._inputs()]
        self.let_go = 0
        self.again: dict[int, Tensor] = {}

    def _inputs(self) -> Iterator[Tensor]:
        yield self.W
        yield from self.made.parameters()
        yield from self.made.buffers()

    def saved(self, t: Tensor) -> _Saved:
        """Return what stands for a tensor that the map saves for its derivative."""
        if not self._is_large(t):
            return _Kept(t.detach(), t._version)
        self.let_go += 1
        return _Part(self, self.let_go - 1)

    def _is_large(self, t: Tensor) -> bool:
        large = self.whole and t.numel() >= self.W.numel()
        return large and _memory(t) != _memory(self.W)

    def value(self) -> Tensor:
        """Compute the effective weight again, and the map's tensors, asked for next."""
        for one in self.inputs:
            one.tensor()
        W = self.W.detach().requires_grad_(self.whole and self.differentiated)
        saved: list[Tensor] = []

        def note(t: Tensor) -> None:
            if self._is_large(t):
                saved.append(t.detach())

        with (
            temporarily_clear_interpreter_stack(),  # of vmap over rows of a Jacobian
            torch.set_grad_enabled(self.whole),
            saved_tensors_hooks(note, _unpack),
        ):
            V = self.made.effective(W).detach()
        self.again = dict(enumerate(saved))
        return V

    def part(self, index: int) -> Tensor:
        """Return a tensor that the map saved."""
        for one in self.inputs:
            one.tensor()
        found = self.again.pop(index, None)
        while found is None:
            self.value()
            found = self.again.pop(index, None)
        return found


@dataclass(frozen=True, slots=True)
class _Kept:
    """A tensor that must not have been written to, as autograd has it without hooks."""

    kept: Tensor
    version: int

    def tensor(self) -> Tensor:
        if self.kept._version != self.version:
            kind, shape = self.kept.type(), list(self.kept.shape)
            raise RuntimeError(
                "one of the variables needed for gradient computation has been "
                f"modified by an inplace operation: [{kind} {shape}] is at version "
                f"{self.kept._version}; expected version {self.version} instead. Call "
                "backward before the step of an optimiser, or compute the loss anew"
            )
        return self.kept


@dataclass(frozen=True, slots=True)
class _View:
    """An effective weight, or a view of it."""

    of: _Evaluation
    size: torch.Size
    stride: tuple[int, ...]
    offset: int | torch.SymInt

    def tensor(self) -> Tensor:
        return self.of.value().as_strided(self.size, self.stride, self.offset)


@dataclass(frozen=True, slots=True)
class _Part:
    """A tensor that a map saved for its derivative."""

    of: _Evaluation
    index: int

    def tensor(self) -> Tensor:
        return self.of.part(self.index)


def _memory(t: Tensor) -> int:
    return t.untyped_storage().data_ptr()


def _same_kind(t: Tensor, V: Tensor) -> bool:
    return t.dtype is V.dtype and not (t.is_conj() or t.is_neg())
