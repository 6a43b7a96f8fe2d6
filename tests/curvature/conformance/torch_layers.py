"""Rows of the table: torch's layers and functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condlab.curvature import make_loss
from tests.curvature.conformance.judge import Problem, Row
from tests.curvature.conformance.torch_losses import (
    BATCH,
    KINKED_LOSSES,
    LOSSES,
    drawn,
)


def of_module(net: nn.Module, x: Any, criterion: Any = None) -> Problem:
    """Return the loss of a module, by squared errors where no criterion is given."""
    net = net.double().eval()
    with torch.no_grad():
        out = net(*x) if isinstance(x, tuple) else net(x)
    y = torch.randn_like(out)
    loss = make_loss(net, criterion or nn.MSELoss())
    return loss, dict(net.named_parameters()), (x, y)


def layer(make: Callable[[], nn.Module], *shape: int) -> Callable[[], Problem]:
    """Return a problem: linear, the layer, a smooth function, linear."""

    def problem() -> Problem:
        first = nn.Linear(shape[-1], shape[-1])
        net = nn.Sequential(first, make(), nn.Tanh(), nn.Flatten(), nn.LazyLinear(2))
        x = drawn(BATCH, *shape)
        net.double()(x)  # the lazy one takes its shape
        return of_module(net, x)

    return problem


LAYERS: dict[str, Callable[[], Problem]] = {
    "Linear": layer(lambda: nn.Linear(4, 3), 4),
    "Conv1d": layer(lambda: nn.Conv1d(2, 3, 2), 2, 4),
    "Conv2d, strided": layer(lambda: nn.Conv2d(1, 3, 2, stride=2), 1, 4, 4),
    "Conv2d, depthwise": layer(lambda: nn.Conv2d(2, 2, 2, groups=2), 2, 3, 3),
    "Conv2d, circular": layer(
        lambda: nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), 1, 3, 3
    ),
    "Conv3d": layer(lambda: nn.Conv3d(1, 2, 2), 1, 2, 3, 3),
    "ConvTranspose2d": layer(lambda: nn.ConvTranspose2d(1, 2, 2), 1, 3, 3),
    "LayerNorm": layer(lambda: nn.LayerNorm(4), 4),
    "LayerNorm of images": layer(lambda: nn.LayerNorm([2, 3]), 2, 3),
    "RMSNorm": layer(lambda: nn.RMSNorm(4), 4),
    "GroupNorm": layer(lambda: nn.GroupNorm(2, 4), 4, 3),
    "InstanceNorm1d, affine": layer(lambda: nn.InstanceNorm1d(2, affine=True), 2, 4),
    "BatchNorm1d, running": layer(lambda: nn.BatchNorm1d(4), 4),
    "BatchNorm1d, batch": layer(
        lambda: nn.BatchNorm1d(4, track_running_stats=False), 4
    ),
    "BatchNorm2d, batch": layer(
        lambda: nn.BatchNorm2d(2, track_running_stats=False), 2, 2, 3
    ),
    "LocalResponseNorm": layer(lambda: nn.LocalResponseNorm(2), 4, 3),
    "AvgPool2d": layer(lambda: nn.AvgPool2d(2), 1, 4, 4),
    "LPPool1d": layer(lambda: nn.LPPool1d(2, 2), 2, 4),
    "Upsample, bicubic": layer(
        lambda: nn.Upsample(scale_factor=2, mode="bicubic"), 1, 3, 3
    ),
    "PixelShuffle": layer(lambda: nn.PixelShuffle(2), 4, 2, 2),
    "Unfold": layer(lambda: nn.Unfold(2), 1, 3, 3),
    "GELU": layer(nn.GELU, 4),
    "SiLU": layer(nn.SiLU, 4),
    "Mish": layer(nn.Mish, 4),
    "Softplus": layer(nn.Softplus, 4),
    "CELU": layer(nn.CELU, 4),
    "GLU": layer(nn.GLU, 4),
    "Softmax": layer(lambda: nn.Softmax(dim=-1), 4),
    "LogSoftmax": layer(lambda: nn.LogSoftmax(dim=-1), 4),
    "Bilinear": lambda: _bilinear(),
    "TransformerEncoderLayer": layer(
        lambda: nn.TransformerEncoderLayer(4, 2, 6, 0.0, "gelu", batch_first=True), 3, 4
    ),
}
KINKED: dict[str, Callable[[], Problem]] = {
    "ReLU": layer(nn.ReLU, 4),
    "PReLU": layer(nn.PReLU, 4),
    "ELU": layer(nn.ELU, 4),
    "Hardswish": layer(nn.Hardswish, 4),
    "MaxPool2d": layer(lambda: nn.MaxPool2d(2), 1, 4, 4),
    "AdaptiveMaxPool1d": layer(lambda: nn.AdaptiveMaxPool1d(2), 2, 4),
}


def _bilinear() -> Problem:
    return of_module(nn.Bilinear(3, 4, 2), (drawn(BATCH, 3), drawn(BATCH, 4)))


class Calling(nn.Module):
    """A module whose forward is a function of it."""

    def __init__(self, forward: Callable, **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self._forward = forward

    def forward(self, *x: Any) -> Any:
        """Return what the function gives."""
        return self._forward(self, *x)


def embedded(make: Callable[[], nn.Module], **ids: Any) -> Callable[[], Problem]:
    """Return a problem that starts with a table."""

    def problem() -> Problem:
        net = Calling(
            lambda m, x: m.head(torch.tanh(m.table(x)).flatten(1)),
            table=make(),
            head=nn.LazyLinear(2),
        ).double()
        x = torch.tensor([[1, 2, 0], [3, 0, 0], [4, 1, 0], [2, 2, 1]])
        net(x)
        return of_module(net, x)

    return problem


def recurrent(make: Callable[[], nn.Module]) -> Callable[[], Problem]:
    """Return a problem of a recurrent layer."""

    def problem() -> Problem:
        net = Calling(
            lambda m, x: m.head(m.rnn(x)[0][:, -1]), rnn=make(), head=nn.LazyLinear(2)
        ).double()
        x = drawn(3, 4, 3)
        net(x)
        return of_module(net, x)

    return problem


def attending(**options: Any) -> Callable[[], Problem]:
    """Return a problem of torch's attention."""

    def problem() -> Problem:
        net = Calling(
            lambda m, x: m.head(m.attention(x, x, x)[0].mean(dim=1)),
            attention=nn.MultiheadAttention(4, 2, batch_first=True, **options),
            head=nn.Linear(4, 2),
        )
        return of_module(net, drawn(3, 4, 4))

    return problem


