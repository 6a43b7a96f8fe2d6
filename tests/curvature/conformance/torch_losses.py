"""Rows of the table: torch's losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from condlab.curvature import make_loss
from tests.curvature.conformance.judge import Problem

BATCH, WIDTH = 6, 4


def drawn(*shape: int) -> Tensor:
    """Return standard normal numbers; the seed is the row's."""
    return torch.randn(shape, dtype=torch.float64)


def criterion(make: Any, targets: Callable[[Tensor], Any]) -> Callable[[], Problem]:
    """Return a problem of a criterion after a tanh network."""

    def problem() -> Problem:
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, WIDTH)).double()
        x = drawn(BATCH, 3)
        y = targets(net(x).detach())
        return make_loss(net, make), dict(net.named_parameters()), (x, y)

    return problem


def _classes(out: Tensor) -> Tensor:
    return torch.arange(len(out)) % out.shape[1]


def _signs(out: Tensor) -> Tensor:
    return torch.randn_like(out).sign()


def _soft(out: Tensor) -> Tensor:
    return torch.rand_like(out).softmax(dim=1)


def _some_ignored(out: Tensor) -> Tensor:
    return torch.where(torch.arange(len(out)) % 3 == 0, -100, _classes(out))


def _ctc(out: Tensor, y: Tensor) -> Tensor:
    sequence = out[:, None].log_softmax(-1)  # six steps of one sample
    return F.ctc_loss(sequence, y[None], torch.tensor([6]), torch.tensor([2]))


LOSSES: dict[str, Callable[[], Problem]] = {
    "MSELoss": criterion(nn.MSELoss(), torch.randn_like),
    "MSELoss, sum": criterion(nn.MSELoss(reduction="sum"), torch.randn_like),
    "CrossEntropyLoss": criterion(nn.CrossEntropyLoss(), _classes),
    "CrossEntropyLoss, smoothed": criterion(
        nn.CrossEntropyLoss(label_smoothing=0.1), _classes
    ),
    "CrossEntropyLoss, weighted": criterion(
        nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 0.5, 3.0]).double()), _classes
    ),
    "CrossEntropyLoss, ignoring": criterion(nn.CrossEntropyLoss(), _some_ignored),
    "CrossEntropyLoss, probabilities": criterion(nn.CrossEntropyLoss(), _soft),
    "BCEWithLogitsLoss": criterion(nn.BCEWithLogitsLoss(), torch.rand_like),
    "KLDivLoss": criterion(
        lambda out, y: F.kl_div(out.log_softmax(1), y, reduction="batchmean"), _soft
    ),
    "PoissonNLLLoss": criterion(nn.PoissonNLLLoss(), torch.rand_like),
    "GaussianNLLLoss": criterion(
        lambda out, y: F.gaussian_nll_loss(out[:, :2], y[:, :2], out[:, 2:].exp()),
        torch.randn_like,
    ),
    "SoftMarginLoss": criterion(nn.SoftMarginLoss(), _signs),
    "MultiLabelSoftMarginLoss": criterion(
        nn.MultiLabelSoftMarginLoss(), lambda out: (_signs(out) + 1) / 2
    ),
    "CosineEmbeddingLoss": criterion(
        lambda out, y: F.cosine_embedding_loss(out, y, torch.ones(len(y))),
        torch.randn_like,
    ),
    "CTCLoss": criterion(_ctc, lambda _: torch.tensor([1, 2])),
}
KINKED_LOSSES: dict[str, Callable[[], Problem]] = {
    "HuberLoss": criterion(nn.HuberLoss(), torch.randn_like),
    "SmoothL1Loss": criterion(nn.SmoothL1Loss(), torch.randn_like),
    "L1Loss": criterion(nn.L1Loss(), torch.randn_like),
    "MultiMarginLoss": criterion(nn.MultiMarginLoss(), _classes),
    "TripletMarginLoss": criterion(
        lambda out, y: F.triplet_margin_loss(out, y, y.flip(0)), torch.randn_like
    ),
    "HingeEmbeddingLoss": criterion(nn.HingeEmbeddingLoss(), _signs),
}
