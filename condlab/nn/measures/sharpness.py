"""Largest eigenvalues and singular values, found again from where they were last."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

FRESH = 0.02  # share of a new direction in a start, lest another eigenvalue overtakes
DEPENDENT = 16  # times eps: rounding, no direction

Loss = Callable[[nn.Module], Tensor]
Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Sharpness:
    """A Ritz value, the length of its residual, its vector and what it took.

    Some eigenvalue is within `residual` of `value`, up to the noise of the products;
    both are nan where a product is not finite. `onward` is where to start from next:
    the vector multiplied once more, which costs nothing.
    """

    value: float
    residual: float
    vector: Tensor
    products: int
    onward: Tensor


def sharpness(
    module: nn.Module,
    loss: Loss,
    *,
    start: Tensor | None,
    num_matvecs: int,
    rtol: float,
    generator: torch.Generator,
    differences: bool = False,
) -> Sharpness:
    """Return the largest eigenvalue of the Hessian of a loss, by Lanczos's method.

    The module is left as it was: buffers, gradients and the random state too.
    """
    params = [p for p in module.parameters() if p.requires_grad]
    if not params:
        raise ValueError("lambda_max needs parameters that train, and there are none")
    # A fused kernel of attention has no second derivative.
    kernel = contextlib.nullcontext() if differences else sdpa_kernel(SDPBackend.MATH)
    with undisturbed(module), kernel, torch.enable_grad():
        grads = torch.autograd.grad(
            loss(module), params, create_graph=not differences, materialize_grads=True
        )
        g = _flat(grads).to(params[0])
        if differences:
            product = _by_differences(module, loss, params, g)
        else:
            product = _by_graph(grads, params)
        # The gradient lies mostly along the directions of large curvature. To draw as
        # many numbers takes as long as to compute it, so that is done once.
        known = start is not None and start.shape == g.shape and bool(g.any())
        fresh = g if known else torch.randn(len(g), generator=generator).to(g)
        first = _start(fresh / fresh.norm(), g, start)
        return _lanczos(product, first, num_matvecs, rtol)


def _by_graph(grads: Sequence[Tensor], params: list[nn.Parameter]) -> Product:
    """Return exact products, by differentiating the gradient's graph."""
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
        return _flat(images).to(v)

    return product


def _by_differences(
    module: nn.Module, loss: Loss, params: list[nn.Parameter], g: Tensor
) -> Product:
    """Return products by one more gradient each, at a short way along the vector.

    The way balances the error of the difference, which grows with it, and rounding.
    """
    here = [p.data for p in params]
    size = 1 + math.sqrt(sum(float(p.norm()) ** 2 for p in here))
    h = math.sqrt(torch.finfo(g.dtype).eps) * size

    def product(v: Tensor) -> Tensor:
        parts = torch.split(v, [p.numel() for p in params])
        # Another tensor in their place, and theirs again: not a bit of them changes.
        try:
            for p, old, part in zip(params, here, parts, strict=True):
                p.data = old.add(part.view_as(old), alpha=h)
            there = torch.autograd.grad(loss(module), params, materialize_grads=True)
        finally:
            for p, old in zip(params, here, strict=True):
                p.data = old
        return (_flat(there).to(v) - g) / h

    return product


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([t.detach().flatten() for t in tensors])


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
    fresh = torch.randn(A.shape[1], generator=generator).to(A)
    first = _start(fresh / fresh.norm(), None, start)
    found = _lanczos(lambda v: A.T @ (A @ v), first, num_matvecs, rtol)
    value = max(found.value, 0.0) ** 0.5
    return replace(found, value=value)


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


def _start(fresh: Tensor, hint: Tensor | None, start: Tensor | None) -> Tensor:
    """Return a unit vector near the start, or near the hint, or the fresh one."""
    for near in (start, hint):
        if near is not None and near.shape == fresh.shape and bool(near.any()):
            v = near.to(fresh)
            v = v / v.norm() + FRESH * fresh
            return v / v.norm()
    return fresh


def _lanczos(product: Product, v: Tensor, num_matvecs: int, rtol: float) -> Sharpness:
    """Grow a basis, reorthogonalised in full, until the largest Ritz value is good."""
    most = min(num_matvecs, len(v))
    V, W = v.new_empty(most, len(v)), v.new_empty(most, len(v))
    eps = torch.finfo(v.dtype).eps
    for k in range(1, most + 1):
        V[k - 1] = v
        W[k - 1] = product(v)
        if not bool(torch.isfinite(W[k - 1]).all()):
            return Sharpness(math.nan, math.nan, v, k, v)
        T = (V[:k] @ W[:k].T).cpu().double()
        values, S = torch.linalg.eigh((T + T.T) / 2)
        c = S[:, -1].to(V)
        y, image = c @ V[:k], c @ W[:k]
        residual = float((image - float(values[-1]) * y).norm() / y.norm())
        if residual <= rtol * float(values.abs().max()) or k == most:
            break
        v = W[k - 1].clone()
        size = float(v.norm())
        for _ in range(2):
            v -= (V[:k] @ v) @ V[:k]
        rest = float(v.norm())
        if rest <= DEPENDENT * eps * size:
            break
        v /= rest
    # Shifted, lest a negative eigenvalue be the one that grows.
    onward = image - min(float(values[0]), 0.0) * y
    onward = onward if bool(onward.any()) else y
    return Sharpness(float(values[-1]), residual, y / y.norm(), k, onward)