def function(f: Callable[[Tensor], Tensor], *shape: int) -> Callable[[], Problem]:
    """Return the mean of f of a parameter's product with data."""

    def problem() -> Problem:
        def loss(p: dict[str, Tensor], x: Tensor) -> Tensor:
            return f(torch.einsum("bij,jk->bik", x, p["W"])).mean()

        params = {"W": drawn(shape[1], shape[1]) / 2}
        return loss, params, drawn(3, *shape)

    return problem


def _positive(z: Tensor) -> Tensor:
    return z @ z.mT + torch.eye(z.shape[-1], dtype=z.dtype)


FUNCTIONS: dict[str, Callable[[], Problem]] = {
    "grid_sample": lambda: _plane(),
    "scaled_dot_product_attention, causal": function(
        lambda z: F.scaled_dot_product_attention(z, z, z, is_causal=True).square(), 3, 4
    ),
    "linalg.svdvals": function(torch.linalg.svdvals, 3, 3),
    "linalg.eigvalsh": function(lambda z: torch.linalg.eigvalsh(_positive(z)), 3, 3),
    "linalg.solve": function(
        lambda z: torch.linalg.solve(_positive(z), z.mT).square(), 3, 3
    ),
    "logdet": function(lambda z: torch.logdet(_positive(z)), 3, 3),
    "cholesky": function(lambda z: torch.linalg.cholesky(_positive(z)).square(), 3, 3),
    "cholesky_inverse": function(
        lambda z: torch.cholesky_inverse(torch.linalg.cholesky(_positive(z))), 3, 3
    ),
    "matrix_exp": function(lambda z: torch.matrix_exp(z / 4), 3, 3),
    "linalg.pinv": function(lambda z: torch.linalg.pinv(_positive(z)).square(), 3, 3),
    "fft.rfft, absolute squares": function(
        lambda z: torch.fft.rfft(z).abs().square().tanh(), 3, 4
    ),
    "scatter_reduce, prod": function(
        lambda z: torch.ones_like(z[..., :2]).scatter_reduce(
            -1, torch.tensor([0, 1, 0, 1]).expand(z.shape), z, "prod"
        ),
        3,
        4,
    ),
    "index_add": function(
        lambda z: (
            torch.zeros_like(z).index_add(1, torch.tensor([0, 0, 2]), z.sin()).square()
        ),
        3,
        4,
    ),
    "cumprod": function(lambda z: z.cumprod(-1), 3, 3),
    "logcumsumexp": function(lambda z: z.logcumsumexp(-1), 3, 3),
    "logsumexp": function(lambda z: z.logsumexp(-1), 3, 3),
    "cdist": function(lambda z: torch.cdist(z, z.flip(1) + 3).square(), 3, 3),
    "special.i0e": function(torch.special.i0e, 3, 3),
    "lgamma": function(lambda z: torch.lgamma(z.square() + 1), 3, 3),
}


