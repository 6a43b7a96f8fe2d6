"""Second differences of a loss's value, and networks to take them of."""

import pytest
import torch
from torch import nn

STEP = 2e-3  # Richardson leaves h^4 = 2e-11 and rounding eps / h^2 = 6e-11 of the loss
PAIRS = 4


def second_difference(loss, params, batches, u, v):
    """Return u'Hv of the mean loss over all samples, from values alone, to h^4."""

    def value(motion):
        parts, start, total = {}, 0, 0.0
        for name, p in params.items():
            part = motion[start : start + p.numel()].view(p.shape)
            parts[name], start = (p.detach() + part), start + p.numel()
        count = sum(len(batch[0]) for batch in batches)
        for batch in batches:
            total += float(loss(parts, batch).detach()) * len(batch[0]) / count
        return total

    def central(h):
        return (
            value(h * (u + v))
            - value(h * (u - v))
            - value(h * (v - u))
            + value(-h * (u + v))
        ) / (4 * h * h)

    return (4 * central(STEP / 2) - central(STEP)) / 3


def agrees(A, loss, params, batches):
    generator = torch.Generator().manual_seed(5)
    for _ in range(PAIRS):
        u, v = torch.randn(2, len(A), generator=generator, dtype=torch.float64)
        u, v = u / u.norm(), v / v.norm()
        truth = second_difference(loss, params, batches, u, v)
        assert float(u @ A @ v) == pytest.approx(
            truth, abs=1e-8 * (1 + float(A.norm()))
        )


def network(outputs=1):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, outputs)).double()


def data(width=1):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(7, 2, generator=generator, dtype=torch.float64)
    y = torch.randn(7, width, generator=generator, dtype=torch.float64)
    return [(x[:4], y[:4]), (x[4:], y[4:])]
