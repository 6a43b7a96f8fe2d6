"""Condition of a Gauss-Newton matrix from the Gram matrix of its factor."""

from __future__ import annotations

import torch
from torch import Tensor

from condlab.curvature.condition_number import (
    HessianCondition,
    condition_number,
    report,
)
from condlab.curvature.evaluation.backends import differentiable, pull_back
from condlab.curvature.evaluation.losses import Batch, ModelLoss
from condlab.curvature.operators._outputs import Outputs
from condlab.curvature.operators.operator import CurvatureOperator
from condlab.curvature.symmetry.null_space import NullSpace
from condlab.machine.precision import wide
from condlab.spectra._products import Products
from condlab.spectra.lanczos.krylov import ROUNDING
from condlab.spectra.spectrum import exact


def gauss_newton_condition(G: CurvatureOperator) -> HessianCondition:
    """Return the condition of a Gauss-Newton matrix, exactly, for any size of network.

    It is M'M with one row of M for each output of each sample, and M M' has the same
    eigenvalues but for zeros. So the work grows with the outputs squared where they are
    fewer than the parameters, and with the parameters squared where they are not.

    Parameters
    ----------
    G : CurvatureOperator
        As `gauss_newton` makes it, of a convex criterion.

    Returns
    -------
    HessianCondition
        Its `nullity` has the parameters that outnumber the outputs.

    Raises
    ------
    ValueError
        If G is no Gauss-Newton matrix, or the criterion is not convex.

    References
    ----------
    .. [1] F. Dangel, L. Tatzel and P. Hennig, "ViViT: Curvature access through the
       generalized Gauss-Newton's low-rank structure", TMLR, 2022, Section 2.

    Examples
    --------
    >>> from condlab.curvature import gauss_newton, make_loss
    >>> loss = make_loss(torch.nn.Linear(3, 1, bias=False).double(),
    ...                  torch.nn.MSELoss())
    >>> x = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    >>> batch = x, torch.zeros(2, 1, dtype=torch.float64)
    >>> params = {"weight": torch.ones(1, 3, dtype=torch.float64)}
    >>> found = gauss_newton_condition(gauss_newton(loss, params, [batch]))
    >>> round(found.kappa_nonnull.value, 9), found.nullity
    (4.0, 1)
    """
    if not (
        isinstance(G, CurvatureOperator)
        and isinstance(G.point.loss, ModelLoss)
        and G.backend.startswith("Gauss-Newton")
    ):
        raise ValueError("a Gauss-Newton matrix is needed; make it with gauss_newton")
    n, outputs = G.shape[0], count_outputs(G)
    if outputs >= n:
        return condition_number(G, method="exact")
    M = wide(factor(G))
    K = M @ M.T
    peak = float(torch.linalg.matrix_norm(K, "fro"))
    # what forming K costs: rounding of sums over the n parameters
    leak = ROUNDING * n**0.5 * torch.finfo(G.dtype).eps * peak
    surplus = {"more parameters than outputs": n - outputs}
    nulls = NullSpace(torch.empty((n, n - outputs), device="meta"), surplus)
    return report(exact(Products(K)), leak, nulls, gauge="raw", size=n, method="gram")


def count_outputs(G: CurvatureOperator) -> int:
    """Return how many outputs there are over all samples."""
    loss = G.point.loss
    assert isinstance(loss, ModelLoss)
    with differentiable():  # the outputs may be derivatives, such as forces
        return sum(
            Outputs.of(loss, G.params, batch).size for _, batch, _ in G.point.data
        )


def factor(G: CurvatureOperator) -> Tensor:
    """Return M with M'M = G, one row for each output of each sample."""
    parts = []
    for _, batch, weight in G.point.data:
        parts.append(weight**0.5 * _batch_factor(G, batch))
    return torch.cat(parts)


def _batch_factor(G: CurvatureOperator, batch: Batch) -> Tensor:
    loss, leaves = G.point.loss, G.point.leaves
    assert isinstance(loss, ModelLoss)
    with differentiable():
        outputs = Outputs.of(loss, leaves, batch)
        rows = [pull_back(outputs.parts, leaves, s) for s in _root(outputs)]
    if rows:
        return torch.stack(rows)
    return torch.zeros((0, G.shape[0]), dtype=G.dtype, device=G.device)


def _root(outputs: Outputs) -> Tensor:
    """Return S with S'S the Hessian of the criterion in the outputs."""
    if not outputs.size:
        return torch.zeros(0, 0)
    z = outputs.parts[0]
    eye = torch.eye(outputs.size, dtype=z.dtype, device=z.device)
    C = torch.stack([outputs.curve(e) for e in eye])
    values, U = torch.linalg.eigh((C + C.T) / 2)
    rounding = len(C) * torch.finfo(C.dtype).eps * float(values.abs().max())
    if float(values[0]) < -ROUNDING * rounding:
        raise ValueError(
            f"the criterion must be convex in the outputs, but its Hessian there has "
            f"the eigenvalue {float(values[0]):.2e}"
        )
    return (U * values.clamp(min=0).sqrt()).T
