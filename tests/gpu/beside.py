"""The same loss on the device and on the CPU."""

import copy

import torch
from torch import nn

from condlab.curvature import (
    make_loss,
)
from condlab.nn import condition as equilibrate


def on(device, module, batches, criterion, dtype=torch.float64):
    """Return loss, parameters and batches there, of a copy of the module."""
    twin = copy.deepcopy(module).to(device, dtype)

    def there(x):
        return x.to(device, dtype) if x.is_floating_point() else x.to(device)

    moved = [tuple(there(part) for part in batch) for batch in batches]
    return make_loss(twin, criterion), dict(twin.named_parameters()), moved


def case(method=None):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Softplus(), nn.Linear(4, 3)
    ).double()
    if method:
        equilibrate(net, method)
    x = torch.randn(9, 3, dtype=torch.float64)
    y = torch.arange(9) % 3
    return net, [(x[:5], y[:5]), (x[5:], y[5:])], nn.CrossEntropyLoss()


def both(device, make, method=None, dtype=torch.float64):
    """Return what a function makes of the problem on the CPU and on the device."""
    net, batches, criterion = case(method)
    return [
        make(*on(place, net, batches, criterion, dtype)) for place in ("cpu", device)
    ]


def vectors(n, k=3):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, k, generator=generator, dtype=torch.float64)
