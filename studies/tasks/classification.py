"""Images and labels as a task for the loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from studies.data import Images
from studies.data.folders import Streamed
from studies.engine.loop import Batch, Task
from studies.engine.options import Options
from studies.engine.records import Config
from studies.tasks.arms import batch_statistics, laid_out
from studies.tasks.augment import epoch_batch
from studies.tasks.curvature import Curvature, hessian_probes
from studies.tasks.measures import (
    gradient_norm,
    layer_table,
    removed_shares,
    weight_probes,
)
from studies.tasks.optimisers import make_optimiser
from studies.tasks.sources import PROBE, Source, source

CURVATURE = 32  # of these, how many the Hessian is of

# What a loss asks is called with a batch's inputs: a network, or what stands for it.
Loss = Callable[[Callable[[Tensor], Tensor], Batch], Tensor]
Score = Callable[[Iterable[tuple[Tensor, Tensor]]], dict[str, float]]


@dataclass(frozen=True)
class Recipe:
    """How images are trained on.

    Parameters
    ----------
    optimiser : {"sgd", "adamw", "muon", "rmnp"}
        As of `make_optimiser`.
    lr, momentum, weight_decay : float
        Of it; momentum of SGD only.
    batch : int
        Images a step.
    order : int
        Seed of the order of the images.
    schedule : str
        As of `schedule`.
    warm_up : float
        Share of the steps in which the rate rises linearly.
    augment : bool
        Flip left and right, and shift by up to an eighth of the side.
    mirror : bool
        Only flip left and right.
    mixed : bool
        Compute in bfloat16 where the device is a GPU.
    """

    optimiser: str
    lr: float
    batch: int
    order: int
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"
    warm_up: float = 0.0
    augment: bool = False
    mirror: bool = False
    mixed: bool = False


class ConfigOfData(Config, Protocol):
    """A config that names its data set."""

    @property
    def data(self) -> str:
        """Return the name."""


OnData = TypeVar("OnData", bound=ConfigOfData)


def on_files(configs: Sequence[OnData], options: Options) -> list[OnData]:
    """Return the configs with small CIFAR-10 images for digits if files are given."""
    given = options.data is not None
    return [
        replace(config, data="cifar10_16") if given and config.data == "digits"
        else config
        for config in configs
    ]  # fmt: skip


def recipe_of(config: Config, device: torch.device) -> Recipe:
    """Return the recipe from a config's fields of the same names."""
    names = [field.name for field in fields(Recipe) if hasattr(config, field.name)]
    recipe = Recipe(
        order=config.seed, **{name: getattr(config, name) for name in names}
    )
    return recipe if device.type == "cuda" else replace(recipe, mixed=False)


