"""The functions that formulas are written in, by library."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np


def torch_ops() -> Any:
    """Return torch's."""
    import torch
    from torch.nn import functional as F

    return SimpleNamespace(
        reshape=torch.reshape,
        stack=torch.stack,
        sum=torch.sum,
        norm=torch.linalg.vector_norm,
        prod=torch.prod,
        cumprod=lambda t: torch.cumprod(t, 0),
        logsumexp=lambda t: torch.logsumexp(t, 0),
        logcumsumexp=lambda t: torch.logcumsumexp(t, 0),
        sinc=torch.sinc,
        det=torch.linalg.det,
        slogdet=torch.linalg.slogdet,
        inv=torch.linalg.inv,
        trace=torch.trace,
        expm=torch.linalg.matrix_exp,
        eigvalsh=torch.linalg.eigvalsh,
        svdvals=torch.linalg.svdvals,
        gelu=F.gelu,
        silu=F.silu,
        logsigmoid=F.logsigmoid,
        power=torch.pow,
        abs=torch.abs,
        xlogy=torch.xlogy,
        max=torch.max,
        sort=lambda t: torch.sort(t).values,
        atan2=torch.atan2,
        distance=lambda x, y: torch.cdist(x[None], y[None])[0, 0],
        var=torch.var,
        std=torch.std,
        i0=torch.special.i0,
        gammaln=torch.special.gammaln,
    )


def jax_ops() -> Any:
    """Return JAX's."""
    import jax
    import jax.numpy as jnp
    from jax.scipy import linalg, special

    return SimpleNamespace(
        reshape=jnp.reshape,
        stack=jnp.stack,
        sum=jnp.sum,
        norm=jnp.linalg.norm,
        prod=jnp.prod,
        cumprod=jnp.cumprod,
        logsumexp=special.logsumexp,
        logcumsumexp=jax.lax.cumlogsumexp,
        sinc=jnp.sinc,
        det=jnp.linalg.det,
        slogdet=jnp.linalg.slogdet,
        inv=jnp.linalg.inv,
        trace=jnp.trace,
        expm=linalg.expm,
        eigvalsh=jnp.linalg.eigvalsh,
        svdvals=jnp.linalg.svdvals,
        gelu=lambda x: jax.nn.gelu(x, approximate=False),
        silu=jax.nn.silu,
        logsigmoid=jax.nn.log_sigmoid,
        power=jnp.power,
        abs=jnp.abs,
        xlogy=special.xlogy,
        max=jnp.max,
        sort=jnp.sort,
        atan2=jnp.arctan2,
        distance=lambda x, y: jnp.linalg.norm(x - y),
        var=lambda t: jnp.var(t, ddof=1),
        std=lambda t: jnp.std(t, ddof=1),
        i0=special.i0,
        gammaln=special.gammaln,
    )


def numpy_ops() -> Any:
    """Return NumPy's and SciPy's."""
    from scipy import linalg, special

    return SimpleNamespace(
        reshape=np.reshape,
        stack=np.stack,
        sum=np.sum,
        norm=np.linalg.norm,
        prod=np.prod,
        cumprod=np.cumprod,
        logsumexp=special.logsumexp,
        logcumsumexp=np.logaddexp.accumulate,
        sinc=np.sinc,
        det=np.linalg.det,
        slogdet=np.linalg.slogdet,
        inv=np.linalg.inv,
        trace=np.trace,
        expm=linalg.expm,
        eigvalsh=np.linalg.eigvalsh,
        svdvals=linalg.svdvals,
        gelu=lambda x: x * special.ndtr(x),
        silu=lambda x: x * special.expit(x),
        logsigmoid=special.log_expit,
        power=np.power,
        abs=np.abs,
        xlogy=special.xlogy,
        max=np.max,
        sort=np.sort,
        atan2=np.arctan2,
        distance=lambda x, y: np.linalg.norm(x - y),
        var=lambda t: np.var(t, ddof=1),
        std=lambda t: np.std(t, ddof=1),
        i0=special.i0,
        gammaln=special.gammaln,
    )


def mpmath_ops() -> Any:
    """Return mpmath's, on NumPy arrays of its numbers."""
    import mpmath as mp

    def matrix(A: np.ndarray) -> Any:
        return mp.matrix(A.tolist())

    def var(t: np.ndarray) -> Any:
        return np.sum((t - np.sum(t) / len(t)) ** 2) / (len(t) - 1)

    def logcumsumexp(t: np.ndarray) -> np.ndarray:
        return np.array([mp.log(x) for x in np.cumsum([mp.exp(x) for x in t])])

    return SimpleNamespace(
        reshape=np.reshape,
        stack=np.array,
        sum=np.sum,
        norm=lambda t: mp.sqrt(np.sum(t * t)),
        prod=np.prod,
        cumprod=np.cumprod,
        logsumexp=lambda t: mp.log(mp.fsum(mp.exp(x) for x in t)),
        logcumsumexp=logcumsumexp,
        sinc=mp.sincpi,
        det=lambda A: A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0],
        slogdet=lambda A: (1, mp.log(mp.det(matrix(A)))),
        inv=lambda A: np.array((matrix(A) ** -1).tolist()),
        trace=np.trace,
        expm=lambda A: np.array(mp.expm(matrix(A)).tolist()),
        eigvalsh=lambda A: np.array(list(mp.eigsy(matrix(A), eigvals_only=True))),
        svdvals=lambda A: np.array(list(mp.svd_r(matrix(A), compute_uv=False))),
        gelu=lambda x: x * mp.ncdf(x),
        silu=lambda x: x / (1 + mp.exp(-x)),
        logsigmoid=lambda x: -mp.log1p(mp.exp(-x)),
        power=mp.power,
        abs=abs,
        xlogy=lambda x, y: x * mp.log(y),
        max=max,
        sort=lambda t: np.array(sorted(t)),
        atan2=mp.atan2,
        distance=lambda x, y: mp.sqrt(np.sum((x - y) ** 2)),
        var=var,
        std=lambda t: mp.sqrt(var(t)),
        i0=lambda x: mp.besseli(0, x),
        gammaln=mp.loggamma,
    )
