"""A linear model of features of very different units, by gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from condlab import cond_2
from condlab.errors import missing_extra
from condlab.inputs import Method
from condlab.nn import normalise_inputs
from studies.engine.loop import Task
from studies.survey.config import FEATURES, Config

METHODS: Mapping[str, Method] = {m: m for m in ("min-max", "z-score", "robust")}
KEPT = 0.8  # of the rows, by the seed, the others are to test with


@cache
def features(name: str) -> tuple[Tensor, Tensor]:
    """Return the features as they were measured, and what is to be predicted of them.

    The targets are a column for each class, or the one that diabetes has, in its
    deviations.

    Raises
    ------
    ValueError
        If there is no data set of that name.
    """
    try:
        from sklearn import datasets
    except ModuleNotFoundError as error:
        raise missing_extra("scikit-learn", "studies", "these features") from error
    load = {
        "wine": datasets.load_wine,
        "breast_cancer": datasets.load_breast_cancer,
        "diabetes": partial(datasets.load_diabetes, scaled=False),
    }
    if name not in load:
        raise ValueError(f"the features are {', '.join(FEATURES)}; got {name!r}")
    X, y = (torch.from_numpy(np.array(part)) for part in load[name](return_X_y=True))
    if y.is_floating_point():
        return X.double(), ((y - y.mean()) / y.std())[:, None]
    return X.double(), one_hot(y.long()).double()


class LeastSquares(nn.Module):
    """The mean squared error of a linear model with a shift; `best` is the least."""

    def __init__(self, X: Tensor, Y: Tensor):
        super().__init__()
        self.layer = nn.Linear(X.shape[1], Y.shape[1], dtype=X.dtype)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)
        self.X, self.Y = X, Y

    def forward(self) -> Tensor:
        """Return half the mean over rows of the squared errors."""
        return self.squared_error(self.X, self.Y) / 2

    def squared_error(self, X: Tensor, Y: Tensor) -> Tensor:
        """Return the mean over rows."""
        return _squared(self.layer(X) - Y)


def _squared(errors: Tensor) -> Tensor:
    return errors.square().sum(dim=1).mean()


def linear_task(config: Config) -> Task:
    """Return gradient descent on a linear model, its features normalised or not.

    "probe_loss" is what is above the least loss, as a share of what was at the start;
    "kappa_gram" is the condition number of the loss's Hessian, the Gram matrix of the
    features and a column of ones over the number of rows.
    """
    if config.optimiser != "sgd":
        raise ValueError(
            "linear models are for gradient descent alone, got "
            f"{config.optimiser!r}; leave --optimiser out"
        )
    X, Y = features(config.data)
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(config.seed))
    train, test = order.tensor_split([round(KEPT * len(X))])
    seen, others = X[train], X[test]
    if config.arm != "plain":
        found = normalise_inputs(seen, method=METHODS[config.arm])
        seen, others = found.apply(seen), found.apply(others)
    ones = torch.ones(len(seen), 1, dtype=seen.dtype)
    design = torch.cat([seen, ones], dim=1)
    values = torch.linalg.svdvals(design).square() / len(seen)
    best = 2 / float(values[0] + values[-1])
    solution = torch.linalg.lstsq(design, Y[train], driver="gelsd").solution
    least, first = (
        float(_squared(errors) / 2)
        for errors in (design @ solution - Y[train], Y[train])
    )
    kappa = cond_2(design.numpy()).value ** 2

    def evaluate(net: nn.Module) -> dict[str, float]:
        assert isinstance(net, LeastSquares)
        return {
            "probe_loss": max(0.0, float(net()) - least) / (first - least),
            "test_error": float(net.squared_error(others, Y[test]).sqrt()),
        }

    return Task(
        network=lambda: LeastSquares(seen, Y[train]),
        optimiser=lambda net: torch.optim.SGD(net.parameters(), lr=config.lr * best),
        batch=lambda _step, _generator: (torch.zeros(1),),
        loss=lambda net, _batch: net(),
        evaluate=evaluate,
        curvature=lambda _net: {"kappa_gram": kappa},
    )
