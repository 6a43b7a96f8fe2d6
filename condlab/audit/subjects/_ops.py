"""The functions that formulas are written in, by library."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import numpy as np

from condlab.types import Array


def torch_ops() -> SimpleNamespace:
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


def jax_ops() -> SimpleNamespace:
    """Return JAX's."""
    import jax
    import jax.numpy as jnp
    from jax.scipy import linalg, special

    return SimpleNamespace(
        **_named_as_numpys(jnp, linalg, special),
        logcumsumexp=jax.lax.cumlogsumexp,
        svdvals=jnp.linalg.svdvals,
        gelu=lambda x: jax.nn.gelu(x, approximate=False),
        silu=jax.nn.silu,
        logsigmoid=jax.nn.log_sigmoid,
    )


def numpy_ops() -> SimpleNamespace:
    """Return NumPy's and SciPy's."""
    from scipy import linalg, special

    return SimpleNamespace(
        **_named_as_numpys(np, linalg, special),
        logcumsumexp=np.logaddexp.accumulate,
        svdvals=linalg.svdvals,
        gelu=lambda x: x * special.ndtr(x),
        silu=lambda x: x * special.expit(x),
        logsigmoid=special.log_expit,
    )


def _named_as_numpys(
    xp: ModuleType, linalg: ModuleType, special: ModuleType
) -> dict[str, Callable[..., Array]]:
    """Return the functions that have NumPy's names or SciPy's."""
    return {
        "reshape": xp.reshape,
        "stack": xp.stack,
        "sum": xp.sum,
        "norm": xp.linalg.norm,
        "prod": xp.prod,
        "cumprod": xp.cumprod,
        "logsumexp": special.logsumexp,
        "sinc": xp.sinc,
        "det": xp.linalg.det,
        "slogdet": xp.linalg.slogdet,
        "inv": xp.linalg.inv,
        "trace": xp.trace,
        "expm": linalg.expm,
        "eigvalsh": xp.linalg.eigvalsh,
        "power": xp.power,
        "abs": xp.abs,
        "xlogy": special.xlogy,
        "max": xp.max,
        "sort": xp.sort,
        "atan2": xp.arctan2,
        "distance": lambda x, y: xp.linalg.norm(x - y),
        "var": lambda t: xp.var(t, ddof=1),
        "std": lambda t: xp.std(t, ddof=1),
        "i0": special.i0,
        "gammaln": special.gammaln,
    }


def mpmath_ops() -> SimpleNamespace:
    """Return mpmath's, on NumPy arrays of its numbers."""
    import mpmath as mp

    def matrix(A: np.ndarray) -> mp.matrix:
        return mp.matrix(A.tolist())

    def var(t: np.ndarray) -> mp.mpf:
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
