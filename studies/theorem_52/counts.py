"""Count how often equilibration raises the Hessian's condition number.

    python -m studies.theorem_52 [NETWORKS]

Theorem 5.2 of Saratchandran, Wang and Lucey (2024) has the Hessian of a network's loss
better conditioned once its weights are equilibrated, "for all parameters at which both
have full rank". It leaves open where E stands and what is compared with what, so each
reading is tried on its own, in float64, at the weights that torch draws and at minima:

- "frozen, same weights": E is held while differentiating; both at the weights W.
- "frozen, same function": the same, at E⁻¹W, where the networks compute the same.
- "inside, raw": E is differentiated through; both at W, or each at its own minimum.
- "inside, sphere": the same, with the lengths of rows taken out of the conditioned one.
- "inside, quotient": taken out of both, each row of the plain one keeping its length.

The condition numbers are brackets of the assembled Hessian, so "rose" and "fell" are
certain up to rounding. Cases in which one of the two is singular, or cannot be told
from it, are outside the theorem and counted apart. What came out, and the intervals,
are in ``studies/results/theorem_52.json`` and the report. Twelve minutes on two cores.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np
import torch
from scipy.optimize import minimize
from scipy.stats import binomtest
from torch import Tensor, nn

from condlab import ConditionEstimate
from condlab.curvature import (
    HessianOperator,
    condition_number,
    hold_lengths,
    line_numbers,
    make_loss,
    sphere,
)
from condlab.machine.files import replace_text
from studies.analysis.entries import Counted, Counts, Reading

RESULT = Path(__file__).parents[1] / "results" / "theorem_52.json"
NETWORKS = 250
SAMPLES, INPUTS, OUTPUTS = 100, 3, 2
NOISE, BEND = 0.1, 3.0  # of targets; of the teacher's weights
STATIONARY = 1e-7  # gradient, relative to the first loss: what counts as a minimum
LARGEST = {"drawn": math.inf, "minimum": 1e6}  # more is singular but for that gradient
LIMIT = 150  # iterations

Params = dict[str, Tensor]
Lines = dict[str, Tensor]
Batch = tuple[Tensor, Tensor]
Loss = Callable[[Params, Batch], Tensor]
Case = tuple[str, float, float, float, float]  # reading, kappa before and after


@dataclass(frozen=True)
class Family:
    """Networks of one kind, and their loss."""

    layers: int
    activation: type[nn.Module]
    criterion: type[nn.Module] = nn.MSELoss
    bias: bool = True
    units: int = 3


@dataclass
class Cell:
    """What came out of a family's networks, at one kind of point."""

    unfinished: int = 0
    cases: list[Case] = field(default_factory=list)


FAMILIES = {
    "one linear layer": Family(1, nn.Identity),
    "deep linear": Family(2, nn.Identity, bias=False, units=2),  # 3 leave it singular
    "tanh": Family(2, nn.Tanh),
    "softplus": Family(2, nn.Softplus),
    "tanh, cross-entropy": Family(2, nn.Tanh, nn.CrossEntropyLoss, bias=False),
}
POINTS = ("drawn", "minimum")


def main(networks: int = NETWORKS, path: Path = RESULT, jobs: int = 1) -> Path:
    """Try every reading on so many networks of each family, and write the shares."""
    tasks = [
        (family, point, seed)
        for family in FAMILIES
        for point in POINTS
        for seed in range(networks)
    ]
    found = joblib.Parallel(n_jobs=jobs)(joblib.delayed(trial)(*t) for t in tasks)
    cells: dict[tuple[str, str], Cell] = {}
    for (family, point, _), cases in zip(tasks, found, strict=True):
        own = cells.setdefault((family, point), Cell())
        own.unfinished += cases is None
        own.cases += cases or []
    rows: list[Counts] = [
        {"family": family, "point": point, "unfinished": own.unfinished, **shares}
        for (family, point), own in cells.items()
        for shares in summarise(own.cases)
    ]
    kept: Counted = {"networks": networks, "samples": SAMPLES, "rows": rows}
    text = json.dumps(kept, sort_keys=True).replace('}, {"', '},\n{"')
    replace_text(path, text + "\n")
    return path


def trial(family: str, point: str, seed: int) -> list[Case] | None:
    """Return the readings of one network, or None where no minimum was found."""
    torch.set_num_threads(1)
    kind = FAMILIES[family]
    torch.manual_seed(seed)
    net, teacher = network(kind), network(kind)
    for p in teacher.requires_grad_(False).parameters():
        p.mul_(BEND)  # else all but the linear part is lost in the noise
    batch = data(kind, teacher)
    params = {name: p.detach() for name, p in net.named_parameters()}
    lines = {name: line_numbers(p) for name, p in params.items() if p.ndim == 2}
    loss = make_loss(net, kind.criterion())
    unit = hold_lengths(loss, params, lines, length=1.0)
    ends = params, params
    if point == "minimum":
        start = {name: p.detach() for name, p in teacher.named_parameters()}
        plain = minimum(loss, start, batch)
        conditioned = minimum(anchored(unit, lines), start, batch)
        if plain is None or conditioned is None:
            return None
        ends = plain, conditioned
    return [
        (name, *_ends(before, LARGEST[point]), *_ends(after, LARGEST[point]))
        for name, before, after in readings(loss, unit, *ends, lines, batch)
    ]


