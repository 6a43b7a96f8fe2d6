"""Lines of unit 2-norm, with a closed-form derivative of any order.

A line is what is left of a tensor when all axes but the reduced ones are fixed: a row
of a matrix, a filter of a convolution. With V = W / d and d = ‖W‖ along the axes,

    grad_W = (grad_V - V <V, grad_V>) / d + V grad_d,

so the derivative needs no tensor that the layer does not keep anyway. Both V and d are
outputs, which makes the formula differentiable again. Of a stored weight W itself is
kept, and no V: the kernel has a factor W / d for it.
"""

from __future__ import annotations

import inspect
import math
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

from condlab.nn.maps.context import Context

Axes = tuple[int, ...]

ORDINARY = (
    2.0**16
)  # of divisors to here, and their inverses, cubes are far from the range
RUN = 256  # float32 squares added before float64 takes over: keeps norms to one ulp


def unit_lines(W: Tensor, axes: Axes) -> tuple[Tensor, Tensor]:
    """Return W with unit lines along the axes, and the divisors with axes kept.

    A line of zeros has divisor 1 and the derivative of the identity.
    """
    # A compiler fuses the plain formula, derivative included; a tracer keeps what it
    # sees of the values, and cannot save a custom function. In forward mode torch
    # silently loses the second derivative of a custom function's jvp.
    traced = torch.compiler.is_compiling() or torch.jit.is_tracing()
    if traced or forward_ad._current_level >= 0:
        return _plain(W, axes)
    return _UnitLines.apply(W, frozenset(axes))  # torch would take a tuple apart


class _Kept(Context, Protocol):
    axes: Axes
    stored: bool


