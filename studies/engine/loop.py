"""The one training loop: for images, rays and points alike, resumable to the bit.

What happens at a step depends on the seed, the number of the step and the state of
network and optimiser, and on nothing else: batches, and what layers draw at random,
come from generators seeded by seed and step. So a checkpoint is that state, and a run
that was killed at any moment ends, on a CPU, with the weights it would have had.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from studies.engine import ranks
from studies.engine.records import Series, Table, Values, number
from studies.engine.state import Marks, Saver, State
from studies.tasks.shares import Batch, Cut, require_same_network

Watch = Callable[[str, int, float], None]

PROBES = (0.0, 0.02, 0.1, 0.25, 0.5, 1.0)  # shares of the run after which to probe
CURVATURE = (0.0, 0.1, 0.5, 1.0)  # and after which to probe the curvature


def _nothing(_net: nn.Module, *_: object) -> dict[str, float]:
    return {}


@dataclass(frozen=True)
class Task:
    """What is trained on what.

    Parameters
    ----------
    network : callable
        Returns the network, drawn from torch's global generator.
    optimiser : callable
        From the network to its optimiser, whose learning rates are the peak ones.
    batch : callable
        ``batch(step, generator)`` gives the tensors of a step, samples first, on any
        device. The generator, on the CPU, is the step's own.
    loss : callable
        ``loss(network, batch)``, a scalar, the mean over the batch.
    evaluate : callable
        From the network, in eval mode and without gradients, to numbers by name:
        "probe_loss" on a fixed batch, and the metric.
    probe : callable
        ``probe(network, optimiser)`` gives more costly numbers by name. It gets a copy
        of the network.
    curvature : callable
        From a copy of the network to the most costly numbers by name, or words.
    describe : callable
        From a copy of the network to a table that is kept of the start and the end.
    finish : callable
        As `evaluate`, once, at the end: what is too costly to be evaluated on the way.
    schedule : callable
        From the share of the run that is done to a factor of the learning rates.
    """

    network: Callable[[], nn.Module]
    optimiser: Callable[[nn.Module], torch.optim.Optimizer]
    batch: Callable[[int, torch.Generator], Batch]
    loss: Callable[[nn.Module, Batch], Tensor]
    evaluate: Callable[[nn.Module], Mapping[str, float]]
    probe: Callable[[nn.Module, torch.optim.Optimizer], Mapping[str, float]] = _nothing
    curvature: Callable[[nn.Module], Values] = _nothing
    describe: Callable[[nn.Module], Table] = _nothing
    finish: Callable[[nn.Module], Mapping[str, float]] = _nothing
    schedule: Callable[[float], float] = lambda _done: 1.0


@dataclass(frozen=True)
class Outcome:
    """What `train` returns: the record's part that it knows, and the network.

    Parameters
    ----------
    status : {"done", "diverged"}
        "diverged" where the training loss ceased to be finite, and the run ended.
    series : dict
        Name -> list of [step, value]; "loss" is the mean since the point before.
    tables : dict
        What `Task.describe` said at "start" and "end".
    seconds, probe_seconds : float
        On the clock, over all resumptions; the latter are those of evaluations,
        probes and tables, and are among the former.
    network : torch.nn.Module
        As it is at the end.
    """

    status: Literal["done", "diverged"]
    series: Series
    tables: dict[str, Table]
    seconds: float
    probe_seconds: float
    network: nn.Module = field(repr=False)


def train(
    task: Task,
    *,
    seed: int,
    steps: int,
    device: str | torch.device = "cpu",
    evaluations: int = 20,
    finer: int = 4,
    accumulate: int = 1,
    probes: tuple[float, ...] = PROBES,
    curvature: tuple[float, ...] = CURVATURE,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 30.0,
    made_by: Mapping[str, object] | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Train, or go on from the checkpoint where there is one.

    Parameters
    ----------
    task : Task
        What to train on what.
    seed : int
        Of the network, the batches and what layers draw.
    steps : int
        Updates to make.
    device : str or torch.device
        Where the network is.
    evaluations : int
        How often to evaluate after the start, evenly.
    finer : int
        Of the training loss, means are kept between so many times as many points.
    accumulate : int
        In how many parts a batch is computed, for memory's sake: the step is the same,
        random draws included, but that batch statistics are each part's own.
    probes : tuple of float
        Shares of the run after which to probe.
    curvature : tuple of float
        And after which to probe the curvature.
    checkpoint : pathlib.Path, optional
        Where to save the state; nothing is saved without it.
    checkpoint_seconds : float
        Between two of them; 0 saves at every step.
    made_by : dict, optional
        What checkpoints say of their making.
    watch : callable, optional
        ``watch(name, step, value)`` sees every point of the series as it comes.

    Returns
    -------
    Outcome
        Under ``torchrun`` each process computes its share of every batch, with the
        draws and the batch statistics of the whole, and all return the same.

    Raises
    ------
    ValueError
        If a batch is to be cut, among processes or in parts, and its loss is not the
        mean of its samples' losses. What one process raises, all do.
    """
    place = torch.device(device)
    marks = Marks.of(steps, evaluations, finer, probes, curvature)

    def run() -> tuple[State, bool]:
        state = _start(task, seed, place)
        if checkpoint is not None:
            state.load(checkpoint)
        path = checkpoint if ranks.rank() == 0 else None
        saver = Saver(path, checkpoint_seconds, made_by or {})
        cut = Cut(task.loss, accumulate)
        finite = _look(task, state, marks, watch)
        while finite and state.step < steps:
            _update(task, state, cut, seed, steps)
            if finite := _note_loss(state, marks, watch):
                saver.save_if_due(state)  # first: a resumed run begins with the look
                finite = _look(task, state, marks, watch)
        saver.tick(state)
        return state, finite

    with _own_randomness(place), _in_float32():
        state, finite = ranks.together(run)
    return Outcome(
        "done" if finite else "diverged",
        state.series,
        state.tables,
        state.seconds,
        state.probe_seconds,
        state.net,
    )