def network(kind: Family) -> nn.Module:
    """Return a network as torch draws it, every weight of full row rank."""
    if kind.layers == 1:
        return nn.Linear(INPUTS, OUTPUTS, bias=kind.bias).double()
    return nn.Sequential(
        nn.Linear(INPUTS, kind.units, bias=kind.bias),
        kind.activation(),
        nn.Linear(kind.units, OUTPUTS, bias=kind.bias),
    ).double()


def data(kind: Family, teacher: nn.Module) -> Batch:
    """Return inputs of unequal scales, and noisy targets from a network of the kind."""
    x = torch.randn(SAMPLES, INPUTS, dtype=torch.float64)
    x = x * 10 ** (torch.rand(INPUTS, dtype=torch.float64) - 0.5)
    taught = teacher(x).detach()
    if kind.criterion is nn.CrossEntropyLoss:
        return x, torch.multinomial(taught.softmax(dim=1), 1)[:, 0]
    return x, taught + NOISE * torch.randn_like(taught)


def anchored(loss: Loss, lines: Lines) -> Loss:
    """Return a loss that ignores lengths, with a term that brings them to one."""

    def held(params: Params, batch: Batch) -> Tensor:
        squares = [params[name].square().sum(dim=1) - 1 for name in lines]
        return loss(params, batch) + torch.cat(squares).square().sum()

    return held


def minimum(loss: Loss, params: Params, batch: Batch) -> Params | None:
    """Return where a trust-region method comes to rest, with no curvature below 0."""
    shapes = {name: p.shape for name, p in params.items()}
    sizes = [p.numel() for p in params.values()]

    def at(x: Tensor) -> Tensor:
        parts = x.split(sizes)
        given = zip(shapes.items(), parts, strict=True)
        return loss({name: part.reshape(s) for (name, s), part in given}, batch)

    slope, curvature = torch.func.grad(at), torch.func.hessian(at)
    start = torch.cat([p.reshape(-1) for p in params.values()])
    found = minimize(
        lambda x: float(at(torch.from_numpy(x))),
        start.numpy(),
        jac=lambda x: slope(torch.from_numpy(x)).numpy(),
        hess=lambda x: curvature(torch.from_numpy(x)).numpy(),
        method="trust-exact",
        options={"gtol": STATIONARY * float(at(start)), "maxiter": LIMIT},
    )
    if not np.linalg.norm(found.jac) <= 2 * STATIONARY * float(at(start)):
        return None
    parts = torch.from_numpy(found.x).split(sizes)
    return {
        name: part.reshape(s)
        for (name, s), part in zip(shapes.items(), parts, strict=True)
    }


def readings(
    loss: Loss,
    unit: Loss,
    plain: Params,
    conditioned: Params,
    lines: Lines,
    batch: Batch,
) -> Iterator[tuple[str, ConditionEstimate, ConditionEstimate]]:
    """Yield each reading with the brackets of kappa before and after."""
    E = {name: 1 / plain[name].norm(dim=1, keepdim=True) for name in lines}

    def frozen(params: Params, batch: Batch) -> Tensor:
        return loss({n: E[n] * p if n in E else p for n, p in params.items()}, batch)

    def raw(f: Loss, params: Params) -> ConditionEstimate:
        H = HessianOperator(f, params, [batch], backend="rebuilt")
        return condition_number(H, method="exact").kappa

    def gauged(f: Loss, params: Params) -> ConditionEstimate:
        H = HessianOperator(f, params, [batch], backend="rebuilt")
        return condition_number(sphere(H, lines), method="exact").kappa

    unscaled = {n: p / E[n] if n in E else p for n, p in plain.items()}
    units = {  # the sphere's gauge does not see lengths, but rounding does
        n: p / p.norm(dim=1, keepdim=True) if n in lines else p
        for n, p in conditioned.items()
    }
    before = raw(loss, plain)
    after = {
        "frozen, same weights": raw(frozen, plain),
        "frozen, same function": raw(frozen, unscaled),
        "inside, raw": raw(unit, conditioned),
        "inside, sphere": gauged(unit, units),
    }
    yield from ((name, before, found) for name, found in after.items())
    held = gauged(hold_lengths(loss, plain, lines), plain)
    yield "inside, quotient", held, after["inside, sphere"]


def _ends(kappa: ConditionEstimate, largest: float) -> tuple[float, float]:
    """Return a bracket's ends; a matrix past ``largest`` may as well be singular."""
    return kappa.lower, kappa.upper if kappa.upper < largest else math.inf


def summarise(cases: Iterable[Case]) -> Iterator[Reading]:
    """Yield the shares of each reading, with Wilson's intervals of 95 %."""
    grouped: dict[str, list[Case]] = {}
    for case in cases:
        grouped.setdefault(case[0], []).append(case)
    for name, own in grouped.items():
        regular = [case for case in own if case[2] < math.inf and case[4] < math.inf]
        rose = sum(after > before for _, _, before, after, _ in regular)
        fell = sum(after < before for _, before, _, _, after in regular)
        middle = [math.sqrt(b1 * b2 / (a1 * a2)) for _, a1, a2, b1, b2 in regular]
        shares: Reading = {
            "reading": name,
            "networks": len(own),
            "rose": rose,
            "fell": fell,
            "regular": len(regular),
        }
        if regular:
            interval = binomtest(rose, len(regular)).proportion_ci(method="wilson")
            quartiles = np.quantile(middle, [0.25, 0.5, 0.75])
            shares["share"] = [round(float(x), 4) for x in interval]
            shares["ratio"] = [float(f"{x:.4g}") for x in quartiles]
        yield shares
