"""Losses of torch modules whose Hessians are exact: weights, ties, masks, gates.

The inputs are torch's and are built when they are asked for; the truth is a jet in
rationals of what the module computes, and torch has no part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from condlab.audit.catalogue.model_loss import ModelLoss, tensor, with_parameters
from condlab.audit.jets import Jet, log_sum_exp

if TYPE_CHECKING:
    from torch import Tensor, nn

Jets = Sequence[Jet]
X = ((1, 2), (-1, 1), (3, -1))  # three samples: two do not divide them
Y = ((1, 0), (0, 2), (1, 1))
LABELS = (0, 1, 1)
CLASS_WEIGHTS = (1, 3)
IGNORED = -100  # torch's label for samples that do not count


def _dot(weights: Jets, row: Sequence[int | Jet]) -> Jet:
    products = [w * x for w, x in zip(weights, row, strict=True)]
    return sum(products[1:], products[0])


def _mse(outputs: Sequence[Jet], targets: Sequence[int]) -> Jet:
    squares = [(f - y).square() for f, y in zip(outputs, targets, strict=True)]
    return sum(squares[1:], squares[0]) / len(squares)


def _linear() -> ModelLoss:
    from torch import nn

    return ModelLoss(
        with_parameters(nn.Linear(2, 2), [1, 2, 3, 4, 5, 6]),
        nn.MSELoss(),
        tensor(X),
        tensor(Y),
    )


def _linear_jet(t: Jets) -> Jet:
    outputs = [_dot(t[2 * k : 2 * k + 2], x) + t[4 + k] for x in X for k in range(2)]
    return _mse(outputs, [y for row in Y for y in row])


def _softmax(
    labels: Sequence[int] = LABELS, weights: Sequence[int] | None = None
) -> ModelLoss:
    from torch import nn

    return ModelLoss(
        with_parameters(nn.Linear(2, 2, bias=False), [0] * 4),
        nn.CrossEntropyLoss(None if weights is None else tensor(weights)),
        tensor(X),
        tensor(labels, "int64"),
    )


def _softmax_jet(t: Jets, weights: Sequence[int] = (1, 1, 1)) -> Jet:
    losses = []
    for x, y, weight in zip(X, LABELS, weights, strict=True):
        scores = [_dot(t[:2], x), _dot(t[2:], x)]
        losses.append((log_sum_exp(scores) - scores[y]) * weight)
    return sum(losses[1:], losses[0]) / sum(weights)


def _relu() -> ModelLoss:
    from torch import nn

    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    return ModelLoss(
        with_parameters(module, [1, 1, -1, 2, 1, 1, 2, -1, 1]),
        nn.MSELoss(),
        tensor(X),
        tensor([[1], [2], [0]]),
    )


def _relu_jet(t: Jets) -> Jet:
    outputs = []
    for x in X:
        hidden = [(_dot(t[2 * k : 2 * k + 2], x) + t[4 + k]).relu() for k in range(2)]
        outputs.append(_dot(t[6:8], hidden) + t[8])
    return _mse(outputs, [1, 2, 0])


@cache
def _modules() -> dict[str, type[nn.Module]]:
    """Return classes of modules; torch is needed for their base."""
    import torch
    from torch import nn

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.layer(x))

    class Quadratic(nn.Module):
        def __init__(self, A: np.ndarray) -> None:
            super().__init__()
            self.A: Tensor
            self.register_buffer("A", torch.tensor(A))
            self.theta = nn.Parameter(torch.zeros(len(A), dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            return x * (self.theta @ (self.A @ self.theta)) / 2

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q = nn.Linear(1, 1, bias=False)
            self.k = nn.Linear(1, 1, bias=False)
            self.v = nn.Linear(1, 1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            x = x[..., None]
            q, k, v = (f(x) for f in (self.q, self.k, self.v))
            return nn.functional.scaled_dot_product_attention(q, k, v)[..., 0]

    return {"tied": Tied, "quadratic": Quadratic, "attention": Attention}


def _tied() -> ModelLoss:
    from torch import nn

    module = with_parameters(_modules()["tied"](), [1, 2, 0, 1])
    return ModelLoss(module, nn.MSELoss(), tensor(X), tensor(Y))


def _tied_jet(t: Jets) -> Jet:
    outputs = []
    for x in X:
        hidden = [_dot(t[:2], x), _dot(t[2:], x)]
        outputs += [_dot(t[:2], hidden), _dot(t[2:], hidden)]
    return _mse(outputs, [y for row in Y for y in row])


def _weight_norm() -> ModelLoss:
    from torch import nn

    layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1, bias=False))
    return ModelLoss(
        with_parameters(layer, [2, 3, 4]),
        nn.MSELoss(),
        tensor(X),
        tensor([[1], [2], [0]]),
    )


def _weight_norm_jet(t: Jets) -> Jet:
    length = (t[1] * t[1] + t[2] * t[2]).sqrt()
    return _mse([t[0] * _dot(t[1:], x) / length for x in X], [1, 2, 0])


def _layer_norm() -> ModelLoss:
    from torch import nn

    module = nn.Sequential(nn.Linear(1, 2), nn.LayerNorm(2, eps=1.0))
    return ModelLoss(
        with_parameters(module, [0.75, -0.75, 0, 0, 1, 2, 0.5, 0]),
        nn.MSELoss(),
        tensor([[1], [-1], [0]]),
        tensor(Y),
    )


def _layer_norm_jet(t: Jets) -> Jet:
    outputs = []
    for x in (1, -1, 0):
        a, b = t[0] * x + t[2], t[1] * x + t[3]
        half = (a - b) / 2  # the values are half and -half off their mean
        unit = half / (half.square() + 1).sqrt()
        outputs += [unit * t[4] + t[6], -unit * t[5] + t[7]]
    return _mse(outputs, [y for row in Y for y in row])


def _embedding() -> ModelLoss:
    from torch import nn

    module = nn.Sequential(nn.Embedding(3, 1, padding_idx=0), nn.Flatten())
    return ModelLoss(
        with_parameters(module, [0, 2, 3]),
        nn.MSELoss(),
        tensor([[0, 1], [2, 1], [0, 0]], "int64"),
        tensor(Y),
    )


def _embedding_jet(t: Jets) -> Jet:
    rows = [t[0] * 0, t[1], t[2]]  # the padding row gets no gradient: documented
    return _mse([rows[i] for i in (0, 1, 2, 1, 0, 0)], [y for row in Y for y in row])


def _attention() -> ModelLoss:
    from torch import nn

    module = with_parameters(_modules()["attention"](), [0, 1, 2])
    return ModelLoss(module, nn.MSELoss(), tensor(X), tensor(Y))


def _attention_jet(t: Jets) -> Jet:
    """Return the loss with queries of zero: all scores are zero, all weights 1/2."""
    outputs = []
    for sample in X:
        for mine in sample:
            weights = [(t[0] * mine * t[1] * other).exp() for other in sample]
            mixed = _dot([t[2] * w for w in weights], sample)
            outputs.append(mixed / (weights[0] + weights[1]))
    return _mse(outputs, [y for row in Y for y in row])


def _convolution() -> ModelLoss:
    from torch import nn

    module = nn.Sequential(nn.Conv2d(1, 1, 2), nn.Flatten(), nn.Tanh(), nn.Linear(1, 1))
    images = [[[[1, 2], [3, 4]]], [[[0, 1], [1, 0]]], [[[2, 0], [0, -1]]]]
    return ModelLoss(
        with_parameters(module, [0, 0, 0, 0, 0, 2, 1]),
        nn.MSELoss(),
        tensor(images),
        tensor([[1], [2], [0]]),
    )


def _convolution_jet(t: Jets) -> Jet:
    images = ((1, 2, 3, 4), (0, 1, 1, 0), (2, 0, 0, -1))
    outputs = [(_dot(t[:4], x) + t[4]).tanh() * t[5] + t[6] for x in images]
    return _mse(outputs, [1, 2, 0])


def quadratic(A: np.ndarray) -> ModelLoss:
    """Return the loss t' A t / 2 at t = 0, whose Hessian is the symmetric A."""
    module = _modules()["quadratic"](A)
    return ModelLoss(module, lambda out, y: (out - y).mean(), tensor([1]), tensor([0]))


