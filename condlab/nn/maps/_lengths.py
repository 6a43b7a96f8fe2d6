"""Rows of given lengths: g v / ‖v‖ by torch's kernel, with derivatives of any order.

The derivative of torch 2.13's fused kernel takes the norms it has saved for constants
when it is differentiated again: of the second derivatives those in (v, v) and (g, v)
are wrong. The kernel's first derivative is right and is what training uses; where that
is to be differentiated, it is written out.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

from condlab.nn.maps.context import Context
from condlab.nn.maps.unit import Axes, unit_lines

KINDS = (torch.float32, torch.float64)


def rows_of_lengths(g: Tensor, v: Tensor, axes: Axes) -> Tensor:
    """Return g v / ‖v‖, the norm along the axes; a row of zeros has norm 1."""
    if not torch.compiler.is_compiling() and _fits_the_kernel(g, v, axes):
        return _Lengths.apply(g, v, axes)
    return g * unit_lines(v, axes)[0]


def _fits_the_kernel(g: Tensor, v: Tensor, axes: Axes) -> bool:
    """Tell whether it is eager, on a CPU, and of a layout that the kernel knows."""
    return (
        len(axes) == v.ndim - 1
        and (axes[0] == 1 or axes[-1] == v.ndim - 2)  # the kernel keeps an end
        and v.dtype in KINDS
        and g.dtype is v.dtype
        and v.is_cpu  # elsewhere looking at the norms is slow
        and v.is_contiguous()
        and g.is_contiguous()
        and v.numel() > 0
        and forward_ad._current_level < 0
        and not torch.jit.is_tracing()
        and not torch._C._are_functorch_transforms_active()
    )


def _safe(norms: Tensor, v: Tensor) -> bool:
    """Tell whether no norm is zero, and no square over- or underflowed."""
    low, high = torch.aminmax(norms)
    kind = torch.finfo(v.dtype)
    least = math.sqrt(v.numel() / norms.numel() * kind.tiny / kind.eps)
    return low.item() > least and high.item() < math.sqrt(kind.max)


class _Kept(Context, Protocol):
    axes: Axes
    kept: int
    safe: bool


class _Lengths(torch.autograd.Function):
    """The kernel, without torch.func's rules, whose transforms take the formula."""

    @staticmethod
    def forward(ctx: _Kept, g: Tensor, v: Tensor, axes: Axes) -> Tensor:
        ctx.axes, ctx.kept = axes, v.ndim - 1 if axes[0] == 0 else 0
        W, norms = torch._weight_norm_interface(v, g, ctx.kept)
        ctx.safe = _safe(norms, v)
        ctx.save_for_backward(g, v, norms)
        return W if ctx.safe else g * unit_lines(v, axes)[0]

    @staticmethod
    def backward(ctx: _Kept, G: Tensor) -> tuple[Tensor | None, ...]:
        g, v, norms = ctx.saved_tensors
        if ctx.safe and not torch.is_grad_enabled():
            kernel = torch.ops.aten._weight_norm_interface_backward
            grad_v, grad_g = kernel(G.contiguous(), v, g, norms, ctx.kept)
            return grad_g, grad_v, None
        V, d = unit_lines(v, ctx.axes)
        along = (V * G).sum(ctx.axes, keepdim=True)
        # Of a row of zeros V is zero, which leaves the derivative of the identity.
        return along, g / d * (G - V * along), None
