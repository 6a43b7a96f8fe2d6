"""nGPT: a transformer whose vectors stay on the unit sphere.

Activations, embeddings and the rows or columns of every matrix along the embedding
axis have unit length; the matrices are projected back after each optimiser step.

References
----------
.. [1] I. Loshchilov, C.-P. Hsieh, S. Sun and B. Ginsburg, "nGPT: normalized transformer
   with representation learning on the hypersphere", ICLR 2025, sections 2.2 to 2.6.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from condlab.nn.norms._channels import unit


class LearnedScale(nn.Module):
    r"""Learned vector, stored in other units so that its step size can be chosen.

    :math:`s = \hat s \, s_{init} / s_{scale}`, where :math:`\hat s` is what is learned
    and starts at :math:`s_{scale}` (section 2.5 of the source).

    Parameters
    ----------
    size : int
        Its length.
    init, scale : float
        Its start, and that of what is learned.

    Examples
    --------
    >>> scale = LearnedScale(2, init=0.05, scale=0.5)
    >>> scale(), scale.weight
    (tensor([0.0500, 0.0500], grad_fn=<MulBackward0>),
     Parameter containing: tensor([0.5000, 0.5000], requires_grad=True))
    """

    def __init__(self, size: int, *, init: float, scale: float) -> None:
        super().__init__()
        self.ratio = init / scale
        self.weight = nn.Parameter(torch.full((size,), float(scale)))

    def forward(self) -> Tensor:
        """Return s."""
        return self.weight * self.ratio


class SphereLinear(nn.Linear):
    """Linear layer without bias whose matrix is kept normalised along one axis.

    Parameters
    ----------
    in_features, out_features : int
        As for `torch.nn.Linear`.
    axis : int
        1 where the inputs are embeddings: rows have unit length; 0 where the outputs
        are: columns have.

    Examples
    --------
    >>> lengths = SphereLinear(5, 3, axis=1).weight.norm(dim=1)
    >>> torch.allclose(lengths, torch.ones(3))
    True
    """

    def __init__(self, in_features: int, out_features: int, *, axis: int) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.axis = axis
        nn.init.normal_(self.weight)
        self.renormalise_()

    @torch.no_grad()
    def renormalise_(self) -> None:
        """Project the weight back, in place."""
        self.weight.copy_(unit(self.weight, self.axis))


class SphereEmbedding(nn.Embedding):
    """Embedding whose vectors are kept at unit length.

    Examples
    --------
    >>> SphereEmbedding(4, 3)(torch.tensor([2])).shape
    torch.Size([1, 3])
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, **options: Any) -> None:
        super().__init__(num_embeddings, embedding_dim, **options)
        self.renormalise_()

    @torch.no_grad()
    def renormalise_(self) -> None:
        """Project the weight back, in place."""
        self.weight.copy_(unit(self.weight))


class SphereHead(nn.Module):
    r"""Output layer with logits :math:`z = s_z W h`.

    Parameters
    ----------
    dim, num_classes : int
        Of the hidden vectors, and of the logits.

    Examples
    --------
    >>> SphereHead(8, 3)(torch.eye(8)[:2]).shape
    torch.Size([2, 3])
    """

    def __init__(self, dim: int, num_classes: int) -> None:
        super().__init__()
        self.linear = SphereLinear(dim, num_classes, axis=1)
        self.scale = LearnedScale(num_classes, init=1.0, scale=1 / math.sqrt(dim))

    def forward(self, h: Tensor) -> Tensor:
        """Return the logits, shape (..., num_classes)."""
        return self.scale() * self.linear(h)


