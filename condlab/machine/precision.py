"""Double precision on devices that have none."""

from __future__ import annotations

from torch import Tensor

SINGLE = frozenset({"mps"})  # kinds of devices without float64


def wide(x: Tensor) -> Tensor:
    """Return a tensor in float64, on the CPU where its device has none.

    Examples
    --------
    >>> import torch
    >>> wide(torch.ones(2))
    tensor([1., 1.], dtype=torch.float64)
    """
    return (x.cpu() if x.device.type in SINGLE else x).double()
