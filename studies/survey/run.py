"""Tasks of the survey's trial, and what runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from condlab.nn import decay_groups
from studies.data import load
from studies.engine.loop import Batch, Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.models.stack import Stack
from studies.survey.config import FEATURES, PRESETS, Config
from studies.survey.linear import linear_task
from studies.survey.networks import network
from studies.tasks.arms import build, check_identities, matrix_layers
from studies.tasks.classification import make_task, on_files, plain_loss, recipe_of
from studies.tasks.curvature import hessian_probes
from studies.tasks.optimisers import adaptive_gradient_clipping
from studies.tasks.shift import roughness, shift

WARMED = 0.1  # share of the steps, in arms with warm-up
FEW = 8  # products of the Hessian: many runs, of which kappa is not the question

Probe = Callable[[nn.Module, torch.optim.Optimizer], dict[str, float]]


def task(config: Config, options: Options) -> Task:
    """Return what a run trains."""
    if config.network == "linear":
        return linear_task(config)
    images, device = load(config.data, options.data), options.device
    recipe = recipe_of(config, device)
    if config.arm.endswith("+warm_up"):
        recipe = replace(recipe, warm_up=WARMED)
    after = None
    if config.arm == "free+clip":
        after = partial(adaptive_gradient_clipping, clipping=config.clipping)
    made = make_task(
        images,
        partial(network, config, images),
        recipe,
        device,
        after=after,
        curvature=partial(hessian_probes, num_matvecs=FEW),
    )
    if config.experiment == "improvements":
        made = replace(made, optimiser=partial(_with_groups, config))
    own = {"placement": _moved, "initial": _last_gradient}.get(config.experiment)
    if own is None:
        return made
    batch = made.batch(0, torch.Generator().manual_seed(0))

    def probe(net: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, float]:
        lr = optimiser.param_groups[0]["lr"]
        return {**made.probe(net, optimiser), **own(net, batch, lr)}

    return replace(made, probe=probe)


def _with_groups(config: Config, net: nn.Module) -> torch.optim.Optimizer:
    """Return SGD whose decay is of gamma and beta too only in the arm that says so."""
    if config.optimiser != "sgd":
        raise ValueError(
            f"decay of gamma and beta is asked of SGD alone, got {config.optimiser!r}; "
            "leave --optimiser out"
        )
    groups = decay_groups(net, config.weight_decay, decay_affine=config.arm == "decay")
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum)


def _moved(net: nn.Module, batch: Batch, lr: float) -> dict[str, float]:
    return {
        **shift(net, plain_loss, batch, lr),
        **roughness(net, plain_loss, batch, lr),
    }


def _last_gradient(net: nn.Module, batch: Batch, _lr: float) -> dict[str, float]:
    """Return the gradient's norm at the last block's second feed-forward matrix."""
    weight = matrix_layers(net)[-2][1].weight
    (found,) = torch.autograd.grad(plain_loss(net, batch), [weight])
    return {"last_gradient": float(found.norm())}


def main(options: Options) -> list[Record]:
    """Check the identities that the controls rest on, then run every arm."""
    torch.manual_seed(0)
    net = build("plain", Stack(width=4, depth=3, norm="batch", in_channels=1))
    check_identities(net, torch.randn(8, 1, 8, 8))
    return sweep("survey", _wanted(options), task, options)


def _wanted(options: Options) -> list[Config]:
    """Return the runs of a preset; with a data set, those that are for its kind."""
    configs, data = PRESETS[options.preset], options.choice.data
    linear = [c for c in configs if c.network == "linear"]
    images = on_files([c for c in configs if c.network != "linear"], options)
    if not data:
        return [*images, *linear]
    return linear if data in FEATURES else images
