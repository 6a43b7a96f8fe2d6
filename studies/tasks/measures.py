"""What is measured of a network while it trains."""

from __future__ import annotations

import math
import statistics

import torch
from torch import Tensor, nn

from condlab.nn import effective_weights, gradient_shares
from studies.engine.records import Number, number
from studies.tasks.arms import batch_statistics, matrix_layers, raw_weights
from studies.tasks.shares import Batch, Loss

CUT = 1e-5  # smaller singular values, relative to the largest, count as zero
GRID = 8  # side of the torus on which a convolution's operator is taken


def weight_probes(net: nn.Module, lr: float) -> dict[str, float]:
    """Return medians over the layers, and the condition of the first and last layer.

    "kappa_raw" is of the matrix that is stored, "kappa_effective" of the one the layer
    multiplies with, "kappa_gauge" of the latter with its rows scaled to one length,
    which is all that a batch norm behind the layer sees.
    """
    raw, effective = raw_weights(net), effective_weights(net)
    kappas = {
        "kappa_raw": [kappa(W) for W in raw.values()],
        "kappa_effective": [kappa(W) for W in effective.values()],
        "kappa_gauge": [kappa(unit_rows(W)) for W in effective.values()],
    }
    medians = {name: statistics.median(values) for name, values in kappas.items()}
    spreads = [row_norm_spread(W) for W in effective.values()]
    rates = [lr / float(W.square().sum()) for W in raw.values()]
    return {
        **medians,
        "kappa_first": kappas["kappa_effective"][0],
        "kappa_last": kappas["kappa_effective"][-1],
        "row_norm_spread": statistics.median(spreads),
        "weight_norm": sum(float(W.square().sum()) for W in raw.values()) ** 0.5,
        "effective_lr": statistics.median(rates),
    }


def layer_table(net: nn.Module) -> dict[str, list[Number]]:
    """Return what is known of the layers' weights, by columns; "layer" has the names.

    "kappa_operator" is nan where the layer is no convolution.
    """
    raw, effective = raw_weights(net), effective_weights(net)
    kernels = {
        name: layer.weight.detach()
        for name, layer in matrix_layers(net)
        if isinstance(layer, nn.Conv2d) and layer.groups == 1
    }
    rows = [_row(raw[name], W, kernels.get(name)) for name, W in effective.items()]
    columns = {
        column: [_short(row[column]) for row in rows] for column in (rows or [{}])[0]
    }
    return {"layer": list(effective), **columns}


def _row(raw: Tensor, W: Tensor, kernel: Tensor | None) -> dict[str, float]:
    sigma = singular_values(W)
    return {
        "kappa_raw": kappa(raw),
        "kappa_effective": float(sigma[0] / sigma[-1]),
        "kappa_gauge": kappa(unit_rows(W)),
        "kappa_demmel": float(W.double().norm() / sigma[-1]),
        "kappa_operator": math.nan if kernel is None else operator_kappa(kernel),
        "stable_rank": float(sigma.square().sum() / sigma[0].square()),
        "row_norm_spread": row_norm_spread(W),
        "norm": float(W.double().norm()),
    }


def _short(value: float) -> Number:
    return number(float(f"{value:.4g}"))


def gradient_norm(net: nn.Module, loss: Loss, batch: Batch) -> float:
    """Return the norm of the gradient on a batch, with the batch's statistics."""
    parameters = [p for p in net.parameters() if p.requires_grad]
    with batch_statistics(net):
        value = loss(net, batch)
    gradients = torch.autograd.grad(value, parameters, allow_unused=True)
    return sum(float(g.square().sum()) for g in gradients if g is not None) ** 0.5


def removed_shares(net: nn.Module, loss: Loss, batch: Batch) -> dict[str, float]:
    """Return what weight standardization's two steps would take from the gradient.

    Shares of its square, medians over rows and then over the layers that standardizing
    concerns, the convolutions, or all where there are none.
    """
    with batch_statistics(net):
        shares = gradient_shares(net, lambda: loss(net, batch))
    kernels = {
        f"{name}.weight"
        for name, layer in matrix_layers(net)
        if isinstance(layer, nn.Conv2d)
    }
    own = [found for name, found in shares.items() if not kernels or name in kernels]
    return {
        f"share_{part}": statistics.median(
            float(getattr(found, part).nanmedian()) for found in own
        )
        for part in ("centring", "dividing")
    }


def kappa(W: Tensor) -> float:
    """Return the ratio of the largest singular value to the smallest above the cut.

    Examples
    --------
    >>> kappa(torch.diag(torch.tensor([4.0, 2.0, 0.0])))
    2.0
    """
    sigma = singular_values(W)
    return float(sigma[0] / sigma[-1])


def singular_values(W: Tensor) -> Tensor:
    """Return the singular values above the cut, descending, in double precision.

    On the CPU wherever the matrix is: a GPU takes longer for matrices as small.
    """
    sigma = torch.linalg.svdvals(W.detach().cpu().double())
    return sigma[sigma >= CUT * sigma[0]]


def unit_rows(W: Tensor) -> Tensor:
    """Return the matrix with rows of unit length; a row of zeros stays."""
    norms = W.norm(dim=1, keepdim=True)
    return W / torch.where(norms > 0, norms, 1)


def row_norm_spread(W: Tensor) -> float:
    """Return the longest row over the shortest that is not zero."""
    norms = W.double().norm(dim=1)
    norms = norms[norms > 0]
    return float(norms.max() / norms.min()) if len(norms) else 1.0


def operator_kappa(weight: Tensor, grid: int = GRID) -> float:
    """Return the condition number of a convolution as an operator on a torus.

    References
    ----------
    .. [1] H. Sedghi, V. Gupta and P. M. Long, "The singular values of convolutional
       layers", ICLR 2019.
    """
    k = max(weight.shape[2:])
    side = max(grid, k)
    frequencies = torch.fft.fft2(weight.detach().cpu().double(), s=(side, side))
    sigma = torch.linalg.svdvals(frequencies.permute(2, 3, 0, 1)).flatten()
    sigma = sigma[sigma >= CUT * sigma.max()]
    return float(sigma.max() / sigma.min())