def plain_loss(net: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
    """Return the cross-entropy in the parameters' own precision."""
    return cross_entropy(net(batch[0]), batch[1])


def accuracy(tests: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Return the share of samples whose class has the largest logit."""
    right = [(logits.argmax(1) == labels).float() for logits, labels in tests]
    return {"accuracy": float(torch.cat(right).mean())}


@dataclass(frozen=True, eq=False)
class _Classified:
    """What the loop does with images: steps, and looks at a network."""

    recipe: Recipe
    data: Source
    device: torch.device
    plain: Loss
    score: Score
    curved: int

    @property
    def few(self) -> Batch:
        """Return the samples that the Hessian is of."""
        inputs, labels = self.data.probe
        return inputs[: self.curved], labels[: self.curved]

    def optimiser(self, net: nn.Module) -> torch.optim.Optimizer:
        made = self.recipe
        return make_optimiser(
            made.optimiser, net, made.lr, made.momentum, made.weight_decay
        )

    def batch(self, step: int, generator: torch.Generator) -> Batch:
        recipe, count = self.recipe, self.data.count
        chosen = epoch_batch(step, recipe.batch, count, recipe.order)
        return self.data.take(chosen, generator)

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        kind, mixed = self.device.type, self.recipe.mixed
        with torch.autocast(kind, torch.bfloat16, enabled=mixed):
            return self.plain(net, batch)

    def evaluate(self, net: nn.Module) -> dict[str, float]:
        # The loss is the one that training sees: running statistics lag behind it.
        with batch_statistics(net):
            logits = _logits(net, self.data.probe)
        loss = self.plain(lambda _inputs: logits, self.data.probe)
        tests = ((net(x), labels) for x, labels in self.data.tests())
        return {"probe_loss": float(loss), **self.score(tests)}

    def look(self, net: nn.Module, made: torch.optim.Optimizer) -> dict[str, float]:
        return {
            **weight_probes(net, made.param_groups[0]["lr"]),
            "grad_norm": gradient_norm(net, self.plain, self.few),
            **removed_shares(net, self.plain, self.few),
        }


def make_task(
    images: Images | Streamed,
    network: Callable[[], nn.Module],
    recipe: Recipe,
    device: torch.device,
    *,
    after: Callable[[torch.optim.Optimizer, nn.Module], object] | None = None,
    curvature: Curvature = hessian_probes,
) -> Task:
    """Return the task of classifying images.

    Parameters
    ----------
    images : Images or Streamed
        In memory as bytes, or in files.
    network : callable
        Returns the network.
    recipe : Recipe
        How to train.
    device : torch.device
        Where.
    after : callable, optional
        ``after(optimiser, network)`` arranges what follows each step.
    curvature : callable
        ``curvature(network, loss, batch)`` measures the Hessian.
    """
    data = source(images, recipe, device)
    return task_of(data, network, recipe, device, after=after, curvature=curvature)


def task_of(
    data: Source,
    network: Callable[[], nn.Module],
    recipe: Recipe,
    device: torch.device,
    *,
    loss: Loss = plain_loss,
    score: Score = accuracy,
    curved: int = CURVATURE,
    after: Callable[[torch.optim.Optimizer, nn.Module], object] | None = None,
    curvature: Curvature = hessian_probes,
) -> Task:
    """Return the task of telling classes of whatever a source gives.

    Parameters
    ----------
    data : Source
        Of images, clouds or clips, each with a class, or one a pixel.
    network, recipe, device, after, curvature
        As of `make_task`.
    loss : callable
        ``loss(network, batch)``, the mean over the samples.
    score : callable
        From pairs of logits and labels, a pair a piece of the test part, to the
        metrics by name.
    curved : int
        Of the probe's samples, of how many the gradient and the Hessian are.
    """
    made = _Classified(recipe, data, device, loss, score, curved)

    def optimiser(net: nn.Module) -> torch.optim.Optimizer:
        chosen = made.optimiser(net)
        if after is not None:
            after(chosen, net)
        return chosen

    return Task(
        network=lambda: laid_out(network(), torch.channels_last),
        optimiser=optimiser,
        batch=made.batch,
        loss=made.loss,
        evaluate=made.evaluate,
        probe=made.look,
        curvature=lambda net: curvature(net, loss, made.few),
        describe=layer_table,
        schedule=schedule(recipe.schedule, recipe.warm_up),
    )


def _logits(net: nn.Module, data: Batch) -> Tensor:
    return torch.cat([net(part) for part in data[0].split(PROBE)]).float()


def schedule(name: str, warm_up: float = 0.0) -> Callable[[float], float]:
    """Return the factor of the rate after a share of the run.

    Parameters
    ----------
    name : str
        "constant"; "cosine", to zero; "poly", (1 - share)^0.9; "steps", which divides
        by ten after half and three quarters, or after other shares, as in
        "steps:0.3,0.6,0.9"; or "stairs", which multiplies by 0.7 after every 200,000 of
        the 2,456,000 clouds that `studies.point_clouds` says a run of the source sees.
    warm_up : float
        Share of the run in which the rate rises linearly.

    Raises
    ------
    ValueError
        If there is no schedule of that name, or its shares do not ascend from 0 to 1.

    Examples
    --------
    >>> [round(schedule("cosine")(done), 3) for done in (0.0, 0.5, 1.0)]
    [1.0, 0.5, 0.0]
    >>> [round(schedule("steps:0.2,0.9")(done), 3) for done in (0.1, 0.2, 0.95)]
    [1.0, 0.1, 0.01]
    """
    kind, _, text = name.partition(":")
    shares = _shares(text) if kind == "steps" else ()
    shapes: dict[str, Callable[[float], float]] = {
        "constant": lambda _done: 1.0,
        "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
        "poly": lambda done: (1 - done) ** 0.9,
        "steps": lambda done: 0.1 ** sum(done >= share for share in shares),
        "stairs": lambda done: 0.7 ** int(12.28 * done),
    }
    if kind not in shapes or (text and kind != "steps"):
        raise ValueError(f"schedule must be one of {', '.join(shapes)}, got {name!r}")
    shape = shapes[kind]

    def factor(done: float) -> float:
        return shape(done) * (min(1.0, (done + 1e-3) / warm_up) if warm_up else 1.0)

    return factor


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(part) for part in (text or "0.5,0.75").split(","))
    except ValueError:
        shares = ()
    if not shares or list(shares) != sorted({s for s in shares if 0 < s < 1}):
        raise ValueError(
            "a schedule in steps needs shares of the run that ascend between 0 and 1, "
            f"as in steps:0.3,0.6, got {text!r}"
        )
    return shares
