"""Normalisations that also decorrelate channels."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from condlab.nn.maps.context import Context
from condlab.nn.norms._channels import affine, fitting_groups, update_average


class WhiteningNorm(nn.Module):
    r"""Whiten groups of channels by statistics of the batch.

    .. math:: y = \gamma \, \Sigma^{-1/2} (x - \mu) + \beta, \quad
       \Sigma = \mathrm{cov}(x) + \epsilon I

    within each group of channels, by the symmetric inverse root (ZCA). "zca" is
    decorrelated batch normalisation [1]_. "newton" is IterNorm [2]_:
    :math:`P_0 = I`, :math:`P_k = (3 P_{k-1} - P_{k-1}^3 \Sigma_N) / 2` with
    :math:`\Sigma_N = \Sigma / \mathrm{tr} \Sigma`, and
    :math:`\Sigma^{-1/2} \approx P_T / \sqrt{\mathrm{tr} \Sigma}`.

    Parameters
    ----------
    channels : int
        C, of inputs of shape (N, C, ...).
    group_size : int
        Channels whitened together, or the greatest common divisor with C; 16 in [1]_
        and 64 in [2]_.
    method : {"zca", "newton"}
        Exact, or approximate after so many steps.
    steps : int
        T of Newton's iteration; 5 in [2]_.
    eps : float
        Added to the covariance's diagonal.
    momentum : float
        Of the moving averages of mean and whitening matrix, used in evaluation.
    affine : bool
        Whether :math:`\gamma` and :math:`\beta` are learned.

    References
    ----------
    .. [1] L. Huang, D. Yang, B. Lang and J. Deng, "Decorrelated batch normalization",
       CVPR 2018, Algorithm 1.
    .. [2] L. Huang, Y. Zhou, F. Zhu, L. Liu and L. Shao, "Iterative normalization:
       beyond standardization towards efficient whitening", CVPR 2019, Algorithm 1.

    Examples
    --------
    >>> y = WhiteningNorm(3)(torch.randn(500, 2) @ torch.randn(2, 3))  # of rank 2
    >>> z = WhiteningNorm(2)(torch.randn(500, 2) @ torch.randn(2, 2))
    >>> torch.allclose(torch.cov(z.T, correction=0), torch.eye(2), atol=1e-2)
    True
    """

    running_mean: Tensor
    running_root: Tensor

    def __init__(
        self,
        channels: int,
        *,
        group_size: int = 16,
        method: Literal["zca", "newton"] = "zca",
        steps: int = 5,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
    ) -> None:
        super().__init__()
        if method not in ("zca", "newton"):
            raise ValueError(f"method must be 'zca' or 'newton', got {method!r}")
        self.size = fitting_groups(group_size, channels)
        self.method, self.steps = method, steps
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        groups, identity = channels // self.size, torch.eye(self.size)
        self.register_buffer("running_mean", torch.zeros(groups, self.size, 1))
        self.register_buffer("running_root", identity.repeat(groups, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the whitened x, of the same shape (N, C, ...)."""
        z = x.transpose(0, 1).reshape(-1, self.size, x.numel() // x.shape[1])
        if not self.training:
            return self._output(self.running_root @ (z - self.running_mean), x)
        mean = z.mean(dim=2, keepdim=True)
        root = self._inverse_root(z - mean)
        update_average(self.running_mean, mean, self.momentum)
        update_average(self.running_root, root, self.momentum)
        return self._output(root @ (z - mean), x)

    def _inverse_root(self, z: Tensor) -> Tensor:
        identity = torch.eye(self.size, dtype=z.dtype, device=z.device)
        S = z @ z.mT / z.shape[2] + self.eps * identity
        return inverse_root(S) if self.method == "zca" else newton_root(S, self.steps)

    def _output(self, z: Tensor, x: Tensor) -> Tensor:
        z = z.reshape(x.shape[1], x.shape[0], *x.shape[2:]).transpose(0, 1)
        return affine(z, self.weight, self.bias)


def newton_root(S: Tensor, steps: int = 5) -> Tensor:
    """Return the inverse root of symmetric positive definite matrices, by Newton.

    Parameters
    ----------
    S : Tensor, shape (..., n, n)
        Symmetric positive definite.
    steps : int
        Of the iteration; it converges for every such S.

    Returns
    -------
    Tensor, shape (..., n, n)

    Examples
    --------
    >>> newton_root(torch.diag(torch.tensor([1.0, 4.0])), steps=20)
    tensor([[1.0000, 0.0000],
            [0.0000, 0.5000]])
    """
    trace = S.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    P = torch.eye(S.shape[-1], dtype=S.dtype, device=S.device).expand(S.shape)
    for _ in range(steps):
        P = (3 * P - P @ P @ P @ S / trace) / 2
    return P / trace.sqrt()


def inverse_root(S: Tensor) -> Tensor:
    """Return the symmetric inverse root of symmetric positive definite matrices.

    The derivative solves a Sylvester equation instead of passing through eigenvectors,
    so that repeated eigenvalues do no harm; it can be taken any number of times.

    Parameters
    ----------
    S : Tensor, shape (..., n, n)
        Symmetric positive definite.

    Returns
    -------
    Tensor, shape (..., n, n)

    Examples
    --------
    >>> S = torch.eye(2, requires_grad=True)
    >>> (gradient,) = torch.autograd.grad(inverse_root(S).trace(), S)
    >>> gradient  # of the sum of lambda^(-1/2)
    tensor([[-0.5000,  0.0000],
            [ 0.0000, -0.5000]])
    """
    return _InverseRoot.apply(S)


class _InverseRoot(torch.autograd.Function):
    """P = S^(-1/2); from P^2 S = I, dP P + P dP = -P^2 dS P^2."""

    generate_vmap_rule = True

    @staticmethod
    def forward(S: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(S)
        return (vectors / values.sqrt()[..., None, :]) @ vectors.mT

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ARG004
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Context, gradient: Tensor) -> Tensor:
        (P,) = ctx.saved_tensors
        symmetric = (gradient + gradient.mT) / 2  # S has no other directions
        return -P @ P @ _Sylvester.apply(P, symmetric) @ P @ P

    @staticmethod
    def jvp(ctx: Context, tangent: Tensor) -> Tensor:
        (P,) = ctx.saved_tensors
        return -_Sylvester.apply(P, P @ P @ tangent @ P @ P)


class _Sylvester(torch.autograd.Function):
    """X with X P + P X = M, for symmetric positive definite P."""

    generate_vmap_rule = True

    @staticmethod
    def forward(P: Tensor, M: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(P)
        sums = values[..., :, None] + values[..., None, :]
        return vectors @ ((vectors.mT @ M @ vectors) / sums) @ vectors.mT

    @staticmethod
    def setup_context(
        ctx: Context, inputs: tuple[Tensor, Tensor], output: Tensor
    ) -> None:
        ctx.save_for_backward(inputs[0], output)
        ctx.save_for_forward(inputs[0], output)

    @staticmethod
    def backward(ctx: Context, gradient: Tensor) -> tuple[Tensor, Tensor]:
        P, X = ctx.saved_tensors
        Y = _Sylvester.apply(P, gradient)
        by_P = -(X.mT @ Y + Y @ X.mT)
        return (by_P + by_P.mT) / 2, Y

    @staticmethod
    def jvp(ctx: Context, dP: Tensor, dM: Tensor) -> Tensor:
        P, X = ctx.saved_tensors
        return _Sylvester.apply(P, dM - X @ dP - dP @ X)
