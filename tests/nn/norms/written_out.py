"""Images, and how near a formula's terms come."""

import torch
from torch import nn

# Sums of up to 2^10 products in float64, divided by deviations near one.
CLOSE = {"rtol": 2**12 * 2.0**-52, "atol": 2**12 * 2.0**-52}


def images(n=6, c=4, h=5, w=5):
    """Return images whose channels have different means and deviations."""
    scale = torch.linspace(0.5, 3, c)[:, None, None]
    return torch.randn(n, c, h, w) * scale + scale.flip(0)


def shuffled(layer):
    """Return a layer with random scale and shift, so that they are seen."""
    for p in (layer.weight, layer.bias):
        nn.init.uniform_(p, 0.5, 1.5)
    return layer


def with_parameters_of(layer, other):
    other.weight, other.bias = layer.weight, layer.bias
    return other
