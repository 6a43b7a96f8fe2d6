"""A network to watch, and its training."""

import torch
from torch import nn


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 3)
    )


torch.manual_seed(1)
X, Y = torch.randn(16, 4), torch.randint(3, (16,))


def loss(net):
    return nn.functional.cross_entropy(net(X), Y)


def trained(steps, make=None):
    net = network()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    monitor = make(net, optimiser) if make else None
    torch.manual_seed(2)
    for _ in range(steps):
        run_step(net, optimiser)
        if monitor:
            monitor.step()
    return net, monitor


def run_step(net, optimiser):
    optimiser.zero_grad()
    loss(net).backward()
    optimiser.step()
