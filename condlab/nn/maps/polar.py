"""The orthogonal polar factor, differentiable in reverse mode to any order.

Automatic differentiation through an eigendecomposition divides by differences of
eigenvalues, which are all zero where the weight is orthogonal already. The square root
itself has a harmless derivative: H dH + dH H = dS. Reverse mode only: torch loses
second derivatives of custom functions in forward mode.
"""

from __future__ import annotations

import torch
from torch import Tensor

from condlab.machine.precision import wide
from condlab.nn.maps.context import Context


def polar_factor(M: Tensor) -> Tensor:
    """Return the nearest matrix with orthonormal rows.

    Parameters
    ----------
    M : Tensor, shape (..., m, n), m <= n
        Of full rank but for lines of zeros, which stay as they are; worked on in
        float64, since M M' squares the condition number.
    """
    W = wide(M)
    peak = W.detach().abs().amax((-2, -1), keepdim=True)
    W = W / torch.where(peak == 0, 1, peak)  # the factor does not depend on it
    zero = (W.detach() == 0).all(-1).to(W.dtype)
    S = W @ W.mT + zero.diag_embed()
    # A tracer cannot save a custom function.
    H = _SquareRoot.forward(S) if torch.jit.is_tracing() else _SquareRoot.apply(S)
    return torch.linalg.solve(H, W).to(M.dtype).to(M.device)


class _SquareRoot(torch.autograd.Function):
    """H with H H = S, of a symmetric positive definite S."""

    generate_vmap_rule = True

    @staticmethod
    def forward(S: Tensor) -> Tensor:
        values, U = _eigh(S)
        return (U * values.sqrt().unsqueeze(-2)) @ U.mT

    @staticmethod
    def setup_context(ctx: Context, _: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Context, G: Tensor) -> Tensor:
        return _Lyapunov.apply(ctx.saved_tensors[0], G)


class _Lyapunov(torch.autograd.Function):
    """K with H K + K H = C, of a symmetric positive definite H."""

    generate_vmap_rule = True

    @staticmethod
    def forward(H: Tensor, C: Tensor) -> Tensor:
        values, U = _eigh(H)
        sums = values.unsqueeze(-1) + values.unsqueeze(-2)
        return U @ ((U.mT @ C @ U) / sums) @ U.mT

    @staticmethod
    def setup_context(
        ctx: Context, inputs: tuple[Tensor, Tensor], output: Tensor
    ) -> None:
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def backward(ctx: Context, G: Tensor) -> tuple[Tensor, Tensor]:
        H, K = ctx.saved_tensors
        grad_C = _Lyapunov.apply(H, G)
        return -(grad_C @ K.mT + K.mT @ grad_C), grad_C


def _eigh(S: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues, lifted above rounding so that a singular S gives no nan."""
    values, U = torch.linalg.eigh(S)
    least = S.shape[-1] * torch.finfo(S.dtype).eps * values[..., -1:]
    tiny = torch.finfo(S.dtype).tiny
    return values.maximum(least).clamp_min(tiny), U
