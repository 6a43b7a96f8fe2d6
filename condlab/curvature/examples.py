"""Small float64 networks with data, ready to be looked at.

Each maker returns what `condlab hessian` asks of a factory: the module, the criterion
and the batches.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from condlab.curvature.evaluation.losses import Criterion, make_loss
from condlab.nn import condition

STEPS = 120
Pairs = list[tuple[Tensor, Tensor]]  # of inputs and targets, one a batch
Problem = tuple[nn.Module, Criterion, Pairs]


def mlp() -> Problem:
    """Classify with a tanh network at its initialisation."""
    x = _inputs(96, 8)
    net = nn.Sequential(
        nn.Linear(8, 12), nn.Tanh(), nn.Linear(12, 12), nn.Tanh(), nn.Linear(12, 4)
    ).double()
    labels = (x[:, :4] * x[:, 4:]).argmax(dim=1)
    return net, nn.CrossEntropyLoss(), [(x[:64], labels[:64]), (x[64:], labels[64:])]


def mlp_trained() -> Problem:
    """Classify with the same network after some steps of gradient descent."""
    return _trained(*mlp())


def mlp_conditioned() -> Problem:
    """Classify with the same network, its rows conditioned, after as many steps."""
    net, criterion, batches = mlp()
    return _trained(condition(net), criterion, batches)


def regression() -> Problem:
    """Fit a smooth function with a tanh network and squared errors."""
    x = _inputs(64, 3)
    net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1)).double()
    return net, nn.MSELoss(), [(x, (x[:, :1] * x[:, 1:2]).sin())]


def cnn() -> Problem:
    """Classify small images with a convolutional network and group normalisation."""
    x = _inputs(48, 64).reshape(48, 1, 8, 8)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False),
        nn.GroupNorm(2, 8),
        nn.GELU(),
        nn.Conv2d(8, 8, 3, stride=2, bias=False),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 3),
    ).double()
    return net, nn.CrossEntropyLoss(), [(x, torch.arange(48) % 3)]


EXAMPLES: dict[str, Callable[[], Problem]] = {
    "mlp": mlp,
    "mlp-trained": mlp_trained,
    "mlp-conditioned": mlp_conditioned,
    "regression": regression,
    "cnn": cnn,
}


def example(name: str) -> Problem:
    """Return the module, the criterion and the batches of an example.

    Parameters
    ----------
    name : str
        One of `EXAMPLES`. The same name gives the same numbers, and the global
        generator is left as it was.

    Raises
    ------
    ValueError
        If there is no such example.

    Examples
    --------
    >>> net, criterion, batches = example("regression")
    >>> sum(p.numel() for p in net.parameters()), len(batches)
    (81, 1)
    """
    if name not in EXAMPLES:
        raise ValueError(f"an example is one of {', '.join(EXAMPLES)}, got {name!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return EXAMPLES[name]()


def _inputs(count: int, size: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, size, generator=generator, dtype=torch.float64)


def _trained(net: nn.Module, criterion: Criterion, batches: Pairs) -> Problem:
    loss = make_loss(net, criterion)
    params: dict[str, Tensor] = dict(net.named_parameters())
    optimiser = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)
    sizes = [len(y) for _, y in batches]
    for _ in range(STEPS):
        optimiser.zero_grad()
        for batch, size in zip(batches, sizes, strict=True):
            (loss(params, batch) * (size / sum(sizes))).backward()
        optimiser.step()
    return net, criterion, batches
