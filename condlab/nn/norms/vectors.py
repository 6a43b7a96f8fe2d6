"""Normalisations of vectors to a length."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from condlab.nn.norms._channels import unit


class ScaleNorm(nn.Module):
    r"""Scale vectors to one learned length.

    .. math:: y = g \, x / \|x\|_2

    The zero vector stays zero.

    Parameters
    ----------
    dim : int
        d, of vectors along the last axis; g starts at :math:`\sqrt{d}`.
    shared : ScaleNorm, optional
        Another layer, whose g this one uses too.

    References
    ----------
    .. [1] T. Q. Nguyen and J. Salazar, "Transformers without tears", IWSLT 2019,
       section 2.2.

    Examples
    --------
    >>> ScaleNorm(4)(torch.tensor([3.0, 0.0, 4.0, 0.0])).norm()
    tensor(2., grad_fn=<LinalgVectorNormBackward0>)
    """

    g: nn.Parameter

    def __init__(self, dim: int, *, shared: ScaleNorm | None = None) -> None:
        super().__init__()
        if shared is None:
            self.g = nn.Parameter(torch.tensor(math.sqrt(dim)))
        else:
            self.g = shared.g

    def forward(self, x: Tensor) -> Tensor:
        """Return x, shape (..., d), with length g along the last axis."""
        return self.g * unit(x)


class FixNorm(nn.Module):
    r"""Output layer whose vectors and embeddings have a fixed length.

    .. math:: z_w = g \, \frac{e_w}{\|e_w\|} \cdot \frac{h}{\|h\|}

    Parameters
    ----------
    dim, num_classes : int
        Of the hidden vectors h, and the number of embeddings e.
    g : float, optional
        The square of the radius that both vectors are fixed to; by default
        :math:`\sqrt{d}`.
    learn : bool
        Whether g is learned; in [1]_ it is chosen.

    References
    ----------
    .. [1] T. Q. Nguyen and D. Chiang, "Improving lexical choice in neural machine
       translation", NAACL 2018, section 3.
    .. [2] T. Q. Nguyen and J. Salazar, "Transformers without tears", IWSLT 2019, whose
       embeddings start uniform in [-0.01, 0.01].

    Examples
    --------
    >>> head = FixNorm(8, 3, g=2.0)
    >>> bool(head(100 * torch.randn(5, 8)).abs().max() <= 2 + 1e-6)
    True
    """

    def __init__(
        self, dim: int, num_classes: int, *, g: float | None = None, learn: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_classes, dim).uniform_(-0.01, 0.01))
        start = torch.tensor(math.sqrt(dim) if g is None else g)
        self.g = nn.Parameter(start, requires_grad=learn)

    def forward(self, h: Tensor) -> Tensor:
        """Return the logits, shape (..., num_classes), for h of shape (..., d)."""
        return self.g * F.linear(unit(h), unit(self.weight))


class QKNorm(nn.Module):
    r"""Give queries and keys unit length, and the logits one learned scale.

    .. math:: \mathrm{softmax}(g \hat Q \hat K^T) V

    where g replaces :math:`1 / \sqrt{d}`. It starts at :math:`\log_2(L^2 - L)`.

    Parameters
    ----------
    length : int
        L, the 97.5th percentile of the training sequences' lengths; at least 2.

    References
    ----------
    .. [1] A. Henry, P. R. Dachapally, S. S. Pawar and Y. Chen, "Query-key
       normalization for transformers", Findings of EMNLP 2020, eqs 4 and 5.

    Examples
    --------
    >>> norm = QKNorm(65)
    >>> q, k = norm(torch.randn(1, 2, 65, 8), torch.randn(1, 2, 65, 8))
    >>> logits = q @ k.mT
    >>> bool(logits.abs().max() <= norm.g + 1e-5)
    True
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        if length < 2:
            raise ValueError(f"sequences need two tokens or more, got {length}")
        self.g = nn.Parameter(torch.tensor(math.log2(length**2 - length)))

    def forward(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Return g q/|q| and k/|k| along the last axis, to be multiplied unscaled."""
        return self.g * unit(q), unit(k)