def _plane() -> Problem:
    x = torch.tanh(drawn(BATCH, 2))

    def loss(p: dict[str, Tensor], x: Tensor) -> Tensor:
        read = F.grid_sample(p["plane"], x[None, None], align_corners=True)
        return torch.tanh(read).square().mean()

    return loss, {"plane": drawn(1, 3, 3, 3)}, x


OTHERS: dict[str, Callable[[], Problem]] = {
    "Embedding": embedded(lambda: nn.Embedding(5, 3)),
    "EmbeddingBag": embedded(lambda: nn.EmbeddingBag(5, 3, mode="mean")),
    "MultiheadAttention": attending(),
    "MultiheadAttention, bias_kv": attending(add_bias_kv=True, add_zero_attn=True),
    "LSTM": recurrent(lambda: nn.LSTM(3, 2, batch_first=True)),
    "LSTM, projected, both ways": recurrent(
        lambda: nn.LSTM(3, 3, proj_size=2, bidirectional=True, batch_first=True)
    ),
    "GRU": recurrent(lambda: nn.GRU(3, 2, batch_first=True)),
    "RNN": recurrent(lambda: nn.RNN(3, 2, batch_first=True)),
}
ONCE = (
    "EmbeddingBag",
    "cdist",
    "CTCLoss",
    "MultiMarginLoss",
)  # torch has one derivative


def _row(group: str, name: str, make: Callable[[], Problem], **options: Any) -> Row:
    refused = "cannot differentiate this loss twice" if name in ONCE else ""
    return Row(group, name, make, refused=refused, **options)


ROWS = (
    *(_row("layer", name, make) for name, make in {**LAYERS, **OTHERS}.items()),
    Row(
        "layer",
        "Embedding, padding_idx",
        embedded(lambda: nn.Embedding(5, 3, padding_idx=0)),
        constant=("table.weight", 0),
    ),
    *(Row("layer", name, make, kinked=True) for name, make in KINKED.items()),
    *(_row("function", name, make) for name, make in FUNCTIONS.items()),
    *(_row("criterion", name, make) for name, make in LOSSES.items()),
    *(
        _row("criterion", name, make, kinked=True)
        for name, make in KINKED_LOSSES.items()
    ),
)
