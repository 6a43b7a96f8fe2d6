"""How much the layers of a network move under each other, and how rough the loss is."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cosine_similarity

from studies.tasks.arms import matrix_layers
from studies.tasks.shares import Batch, Loss, LossOfBatch

SHARES = (0.5, 1.0, 2.0, 4.0)  # of the step along the gradient, as in the source
QUANTILES = (0.15, 0.5, 0.85)  # of a typical unit's inputs, as in the source
Params = dict[str, Tensor]


class Point(NamedTuple):
    """The loss at some parameters: its value, gradient, and activations' inputs."""

    loss: float
    gradient: Params
    inputs: list[Tensor]

    @property
    def flat(self) -> Tensor:
        """Return the gradient as one vector."""
        return torch.cat([g.flatten() for g in self.gradient.values()])


class Surface:
    """The loss of a network on one batch, in training mode, as a function of weights.

    Parameters
    ----------
    net : torch.nn.Module
        Copied.
    loss : callable
        ``loss(net, batch)``.
    batch : tuple of Tensor
        What the loss is of.
    """

    def __init__(self, net: nn.Module, loss: Loss, batch: Batch):
        self.whole, self.batch = LossOfBatch(copy.deepcopy(net).train(), loss), batch
        self.params = {n: p.detach().clone() for n, p in self.whole.named_parameters()}
        kinds = nn.ReLU | nn.Sigmoid | nn.Tanh
        self.activations = [m for m in self.whole.modules() if isinstance(m, kinds)]

    def at(self, params: Params, seed: int = 0) -> Point:
        """Return the loss at parameters; what layers draw is of the seed."""
        own = {name: p.detach().requires_grad_() for name, p in params.items()}
        inputs: list[Tensor] = []
        hooks = [
            m.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
            for m in self.activations
        ]
        try:
            with _seeded(seed), torch.enable_grad():
                loss = functional_call(self.whole, own, (self.batch,))
                found = torch.autograd.grad(loss, list(own.values()))
        finally:
            for hook in hooks:
                hook.remove()
        gradient = dict(zip(own, found, strict=True))
        return Point(float(loss.detach()), gradient, [x.detach() for x in inputs])


def shift(net: nn.Module, loss: Loss, batch: Batch, lr: float) -> dict[str, float]:
    """Return what a gradient step of all layers changes for each of them, by two means.

    "moment_shift" is of Ioffe and Szegedy's [1]_ wording, the change in the
    distribution of layers' inputs: of each unit's input to its activation, the root of
    the squared changes of mean and deviation, over the deviation; the mean over units
    and layers. "unit_15", "unit_50" and "unit_85" are the percentiles of the first unit
    of the last activation's input, as in their figure 1.

    "gradient_shift" and "gradient_cosine" are Santurkar et al.'s [2]_ definition 2.1: a
    layer's gradient before and after the layers before it have made their step, as the
    distance and the cosine of both, means over all layers but the first.

    Parameters
    ----------
    net : torch.nn.Module
        A chain of layers, in the order of its parameters.
    loss, batch
        As of `Surface`.
    lr : float
        Of the step.

    References
    ----------
    .. [1] S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015, section 2.
    .. [2] S. Santurkar, D. Tsipras, A. Ilyas and A. Madry, "How does batch
       normalization help optimization?", NeurIPS 2018.
    """
    surface = Surface(net, loss, batch)
    old = surface.params
    here = surface.at(old)
    new = {name: p - lr * here.gradient[name] for name, p in old.items()}
    names = list(old)
    weights = [f"net.{name}.weight" for name, _ in matrix_layers(net)]
    distances, cosines = [], []
    for weight in weights[1:]:
        before = set(names[: names.index(weight)])
        mixed = {name: (new if name in before else old)[name] for name in names}
        G, moved = (p.gradient[weight].flatten() for p in (here, surface.at(mixed)))
        distances.append(float((G - moved).norm()))
        cosines.append(float(cosine_similarity(G, moved, dim=0)))
    after = surface.at(new, seed=1).inputs
    pairs = zip(here.inputs, after, strict=True)
    unit = here.inputs[-1][:, 0].flatten()
    quantiles = torch.quantile(unit, torch.tensor(QUANTILES, dtype=unit.dtype))
    return {
        "moment_shift": fmean(_moment_shift(x, y) for x, y in pairs),
        "gradient_shift": fmean(distances),
        "gradient_cosine": fmean(cosines),
        **{
            f"unit_{round(100 * q)}": float(x)
            for q, x in zip(QUANTILES, quantiles, strict=True)
        },
    }


def _moment_shift(x: Tensor, y: Tensor) -> float:
    """Return the mean over units of how far their moments moved, in deviations."""
    axes = [0, *range(2, x.ndim)]
    (s, m), (t, n) = (torch.std_mean(z, dim=axes, correction=0) for z in (x, y))
    alive = s > 0  # a unit that is constant has no deviation to measure by
    moved = ((n - m).square() + (t - s).square()).sqrt()
    return float((moved / torch.where(alive, s, 1))[alive].mean()) if alive.any() else 0


def roughness(net: nn.Module, loss: Loss, batch: Batch, lr: float) -> dict[str, float]:
    """Return how much loss and gradient vary along the gradient: figure 4 of [1]_.

    Over steps of half to four times the rate: "loss_range" is the largest minus the
    smallest loss, "gradient_change" the longest difference from the gradient here, and
    "smoothness" the largest such difference over the distance moved. The last two are
    in the units of the stored weights, which batch norm makes a matter of choice.

    References
    ----------
    .. [1] S. Santurkar, D. Tsipras, A. Ilyas and A. Madry, "How does batch
       normalization help optimization?", NeurIPS 2018.
    """
    surface = Surface(net, loss, batch)
    here = surface.at(surface.params)
    size = float(here.flat.norm())
    losses, changes, quotients = [here.loss], [0.0], [0.0]
    for share in SHARES:
        step = share * lr
        there = surface.at(
            {n: p - step * here.gradient[n] for n, p in surface.params.items()}
        )
        losses.append(there.loss)
        changes.append(float((there.flat - here.flat).norm()))
        if step * size > 0:
            quotients.append(changes[-1] / (step * size))
    return {
        "loss_range": max(losses) - min(losses),
        "gradient_change": max(changes),
        "smoothness": max(quotients),
    }


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
