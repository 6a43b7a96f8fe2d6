"""Vision transformers of Dosovitskiy et al. (2021), tiny, small and base.

The widths of tiny and small are those of Touvron et al. (2021, DeiT).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypedDict, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from condlab.nn import QKNorm, SphereBlock, SphereHead, SphereLinear
from studies.models._norms import Norm, norm_factory

Layer = Callable[[int], nn.Module]


class Shape(TypedDict, total=False):
    """The sizes of a transformer for images, as of `ViT`."""

    image_size: int
    patch: int
    num_classes: int
    dim: int
    depth: int
    heads: int
    in_channels: int


class Options(Shape, total=False):
    """All that a `ViT` may be told."""

    mlp_ratio: float
    norm: Norm
    placement: Literal["pre", "post"]
    qk_norm: Norm | None


class Attention(nn.Module):
    """Multi-head self-attention with a packed in-projection.

    Parameters
    ----------
    dim, heads : int
        Width, and into how many heads it is split.
    qk_norm : callable, int or None
        From a head's width to the layer that queries and keys, shape (N, heads, T,
        dim / heads), go through, each its own; or the number of tokens, for
        `condlab.nn.QKNorm`, whose scale replaces 1 / sqrt(dim / heads).
    causal : bool
        Let a token attend to itself and to those before it alone.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        qk_norm: Layer | int | None = None,
        *,
        causal: bool = False,
    ):
        super().__init__()
        if dim % heads:
            raise ValueError(f"heads must divide the width {dim}, got {heads}")
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.qk_norm = _qk_norm(qk_norm, dim // heads)
        self.scale = 1.0 if isinstance(qk_norm, int) else None
        self.causal = causal

    def forward(self, x: Tensor) -> Tensor:
        """Return the attended tokens, shape (N, T, dim)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k = self.qk_norm(q, k)
        y = scaled_dot_product_attention(
            q, k, v, is_causal=self.causal, scale=self.scale
        )
        return self.out(y.transpose(1, 2).flatten(2))


class _Each(nn.Module):
    """A layer for the queries and one for the keys."""

    def __init__(self, norm_q: nn.Module, norm_k: nn.Module):
        super().__init__()
        self.norm_q, self.norm_k = norm_q, norm_k

    def forward(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return self.norm_q(q), self.norm_k(k)


def _qk_norm(qk_norm: Layer | int | None, width: int) -> nn.Module:
    if isinstance(qk_norm, int):
        return QKNorm(qk_norm)
    if qk_norm is None:
        return _Each(nn.Identity(), nn.Identity())
    return _Each(qk_norm(width), qk_norm(width))


class Block(nn.Module):
    """Attention and MLP, each beside a shortcut.

    Parameters
    ----------
    dim, heads, hidden : int
        Width, heads, and width of the MLP.
    norm : callable
        From a width to a layer.
    norm_first : bool
        Pre-norm, x + f(norm(x)), or post-norm, norm(x + f(x)).
    qk_norm, causal
        See `Attention`.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        hidden: int,
        norm: Layer,
        *,
        norm_first: bool = True,
        qk_norm: Layer | int | None = None,
        causal: bool = False,
    ):
        super().__init__()
        self.norm_first = norm_first
        self.norm1, self.norm2 = norm(dim), norm(dim)
        self.attention = Attention(dim, heads, qk_norm, causal=causal)
        self.mlp = nn.Sequential(
            nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens of the same shape (N, T, dim)."""
        if self.norm_first:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


class ViT(nn.Module):
    """Patches, a class token, learned positions, transformer blocks, linear head.

    Parameters
    ----------
    image_size, patch : int
        Side of the square image and of a patch.
    num_classes : int
        Outputs of the head.
    dim, depth, heads : int
        Width, blocks and heads.
    mlp_ratio : float
        Width of the MLPs over `dim`.
    norm : str or callable
        See `norm_factory`, layout "tokens".
    placement : {"pre", "post"}
        Pre-norm, with a last norm before the head, or post-norm, without.
    qk_norm : str, callable or None
        Normalisation of queries and keys: "cosine" for `condlab.nn.QKNorm`, or what
        `norm` can be.
    in_channels : int
        Channels of the image.
    """

    def __init__(
        self,
        *,
        image_size: int = 224,
        patch: int = 16,
        num_classes: int = 1000,
        dim: int = 768,
        depth: int = 12,
        heads: int = 12,
        mlp_ratio: float = 4.0,
        norm: Norm = "layer",
        placement: Literal["pre", "post"] = "pre",
        qk_norm: Norm | None = None,
        in_channels: int = 3,
    ):
        super().__init__()
        if image_size % patch:
            raise ValueError(
                f"the patch must divide the image, got {patch} and {image_size}"
            )
        layer = norm_factory(norm, "tokens")
        num_tokens = (image_size // patch) ** 2 + 1
        qk_layer = _qk_layer(qk_norm, num_tokens)
        self.embed = nn.Conv2d(in_channels, dim, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(0.02 * torch.randn(1, num_tokens, dim))
        self.blocks = nn.Sequential(
            *(
                Block(
                    dim,
                    heads,
                    round(mlp_ratio * dim),
                    layer,
                    norm_first=placement == "pre",
                    qk_norm=qk_layer,
                )
                for _ in range(depth)
            )
        )
        self.norm = layer(dim) if placement == "pre" else nn.Identity()
        self.head = nn.Linear(dim, num_classes)
        _init(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (N, num_classes), of images (N, C, H, W)."""
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


def _qk_layer(qk_norm: Norm | None, num_tokens: int) -> Layer | int | None:
    """Return what `Attention` takes for a normalisation of `ViT`."""
    if qk_norm is None:
        return None
    return num_tokens if qk_norm == "cosine" else norm_factory(qk_norm, "tokens")


def _init(model: ViT) -> None:
    # As in the authors' code: Xavier for the linear layers, a zero head.
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    fan_in = model.embed.weight[0].numel()
    nn.init.trunc_normal_(model.embed.weight, std=math.sqrt(1 / fan_in))
    assert model.embed.bias is not None  # torch's own annotation allows None
    nn.init.zeros_(model.embed.bias)
    nn.init.zeros_(model.head.weight)


def vit_tiny(**options: Unpack[Options]) -> ViT:
    """Return ViT-Ti: width 192, 12 blocks, 3 heads; the options are those of `ViT`."""
    chosen: Options = {"dim": 192, "depth": 12, "heads": 3, **options}
    return ViT(**chosen)


def vit_small(**options: Unpack[Options]) -> ViT:
    """Return ViT-S: width 384, 12 blocks, 6 heads."""
    chosen: Options = {"dim": 384, "depth": 12, "heads": 6, **options}
    return ViT(**chosen)


def vit_base(**options: Unpack[Options]) -> ViT:
    """Return ViT-B: width 768, 12 blocks, 12 heads."""
    chosen: Options = {"dim": 768, "depth": 12, "heads": 12, **options}
    return ViT(**chosen)


class SphereViT(nn.Module):
    """The normalised transformer nGPT, ported to images.

    Patches are embedded by a matrix with unit columns; unit embeddings plus positions
    are scaled to unit length and go through `condlab.nn.SphereBlock`. After each
    optimiser step call `condlab.nn.renormalise_`, or arrange for it once by
    `condlab.nn.renormalise_after`. No weight decay and no warm-up, as in the source.

    Parameters
    ----------
    image_size, patch, num_classes, dim, depth, heads, in_channels : int
        See `ViT`.
    """

    def __init__(
        self,
        *,
        image_size: int = 224,
        patch: int = 16,
        num_classes: int = 1000,
        dim: int = 192,
        depth: int = 12,
        heads: int = 3,
        in_channels: int = 3,
    ):
        super().__init__()
        if image_size % patch:
            raise ValueError(
                f"the patch must divide the image, got {patch} and {image_size}"
            )
        num_tokens = (image_size // patch) ** 2 + 1
        self.patches = nn.Unfold(patch, stride=patch)
        self.embed = SphereLinear(in_channels * patch**2, dim, axis=0)
        # Not zero: the derivative of normalising a zero vector is infinite.
        self.token = nn.Parameter(torch.randn(1, 1, dim) / math.sqrt(dim))
        self.positions = nn.Parameter(torch.randn(1, num_tokens, dim) / math.sqrt(dim))
        self.blocks = nn.Sequential(*(SphereBlock(dim, heads) for _ in range(depth)))
        self.head = SphereHead(dim, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (N, num_classes), of images (N, C, H, W)."""
        x = self.embed(self.patches(x).transpose(1, 2))
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        x = nn.functional.normalize(x, dim=-1) + self.positions
        return self.head(self.blocks(nn.functional.normalize(x, dim=-1))[:, 0])
