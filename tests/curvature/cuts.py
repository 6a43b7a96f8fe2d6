"""Eight samples, ways to cut them into batches, and losses of them."""

import functools

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, jacrev

from condlab.curvature import make_loss

AGREE = {"rtol": 1e-9, "atol": 1e-11}
CUTS = {
    "whole": [(0, 8)],
    "threes": [(0, 3), (3, 6), (6, 8)],
    "ragged": [(0, 1), (1, 6), (6, 8)],
    "singles": [(i, i + 1) for i in range(8)],
}


def random(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1)).double()


def network(outputs=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, outputs)).double()


class PerToken(nn.Module):
    """Classes of each token, on the axis where torch expects them."""

    def __init__(self):
        super().__init__()
        self.body = network()

    def forward(self, x):
        return self.body(x).transpose(1, 2)


X, TOKENS = random(8, 4), random(8, 5, 4)
CLASSES = torch.tensor([0, 1, 2, 2, 0, 2, 1, 0])
IGNORED = torch.tensor([-100, 1, -100, 2, 0, 2, -100, 0])
WORDS = torch.arange(40).reshape(8, 5) % 3
PADDED = torch.where(
    torch.arange(5) < torch.tensor([1, 5, 2, 3, 5, 1, 4, 5])[:, None], WORDS, -100
)
SOFT = random(8, 3).softmax(dim=1)
REAL = random(8, 3)
SIGNS = REAL.sign()
BINARY = (REAL > 0).double()
WEIGHTS = torch.tensor([0.2, 1.0, 7.0], dtype=torch.float64)


def masked(z, y):
    """Return the sum of the losses of what has a class."""
    each = F.cross_entropy(z, y.abs() % 3, reduction="none")
    return (each * (y >= 0)).sum()


CRITERIA = {  # criterion, targets, whether the network gives classes a token
    "cross-entropy": (nn.CrossEntropyLoss(), CLASSES),
    "class weights": (nn.CrossEntropyLoss(weight=WEIGHTS), CLASSES),
    "ignored": (nn.CrossEntropyLoss(), IGNORED),
    "another ignored": (nn.CrossEntropyLoss(ignore_index=2), CLASSES),
    "weights, ignored and smoothing": (
        nn.CrossEntropyLoss(weight=WEIGHTS, label_smoothing=0.1),
        IGNORED,
    ),
    "probabilities": (nn.CrossEntropyLoss(weight=WEIGHTS, label_smoothing=0.1), SOFT),
    "cross-entropy, sum": (
        nn.CrossEntropyLoss(weight=WEIGHTS, reduction="sum"),
        IGNORED,
    ),
    "mse": (nn.MSELoss(), REAL),
    "mse, sum": (nn.MSELoss(reduction="sum"), REAL),
    "huber": (nn.HuberLoss(), REAL),
    "smooth l1": (nn.SmoothL1Loss(beta=0.5), REAL),
    "binary": (nn.BCEWithLogitsLoss(pos_weight=WEIGHTS), BINARY),
    "poisson": (nn.PoissonNLLLoss(), REAL.abs()),
    "divergence": (nn.KLDivLoss(), SOFT),
    "divergence, batch mean": (nn.KLDivLoss(reduction="batchmean"), SOFT),
    "soft margin": (nn.SoftMarginLoss(), SIGNS),
    "many labels": (nn.MultiLabelSoftMarginLoss(), BINARY),
    "gaussian": (lambda z, y: F.gaussian_nll_loss(z, y, z.exp()), REAL),
    "triplets": (lambda z, y: F.triplet_margin_loss(z, y, -y, margin=9.0), REAL),
    "own mean": (lambda z, y: 0.5 * (z - y).square().sum(dim=1).mean(), REAL),
    "own sum": (lambda z, y: (z - y).square().sum(), REAL),
    "sum by size": (lambda z, y: F.mse_loss(z, y, reduction="sum") / len(y), REAL),
    "masked": (lambda z, y: masked(z, y) / (y >= 0).sum(), IGNORED),
    "masked, with a floor": (
        lambda z, y: masked(z, y) / (y >= 0).sum().clamp(1),
        IGNORED,
    ),
    "masked, with a number for a floor": (
        lambda z, y: masked(z, y) / max(int((y >= 0).sum()), 1),
        IGNORED,
    ),
    "hinge over a count": (
        lambda z, y: F.relu(z.square().sum(1) - 0.5).sum() / (y >= 0).double().sum(),
        CLASSES,
    ),
    "weighted by hand": (
        lambda z, y: (
            F.cross_entropy(z, y, reduction="none") @ WEIGHTS[y] / WEIGHTS[y].sum()
        ),
        CLASSES,
    ),
    "selected": (
        lambda z, y: F.cross_entropy(z[y >= 0], y[y >= 0], weight=WEIGHTS),
        IGNORED,
    ),
    "tokens": (nn.CrossEntropyLoss(), PADDED),
    "tokens by class": (nn.CrossEntropyLoss(weight=WEIGHTS), PADDED),
    "tokens, sum": (nn.CrossEntropyLoss(reduction="sum"), PADDED),
    "tokens, flattened": (
        lambda z, y: F.cross_entropy(z.transpose(1, 2).flatten(0, 1), y.flatten()),
        PADDED,
    ),
    "tokens, shifted": (lambda z, y: F.cross_entropy(z[:, :, :-1], y[:, 1:]), PADDED),
}


def problem(name):
    criterion, y = CRITERIA[name]
    tokens = name.startswith("tokens")
    net = PerToken() if tokens else network()
    return net, criterion, TOKENS if tokens else X, y


@functools.cache
def truth(name):
    """Return the Hessian of the whole data's loss."""
    net, criterion, x, y = problem(name)
    params = {name: p.detach() for name, p in net.named_parameters()}
    blocks = jacrev(jacrev(lambda p: criterion(functional_call(net, p, (x,)), y)))(
        params
    )
    rows = [
        torch.cat([blocks[a][b].reshape(params[a].numel(), -1) for b in params], dim=1)
        for a in params
    ]
    return torch.cat(rows)


def parts(name, cut):
    net, criterion, x, y = problem(name)
    batches = [(x[a:b], y[a:b]) for a, b in CUTS[cut]]
    return make_loss(net, criterion), dict(net.named_parameters()), batches