def _start(task: Task, seed: int, device: torch.device) -> State:
    torch.manual_seed(seed)
    net = task.network().to(device)
    optimiser = task.optimiser(net)
    peaks = [group["lr"] for group in optimiser.param_groups]
    zero = torch.zeros((), dtype=torch.float64, device=device)
    return State(net, optimiser, peaks, zero)


def _look(task: Task, state: State, marks: Marks, watch: Watch | None) -> bool:
    """Evaluate and probe where the step is one; return whether weights are finite."""
    if state.step not in marks.evaluations | marks.probes | marks.curvature:
        return True
    if not all(bool(p.isfinite().all()) for p in state.net.parameters()):
        return False
    require_same_network(state.net, state.step)
    begun = time.perf_counter()
    if state.step in marks.evaluations:
        state.net.eval()
        with torch.no_grad():
            _note(state, task.evaluate(state.net), watch)
            if state.step == marks.last:
                _note(state, task.finish(state.net), watch)
    if state.step in marks.probes:
        twin = copy.deepcopy(state.net)
        _note(state, task.probe(twin, state.optimiser), watch)
    if state.step in marks.curvature:
        _note(state, task.curvature(copy.deepcopy(state.net)), watch)
    if state.step in (0, marks.last):
        name = "end" if state.step else "start"
        state.tables[name] = task.describe(copy.deepcopy(state.net))
    state.probe_seconds += time.perf_counter() - begun
    return True


def _note(state: State, values: Values, watch: Watch | None) -> None:
    for name, value in values.items():
        noted = state.series.setdefault(name, [])
        if isinstance(value, str):  # how a number was found
            noted.append([state.step, value])
            continue
        noted.append([state.step, number(float(value))])
        if watch is not None:
            watch(name, state.step, float(value))


def _update(task: Task, state: State, cut: Cut, seed: int, steps: int) -> None:
    """Make one step of the optimiser."""
    layers = _mix(seed, state.step, 0)
    torch.manual_seed(layers)
    generator = torch.Generator().manual_seed(_mix(seed, state.step, 1))
    batch = task.batch(state.step, generator)
    factor = task.schedule(state.step / steps)
    for group, peak in zip(state.optimiser.param_groups, state.peaks, strict=True):
        group["lr"] = peak * factor
    state.net.train()
    state.optimiser.zero_grad(set_to_none=True)
    state.loss_sum += cut.backward(state.net, batch, layers)
    state.optimiser.step()
    state.step += 1


def _note_loss(state: State, marks: Marks, watch: Watch | None) -> bool:
    """Note the mean of the training loss where it is time; return if it is finite."""
    if state.step not in marks.losses:
        return True
    mean = float(state.loss_sum) / marks.losses[state.step]
    state.loss_sum.zero_()
    if not math.isfinite(mean):
        return False
    _note(state, {"loss": mean}, watch)
    return True


def _mix(seed: int, step: int, stream: int) -> int:
    """Return a seed for one stream of one step, unlike those of the neighbours."""
    words = np.random.SeedSequence((seed, step, stream)).generate_state(2, np.uint32)
    return int(words[0]) << 31 | int(words[1]) >> 1


@contextmanager
def _own_randomness(device: torch.device) -> Iterator[None]:
    """Leave torch's global generators as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield


@contextmanager
def _in_float32() -> Iterator[None]:
    """Have a GPU's convolutions round as a CPU's: cuDNN takes 10 bits of 23 else."""
    kept = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = kept
