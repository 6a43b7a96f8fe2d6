"""The next character of a text as a task for the loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from studies.data.text import Text
from studies.engine.loop import Batch, Task
from studies.tasks.classification import Recipe
from studies.tasks.curvature import hessian_probes
from studies.tasks.measures import (
    gradient_norm,
    layer_table,
    removed_shares,
    weight_probes,
)
from studies.tasks.optimisers import make_optimiser
from studies.tasks.schedules import schedule

PROBE, HELD_OUT = 2048, 4096  # characters to evaluate the loss on, and held out
CURVATURE = 2  # windows that the Hessian is of


@dataclass(frozen=True, eq=False)
class _Modelled:
    """What the loop does with a text: steps, and looks at a network."""

    recipe: Recipe
    text: Text
    context: int
    device: torch.device
    probe: Batch
    held_out: Batch

    @property
    def few(self) -> Batch:
        """Return the windows that the Hessian is of."""
        inputs, targets = self.probe
        return inputs[:CURVATURE], targets[:CURVATURE]

    def optimiser(self, net: nn.Module) -> torch.optim.Optimizer:
        made = self.recipe
        return make_optimiser(
            made.optimiser, net, made.lr, made.momentum, made.weight_decay
        )

    def batch(self, _step: int, generator: torch.Generator) -> Batch:
        """Return windows from anywhere in the part to train with."""
        last = len(self.text.train) - self.context
        starts = torch.randint(last, (self.recipe.batch,), generator=generator)
        return windows(self.text.train, starts, self.context, self.device)

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        kind, mixed = self.device.type, self.recipe.mixed
        with torch.autocast(kind, torch.bfloat16, enabled=mixed):
            return plain_loss(net, batch)

    def evaluate(self, net: nn.Module) -> dict[str, float]:
        return {
            "probe_loss": float(plain_loss(net, self.probe)),
            "bits_per_character": float(plain_loss(net, self.held_out)) / math.log(2),
        }

    def look(self, net: nn.Module, made: torch.optim.Optimizer) -> dict[str, float]:
        return {
            **weight_probes(net, made.param_groups[0]["lr"]),
            "grad_norm": gradient_norm(net, plain_loss, self.few),
            **removed_shares(net, plain_loss, self.few),
        }


def make_task(
    text: Text,
    context: int,
    network: Callable[[], nn.Module],
    recipe: Recipe,
    device: torch.device,
) -> Task:
    """Return the task of predicting each character from those before it.

    Parameters
    ----------
    text : Text
        What to train with, and to validate with.
    context : int
        Characters that the network sees.
    network : callable
        Returns the network.
    recipe : Recipe
        How to train; `batch` windows a step.
    device : torch.device
        Where.

    Raises
    ------
    ValueError
        As of `require_long`.
    """
    require_long(text, context)
    probe, held_out = (
        windows(part, _spread(part, context, most), context, device)
        for part, most in ((text.train, PROBE), (text.validation, HELD_OUT))
    )
    made = _Modelled(recipe, text, context, device, probe, held_out)
    return Task(
        network=network,
        optimiser=made.optimiser,
        batch=made.batch,
        loss=made.loss,
        evaluate=made.evaluate,
        probe=made.look,
        curvature=lambda net: hessian_probes(net, plain_loss, made.few),
        describe=layer_table,
        schedule=schedule(recipe.schedule, recipe.warm_up),
    )


def require_long(text: Text, context: int) -> None:
    """Raise ValueError unless each part of a text has a window and what follows it."""
    sizes = len(text.train), len(text.validation)
    if min(sizes) <= context:
        raise ValueError(
            f"the text {text.name} must have more than {context} characters in each "
            f"part, got {sizes[0]} to train and {sizes[1]} to validate with; take a "
            "longer one"
        )


def plain_loss(net: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
    """Return the mean cross-entropy of all characters, in nats."""
    inputs, targets = batch
    return cross_entropy(net(inputs).flatten(0, 1), targets.flatten())


def windows(
    symbols: Tensor, starts: Tensor, context: int, device: torch.device
) -> Batch:
    """Return windows of a text, and the same one character on.

    Examples
    --------
    >>> windows(torch.arange(9), torch.tensor([0, 5]), 3, torch.device("cpu"))
    (tensor([[0, 1, 2],
            [5, 6, 7]]), tensor([[1, 2, 3],
            [6, 7, 8]]))
    """
    found = symbols[starts[:, None] + torch.arange(context + 1)].to(device)
    return found[:, :-1].contiguous(), found[:, 1:].contiguous()


def _spread(part: Tensor, context: int, most: int) -> Tensor:
    """Return where fixed windows begin: evenly over a part, none over another."""
    last = len(part) - context - 1
    count = max(1, min(most // context, last // context + 1))
    return torch.linspace(0, last, count).long()
