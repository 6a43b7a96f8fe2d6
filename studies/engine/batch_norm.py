"""Batch normalisation by the statistics of all ranks' samples.

torch's own `SyncBatchNorm` refuses tensors on a CPU, and exchanges nothing by which a
rank could say that it failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from studies.engine import ranks


class OverRanks(TorchFunctionMode):
    """Take the statistics of batch norms, in training, over all ranks' samples."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Do what was called, batch norms in training by `batch_norm`."""
        done: Callable[..., object] = batch_norm if func is F.batch_norm else func
        return done(*args, **(kwargs or {}))


class _Sum(torch.autograd.Function):
    """The sum over the ranks, of values and, on the way back, of gradients."""

    @staticmethod
    def forward(_ctx: object, x: Tensor) -> Tensor:
        return _sum(x)

    @staticmethod
    def backward(_ctx: object, gradient: Tensor) -> Tensor:
        return _sum(gradient)


def _sum(x: Tensor) -> Tensor:
    total = x.clone()
    ranks.add_up([total])
    return total


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Return what `torch.nn.functional.batch_norm` does of all ranks' samples.

    Parameters
    ----------
    x : Tensor, shape (samples, channels, ...)
        This rank's samples.
    running_mean, running_var, weight, bias, training, momentum, eps
        As those of torch.
    """
    if not training:
        return F.batch_norm(
            x, running_mean, running_var, weight, bias, False, momentum, eps
        )
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    over = [d for d in range(x.dim()) if d != 1]
    sums = wide.sum(over)
    own = sums.new_tensor([float(x.numel() // x.shape[1])])
    sums = _Sum.apply(torch.cat([sums, own]))
    n = float(sums[-1].detach())
    if n < 2:
        raise ValueError(f"batch norm needs 2 values a channel in training, got {n:g}")
    mean = sums[:-1] / n
    shape = [-1 if d == 1 else 1 for d in range(x.dim())]
    centred = wide - mean.view(shape)
    var = _Sum.apply(centred.square().sum(over)) / n
    with torch.no_grad():
        if running_mean is not None:
            running_mean.lerp_(mean.to(running_mean), momentum)
        if running_var is not None:
            running_var.lerp_((var * (n / (n - 1))).to(running_var), momentum)
    y = centred * (var + eps).rsqrt().view(shape)
    if weight is not None:
        y = y * weight.view(shape)
    if bias is not None:
        y = y + bias.view(shape)
    return y.to(x.dtype)