class SphereAttention(nn.Module):
    r"""Self-attention with unit queries and keys.

    :math:`q = s_{qk} \, q / \|q\|`, k alike, and :math:`\sqrt{d_k} \, q \cdot k` as the
    logits: the factor is the inverse of the usual one.

    Parameters
    ----------
    dim, heads : int
        Width, and into how many heads it is split.
    causal : bool
        Whether a token sees only those before it.

    Examples
    --------
    >>> SphereAttention(8, 2)(torch.randn(1, 5, 8)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, dim: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"heads must divide the width {dim}, got {heads}")
        self.heads, self.causal = heads, causal
        self.query = SphereLinear(dim, dim, axis=1)
        self.key = SphereLinear(dim, dim, axis=1)
        self.value = SphereLinear(dim, dim, axis=1)
        self.out = SphereLinear(dim, dim, axis=0)
        self.scale = LearnedScale(dim, init=1.0, scale=1 / math.sqrt(dim))

    def queries_and_keys(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return scaled queries and keys, shape (N, heads, T, dim / heads)."""
        scale = self.scale().unflatten(0, (self.heads, 1, -1))
        q, k = self._split(self.query(h)), self._split(self.key(h))
        return scale * unit(q), scale * unit(k)

    def forward(self, h: Tensor) -> Tensor:
        """Return the attended tokens, shape (N, T, dim)."""
        q, k = self.queries_and_keys(h)
        y = F.scaled_dot_product_attention(
            q,
            k,
            self._split(self.value(h)),
            is_causal=self.causal,
            scale=math.sqrt(q.shape[-1]),
        )
        return self.out(y.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class SphereMLP(nn.Module):
    r"""Gated MLP, :math:`W_o(s_u u \cdot \mathrm{SiLU}(\sqrt d \, s_v v))`.

    u carries the factor :math:`\sqrt d` too in the authors' code, which is followed
    here; the normalisation after it makes no difference of that.

    Parameters
    ----------
    dim, hidden : int
        Width, and width inside.

    Examples
    --------
    >>> SphereMLP(8, 16)(torch.randn(2, 8)).shape
    torch.Size([2, 8])
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate_and_value = SphereLinear(dim, 2 * hidden, axis=1)
        self.out = SphereLinear(hidden, dim, axis=0)
        self.scale = LearnedScale(2 * hidden, init=1.0, scale=1.0)

    def forward(self, h: Tensor) -> Tensor:
        """Return vectors of the same shape (..., dim)."""
        scale = math.sqrt(h.shape[-1]) * self.scale()
        u, v = (scale * self.gate_and_value(h)).chunk(2, dim=-1)
        return self.out(u * F.silu(v))


class SphereBlock(nn.Module):
    r"""Attention and MLP, each a step on the sphere.

    .. math:: h \leftarrow \mathrm{norm}(h + |\alpha| (\mathrm{norm}(f(h)) - h))

    with one :math:`\alpha` a channel, 0.05 at the start and stored in units of
    :math:`1 / \sqrt d`.

    Parameters
    ----------
    dim, heads : int
        Width and heads.
    hidden : int, optional
        Width of the MLP; 4 `dim` by default.
    causal : bool
        See `SphereAttention`.

    Examples
    --------
    >>> lengths = SphereBlock(8, 2)(torch.randn(1, 3, 8)).norm(dim=-1)
    >>> torch.allclose(lengths, torch.ones(1, 3))
    True
    """

    def __init__(
        self, dim: int, heads: int, *, hidden: int | None = None, causal: bool = False
    ) -> None:
        super().__init__()
        self.attention = SphereAttention(dim, heads, causal=causal)
        self.mlp = SphereMLP(dim, 4 * dim if hidden is None else hidden)
        unit_step = {"init": 0.05, "scale": 1 / math.sqrt(dim)}
        self.attention_step = LearnedScale(dim, **unit_step)
        self.mlp_step = LearnedScale(dim, **unit_step)

    def forward(self, h: Tensor) -> Tensor:
        """Return unit vectors of the same shape (N, T, dim)."""
        h = _step(unit(h), self.attention(h), self.attention_step())
        return _step(h, self.mlp(h), self.mlp_step())


def _step(h: Tensor, target: Tensor, alpha: Tensor) -> Tensor:
    return unit(h + alpha.abs() * (unit(target) - h))


def renormalise_(module: nn.Module) -> None:
    """Project every matrix and embedding of a network back, in place.

    Parameters
    ----------
    module : torch.nn.Module
        Its `SphereLinear` and `SphereEmbedding` layers are projected.

    Examples
    --------
    >>> layer = SphereLinear(3, 2, axis=1)
    >>> _ = layer.weight.data.mul_(7)
    >>> renormalise_(layer)
    >>> torch.allclose(layer.weight.norm(dim=1), torch.ones(2))
    True
    """
    for layer in module.modules():
        if isinstance(layer, SphereLinear | SphereEmbedding):
            layer.renormalise_()


def renormalise_after(
    optimizer: torch.optim.Optimizer, module: nn.Module
) -> RemovableHandle:
    """Call `renormalise_` after each step of an optimiser.

    The source uses Adam without weight decay and without warm-up.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Of the network's parameters.
    module : torch.nn.Module
        The network.

    Returns
    -------
    handle
        Its ``remove()`` ends the arrangement.

    Examples
    --------
    >>> layer = SphereLinear(3, 2, axis=1)
    >>> optimizer = torch.optim.Adam(layer.parameters())
    >>> handle = renormalise_after(optimizer, layer)
    >>> layer(torch.ones(3)).sum().backward()
    >>> optimizer.step()
    >>> torch.allclose(layer.weight.norm(dim=1), torch.ones(2))
    True
    """
    return optimizer.register_step_post_hook(lambda *_: renormalise_(module))