class _UnitLines(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(W: Tensor, reduced: frozenset[int]) -> tuple[Tensor, Tensor]:
        axes = tuple(sorted(reduced))
        norms = _norms_by_runs(W, axes)
        return _plain(W, axes) if norms is None else (W / norms, norms)

    @staticmethod
    def setup_context(
        ctx: _Kept, inputs: tuple[Tensor, frozenset[int]], output: tuple[Tensor, Tensor]
    ) -> None:
        ctx.axes = tuple(sorted(inputs[1]))
        ctx.set_materialize_grads(False)
        ctx.stored = _is_stored(inputs[0], output[1], ctx.axes)
        ctx.save_for_backward(inputs[0] if ctx.stored else output[0], output[1])

    @staticmethod
    def backward(
        ctx: _Kept, grad_V: Tensor | None, grad_d: Tensor | None
    ) -> tuple[Tensor | None, None]:
        V, d = ctx.saved_tensors
        if ctx.stored:
            if (
                grad_d is None
                and grad_V is not None
                and _has_kernel(grad_V, V, d, ctx.axes)
            ):
                return _by_kernel(grad_V, V, torch.ones_like(d), d, ctx.axes), None
            V, d = unit_lines(V, ctx.axes)
        grad = None
        if grad_V is not None:
            grad = _tangent(grad_V, V, d, ctx.axes)
        if grad_d is not None:
            along = (V * grad_d).to(V.dtype)
            grad = along if grad is None else grad + along
        return grad, None


# Torch asks for the signature at every call, and finding it out takes half the time.
_UnitLines.forward.__signature__ = inspect.signature(_UnitLines.forward)  # type: ignore[attr-defined]


def _is_stored(W: Tensor, d: Tensor, axes: Axes) -> bool:
    """Tell whether W is a weight that lives on, with divisors of ordinary size."""
    kept = W.is_leaf and W.is_cpu and not torch._C._are_functorch_transforms_active()
    if not (kept and W.numel() and W.dtype == d.dtype and _end(W, axes) is not None):
        return False
    low, high = torch.aminmax(d)
    return low.item() > 1 / ORDINARY and high.item() < ORDINARY


def _end(W: Tensor, axes: Axes) -> int | None:
    """Return the axis that is not reduced, if it is the first or the last alone."""
    kept = set(range(W.ndim)).difference(axes)
    return kept.pop() if kept in ({0}, {W.ndim - 1}) else None


def _has_kernel(G: Tensor, V: Tensor, d: Tensor, axes: Axes) -> bool:
    return (
        not torch.is_grad_enabled()  # otherwise this is to be differentiated again
        and _end(V, axes) is not None
        and V.dtype == d.dtype == G.dtype
        and V.is_contiguous()
        and G.is_contiguous()
    )


def _by_kernel(G: Tensor, V: Tensor, g: Tensor, norms: Tensor, axes: Axes) -> Tensor:
    """Return the derivative of g V / norms, the norms of V, by torch's one pass."""
    kernel = torch.ops.aten._weight_norm_interface_backward
    return kernel(G, V, g, norms, _end(V, axes))[0]


def _tangent(G: Tensor, V: Tensor, d: Tensor, axes: Axes) -> Tensor:
    if _has_kernel(G, V, d, axes):  # of unit norms and gains 1 / d
        return _by_kernel(G, V, d.reciprocal(), torch.ones_like(d), axes)
    dot = (V * G).sum(axes, keepdim=True, dtype=d.dtype)
    return ((G - V * dot) / d).to(V.dtype)


def _plain(W: Tensor, axes: Axes) -> tuple[Tensor, Tensor]:
    """Divide by the peak first: no square over- or underflows."""
    if not torch.jit.is_tracing() and W.numel() == 0:  # traced sizes are tensors
        return W * 1, _kept(W, axes)
    wide = W if W.dtype.itemsize >= 4 else W.float()
    peak = wide.detach().abs().amax(axes, keepdim=True)
    zero = peak == 0
    peak = torch.where(zero, 1, peak)
    unit = wide / peak
    squares = (unit * unit).sum(axes, keepdim=True)
    norms = torch.sqrt(torch.where(zero, 1, squares))
    return (unit / norms).to(W.dtype), peak * norms


def _kept(W: Tensor, axes: Axes) -> Tensor:
    return W.new_ones([1 if axis in axes else n for axis, n in enumerate(W.shape)])


def _norms_by_runs(W: Tensor, axes: Axes) -> Tensor | None:
    """Return the divisors of contiguous float32 lines from one fast read, on a CPU.

    None where the lines are others, or one has a norm that needs more care.
    """
    rows = axes == tuple(range(1, W.ndim)) and W.is_contiguous() and W.numel()
    if not rows or W.dtype != torch.float32 or W.device.type != "cpu":
        return None
    lines = W.flatten(1)
    n = lines.shape[1]
    whole = n - n % RUN
    norms = torch.linalg.vector_norm(lines[:, whole:] if whole else lines, dim=1)
    if whole:
        runs = lines[:, :whole].unflatten(1, (-1, RUN))
        runs = torch.linalg.vector_norm(runs, dim=2)
        most = torch.linalg.vector_norm(runs, dim=1, dtype=torch.float64)
        norms = torch.hypot(norms, most) if whole < n else most
    try:
        norms = _checked(norms, lines)
    except RuntimeError:  # under torch.vmap values cannot be looked at
        return None
    return None if norms is None else norms.float().reshape(-1, *(1 for _ in axes))


def _checked(norms: Tensor, lines: Tensor) -> Tensor | None:
    """Return the norms, those again that need float64, or None if that is too little.

    Zeros become ones. Squares below a smallest normal number lose to underflow.
    """
    kind = torch.finfo(torch.float32)
    least, most = math.sqrt(lines.shape[1] * kind.tiny / kind.eps), math.sqrt(kind.max)
    low, high = torch.aminmax(norms)
    if low > least and high < most:
        return norms
    again = ~((norms > least) & (norms < most))
    norms = norms.double()
    norms[again] = lines[again].double().norm(dim=1)
    norms[norms == 0] = 1
    return norms if ((norms > kind.tiny) & (norms < kind.max)).all() else None
