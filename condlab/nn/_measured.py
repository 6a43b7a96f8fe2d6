"""The weight that a layer of a subclass applies, found by looking at what it does.

A subclass of a linear or convolutional layer may mask, standardize or scale its weight
in its own forward pass, as masked autoregressive layers and ``StdConv2d`` do; then the
weight it stores is not the one it multiplies with.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd
from torch.overrides import TorchFunctionMode

CONVOLUTIONS: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Conv1d: torch.conv1d,
    nn.Conv2d: torch.conv2d,
    nn.Conv3d: torch.conv3d,
    nn.ConvTranspose1d: torch.conv_transpose1d,
    nn.ConvTranspose2d: torch.conv_transpose2d,
    nn.ConvTranspose3d: torch.conv_transpose3d,
}
BASES = (nn.Linear, nn.Embedding, *CONVOLUTIONS)
STEPS = ("forward", "_conv_forward")


def overridden(layer: nn.Module) -> bool:
    """Tell whether a layer has another forward pass than its class of torch."""
    base = _base(layer)
    return base is not None and any(
        name in vars(layer) or getattr(type(layer), name) is not getattr(base, name)
        for name in STEPS
        if hasattr(base, name)
    )


def measured(layer: nn.Module) -> Tensor | None:
    """Return the weight that an overridden layer applies, of the stored one's shape.

    Parameters
    ----------
    layer : torch.nn.Module
        Of a subclass of one of `BASES`. A copy is asked, in eval mode and float64.

    Returns
    -------
    Tensor or None
        None where the forward pass wants other arguments, or is no affine map.
    """
    # In its own type where a forward pass that was put on the object, say, sees to it
    # that not all of it is float64.
    for dtype in (torch.float64, next(layer.parameters()).dtype):
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            try:
                found = _probe(copy.deepcopy(layer).cpu().to(dtype).eval(), dtype)
            except Exception:  # a user's forward may raise anything when it is probed
                continue
            return None if found is None else found.double()
    return None


def altered_by(layer: nn.Module, tensor: str) -> str:
    """Return the class whose forward pass changes a weight again, or nothing."""
    if tensor != "weight" or not overridden(layer):
        return ""
    found, stored = measured(layer), getattr(layer, tensor)
    if found is None and isinstance(layer, nn.Embedding):
        return ""  # a look-up of positions, say, which does not take numbers of rows
    if found is not None and same_up_to_a_factor(found, stored):
        return ""
    return type(layer).__name__.removeprefix("Parametrized")


def same_up_to_a_factor(found: Tensor, stored: Tensor) -> bool:
    """Tell whether one weight is a positive multiple of the other, up to rounding."""
    W, M = stored.detach().cpu().double().flatten(), found.flatten()
    if W.shape != M.shape or not M.isfinite().all():
        return False
    factor = (W @ M) / torch.where((W @ W) > 0, W @ W, 1)
    # Every entry is a sum of a product and zeros; the subclass may round once more.
    unit = torch.finfo(stored.dtype).eps
    near = (M - factor * W).abs().amax() <= 8 * unit * M.abs().amax()
    return bool(near) and (bool(factor > 0) or not M.any())


def _base(layer: nn.Module) -> type[nn.Module] | None:
    return next((base for base in BASES if isinstance(layer, base)), None)


def _probe(layer: nn.Module, dtype: torch.dtype) -> Tensor | None:
    if isinstance(layer, nn.Embedding):
        rows = layer(torch.arange(layer.num_embeddings))
        return rows if rows.shape == layer.weight.shape else None
    if isinstance(layer, nn.Linear):
        M = _matrix(layer.forward, layer.in_features, dtype)
        if M is not None:
            return M
        return _seen(layer, F.linear, torch.randn(1, layer.in_features, dtype=dtype))
    assert isinstance(layer, _ConvNd)  # as all other classes of `BASES`
    convolve = next(f for kind, f in CONVOLUTIONS.items() if isinstance(layer, kind))
    extent = [
        2 * (k - 1) * d + 2 * s
        for k, d, s in zip(layer.kernel_size, layer.dilation, layer.stride, strict=True)
    ]
    x = torch.randn(1, layer.in_channels, *extent, dtype=dtype)
    return _seen(layer, convolve, x)


def _matrix(
    forward: Callable[[Tensor], Tensor], n: int, dtype: torch.dtype
) -> Tensor | None:
    """Return the matrix of an affine map of vectors, or None if it is not affine."""
    zero = forward(torch.zeros(1, n, dtype=dtype))
    M = forward(torch.eye(n, dtype=dtype)) - zero
    x = torch.randn(2, n, dtype=dtype)
    off = (forward(x) - zero - x @ M).abs().amax()
    sizes = x.abs() @ M.abs() + zero.abs()
    return M.mT if off <= 4 * n * torch.finfo(x.dtype).eps * sizes.amax() else None


def _seen(layer: nn.Module, apply: Callable[..., Tensor], x: Tensor) -> Tensor | None:
    """Return the weight that one call gets, times the factor its result is given."""
    calls = []
    for probe in (x, torch.zeros_like(x)):
        with _Recorder(apply) as seen:
            out = layer.forward(probe)
        if len(seen.calls) != 1 or out.shape != seen.calls[0][1].shape:
            return None
        calls.append((*seen.calls[0], out))
    (W, inner, outer), (other, inner_0, outer_0) = calls
    if not torch.equal(W, other):  # it depends on the input
        return None
    inside, outside = inner - inner_0, outer - outer_0
    factor = (inside * outside).sum() / (inside * inside).sum()
    eps = torch.finfo(W.dtype).eps
    off = (outside - factor * inside).abs().amax()
    return W * factor if off <= W.numel() * eps * outer.abs().amax() else W


class _Recorder(TorchFunctionMode):
    """Keep weight and result of each call of one function of torch."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function
        self.calls: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(
        self,
        func: Callable,
        types: object,
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if func is self.function:
            weight = args[1] if len(args) > 1 else kwargs["weight"]
            self.calls.append((weight.clone(), out))
        return out
