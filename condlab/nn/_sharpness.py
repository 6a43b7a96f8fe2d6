"""Largest eigenvalues and singular values, found again from where they were last."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

FRESH = 0.1  # share of a new direction in a start, lest another eigenvalue overtakes
DEPENDENT = 16  # times eps: rounding, no direction

Loss = Callable[[nn.Module], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Sharpness:
    """A Ritz value, the length of its residual, its vector and what it took.

    Some eigenvalue is within `residual` of `value`, up to the noise of the products;
    both are nan where a product is not finite.
    """

    value: float
    residual: float
    vector: Tensor
    products: int


def sharpness(
    module: nn.Module,
    loss: Loss,
    *,
    start: Tensor | None,
    num_matvecs: int,
    rtol: float,
    generator: torch.Generator,
) -> Sharpness:
    """Return the largest eigenvalue of the Hessian of a loss, by Lanczos's method.

    The module is left as it was: buffers, gradients and the random state too.
    """
    params = [p for p in module.parameters() if p.requires_grad]
    if not params:
        raise ValueError("lambda_max needs parameters that train, and there are none")
    # A fused kernel of attention has no second derivative.
    with undisturbed(module), sdpa_kernel(SDPBackend.MATH), torch.enable_grad():
        value = loss(module)
        grads = torch.autograd.grad(
            value, params, create_graph=True, materialize_grads=True
        )
        live = [(g, i) for i, g in enumerate(grads) if g.requires_grad]

        def product(v: Tensor) -> Tensor:
            if not live:  # a loss without curvature
                return torch.zeros_like(v)
            parts = torch.split(v, [p.numel() for p in params])
            images = torch.autograd.grad(
                [g for g, _ in live],
                params,
                [parts[i].view_as(params[i]).to(params[i]) for _, i in live],
                retain_graph=True,
                materialize_grads=True,
            )
            return torch.cat([image.detach().flatten() for image in images]).to(v)

        n = sum(p.numel() for p in params)
        first = _start(n, params[0], start, generator)
        return _lanczos(product, first, num_matvecs, rtol)


def largest_singular_value(
    A: Tensor,
    *,
    start: Tensor | None,
    num_matvecs: int,
    rtol: float,
    generator: torch.Generator,
) -> Sharpness:
    """Return σ_1 of a matrix from below, by Lanczos's method with A'A.

    The residual is of σ_1², and so is `rtol`.
    """
    A = A.float() if A.dtype.itemsize < 4 else A
    first = _start(A.shape[1], A, start, generator)
    found = _lanczos(lambda v: A.T @ (A @ v), first, num_matvecs, rtol)
    value = max(found.value, 0.0) ** 0.5
    return Sharpness(value, found.residual, found.vector, found.products)


@contextlib.contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Put buffers and the random state back, as dropout and batch norm change them."""
    kept = [(b, b.detach().clone()) for b in module.buffers()]
    devices = sorted({p.device.index for p in module.parameters() if p.is_cuda})
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, before in kept:
                    buffer.copy_(before)


def _start(
    n: int, like: Tensor, start: Tensor | None, generator: torch.Generator
) -> Tensor:
    fresh = torch.randn(n, generator=generator).to(like)
    fresh = fresh / fresh.norm()
    if start is None or start.shape != fresh.shape:
        return fresh
    v = start.to(fresh) + FRESH * fresh
    return v / v.norm()


def _lanczos(
    product: Callable[[Tensor], Tensor], v: Tensor, num_matvecs: int, rtol: float
) -> Sharpness:
    """Grow a basis, reorthogonalised in full, until the largest Ritz value is good."""
    most = min(num_matvecs, len(v))
    V, W = v.new_zeros(most, len(v)), v.new_zeros(most, len(v))
    eps = torch.finfo(v.dtype).eps
    for k in range(1, most + 1):
        V[k - 1] = v
        W[k - 1] = product(v)
        if not bool(torch.isfinite(W[k - 1]).all()):
            return Sharpness(math.nan, math.nan, v, k)
        T = (V[:k] @ W[:k].T).cpu().double()
        values, S = torch.linalg.eigh((T + T.T) / 2)
        c = S[:, -1].to(V)
        y, image = c @ V[:k], c @ W[:k]
        residual = float((image - float(values[-1]) * y).norm() / y.norm())
        scale = float(values.abs().max())
        v = W[k - 1].clone()
        size = float(v.norm())
        for _ in range(2):
            v -= (V[:k] @ v) @ V[:k]
        rest = float(v.norm())
        if residual <= rtol * scale or rest <= DEPENDENT * eps * size:
            break
        v /= rest
    return Sharpness(float(values[-1]), residual, y / y.norm(), k)