LAYERS: tuple[tuple[str, Callable[[], ModelLoss], Callable[[Jets], Jet], str], ...] = (
    ("linear, squared error", _linear, _linear_jet, "2 X'X / N for each output"),
    ("softmax regression", _softmax, _softmax_jet, "cross entropy at equal scores"),
    (
        "weighted classes",
        lambda: _softmax(weights=CLASS_WEIGHTS),
        lambda t: _softmax_jet(t, [CLASS_WEIGHTS[y] for y in LABELS]),
        "the mean divides by the sum of the weights",
    ),
    (
        "an ignored label",
        lambda: _softmax((0, 1, IGNORED)),
        lambda t: _softmax_jet(t, (1, 1, 0)),
        "the mean divides by the labels that count",
    ),
    ("two layers and relu", _relu, _relu_jet, "off every kink"),
    ("tied weights", _tied, _tied_jet, "one layer used twice"),
    ("weight normalisation", _weight_norm, _weight_norm_jet, "Salimans, Kingma 2016"),
    ("layer normalisation", _layer_norm, _layer_norm_jet, "Ba et al. 2016"),
    ("embedding with padding", _embedding, _embedding_jet, "a row without gradient"),
    ("attention at equal scores", _attention, _attention_jet, "Vaswani et al. 2017"),
    ("convolution and tanh", _convolution, _convolution_jet, "at tanh's inflection"),
)
