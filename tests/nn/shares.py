"""How much of a network its table is of."""

from typing import Any

import torch
from torch import nn

from condlab.nn import layer_table


def share(
    net: nn.Module, given: nn.Module | dict[str, torch.Tensor]
) -> tuple[float, Any]:
    """Return the share of the entries of matrices that `layer_table` is of.

    Parameters
    ----------
    net : torch.nn.Module
        The network; its parameters are drawn anew.
    given : torch.nn.Module or dict
        It, or its state dict.
    """
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn_like(p))
    tensors = {
        (p.data_ptr(), tuple(p.shape)): p
        for p in net.parameters()
        if sum(n > 1 for n in p.shape) > 1
    }
    everything = sum(p.numel() for p in tensors.values())
    table = layer_table(given, scalings=False)
    return table.entries / everything, table.left_out
