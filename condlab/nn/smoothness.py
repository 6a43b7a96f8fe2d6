"""What centring and dividing the rows of weights take from the gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from condlab.machine.precision import wide
from condlab.nn.selection import sites


@dataclass(frozen=True, slots=True, eq=False)
class GradientShares:
    """Parts of each row's squared gradient norm, shape (rows,); they sum to one.

    Parameters
    ----------
    centring : Tensor
        What subtracting the row's mean removes, <1, g>^2 / I of <g, g> for a row of I.
    dividing : Tensor
        What dividing by the row's deviation removes, <w, g>^2 / I with the row w
        standardized.
    kept : Tensor
        The rest, of which the gradient of the stored row is made.
    """

    centring: Tensor
    dividing: Tensor
    kept: Tensor


def gradient_shares(
    module: nn.Module, loss: Callable[[], Tensor]
) -> dict[str, GradientShares]:
    """Return how much of the gradient weight standardization removes from each row.

    The gradient is that with respect to effective weights, standardized or not, so
    that a plain network tells what standardization would remove at its weights. Where
    a norm follows a layer of centred rows, the share of dividing is zero: the norm
    ignores the rows' lengths already.

    Parameters
    ----------
    module : torch.nn.Module
        A network or a layer.
    loss : callable
        ``loss()`` runs the module and returns a scalar.

    Returns
    -------
    dict of str to GradientShares
        By the name of the weight. Rows without a gradient or of length one, which
        leave nothing to share, are nan; weights that the loss does not use are left
        out.

    References
    ----------
    .. [1] S. Qiao, H. Wang, C. Liu, W. Shen and A. Yuille, "Micro-Batch Training with
       Batch-Channel Normalization and Weight Standardization", arXiv:1903.10520,
       equations 8 to 15 and Figure 4.

    Examples
    --------
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> x = torch.tensor([[3.0, 1.0]])  # = 2 (1, 1) + (1, -1): the gradient
    >>> shares = gradient_shares(layer, lambda: layer(x).sum())["weight"]
    >>> [round(float(part), 3) for part in (shares.centring, shares.dividing)]
    [0.8, 0.2]
    """
    with torch.enable_grad(), parametrize.cached():
        kept = {site.name: (site, site.weight) for site in sites(module)}
        weights = [W for _, W in kept.values()]
        gradients = torch.autograd.grad(loss(), weights, allow_unused=True)
    return {
        name: _shares(site.layout.matrix(W.detach()), site.layout.matrix(g))
        for (name, (site, W)), g in zip(kept.items(), gradients, strict=True)
        if g is not None
    }


def _shares(W: Tensor, G: Tensor) -> GradientShares:
    W, G = wide(W), wide(G)
    centred = W - W.mean(dim=1, keepdim=True)
    size = G.square().sum(dim=1)
    centring = G.sum(dim=1).square() / G.shape[1]
    # a constant row has no direction to divide in
    length = centred.square().sum(dim=1)
    dividing = (centred * G).sum(dim=1).square() / torch.where(length > 0, length, 1)
    rest = (size - centring - dividing).clamp(min=0)
    return GradientShares(centring / size, dividing / size, rest / size)
