"""Hold a Hessian against differences of the loss value, and of nothing else."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from condlab.curvature import HessianOperator
from condlab.curvature.evaluation.losses import Loss

Problem = tuple[Loss, dict[str, Tensor], Any]  # the batch last
# truncation, the fourth power of a step, is balanced with eps over its square
STEP = 2e-3
SINGLE_STEP = 5e-2
KINKED_STEP = 1e-4  # without Richardson's rule, and short of the next kink
PAIRS = 3


@dataclass(frozen=True)
class Row:
    """One loss of the table.

    Parameters
    ----------
    group, name : str
        What it is called.
    make : callable
        ``make()`` gives the loss, the parameters in float64, and one batch.
    refused : str
        Words of the sentence that refuses it; "" if it is to be right.
    kinked : bool
        Whether the step must be small, as the loss has kinks.
    single : bool
        Whether some of the loss is computed in float32, whatever the parameters are.
    needs : str
        A package that is not among the test's own.
    constant : (str, int), optional
        A parameter and its row that torch takes for a constant, as of padding.
    """

    group: str
    name: str
    make: Callable[[], Problem]
    refused: str = ""
    kinked: bool = False
    single: bool = False
    needs: str = ""
    constant: tuple[str, int] | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a row: the worst relative error, or the sentence that refuses it."""

    error: float
    tolerance: float
    refused: str
    dropped: tuple[str, ...] = ()


def judge(row: Row) -> Outcome:
    """Return how well products agree with differences of the loss, or why none came."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # others' networks warn of their own affairs
        loss, params, batch = row.make()
        try:
            H = HessianOperator(loss, params, [batch])
        except ValueError as error:
            return Outcome(float("nan"), float("nan"), str(error))
        worst = allowed = 0.0
        for u, v in _pairs(H, row.constant):
            found = H @ v
            expected = mixed_difference(H, loss, batch, u, v, row)
            size = float(found.norm()) or 1.0
            worst = max(worst, abs(float(u @ found) - expected) / size)
            value = abs(float(loss(H.params, batch))) or 1.0
            allowed = max(allowed, tolerance(value, size, row))
    dropped = tuple(t.name for t in H.timings if "off differences" in t.refused)
    return Outcome(worst, allowed, "", dropped)


def tolerance(value: float, size: float, row: Row) -> float:
    """Return what rounding of four values over the square of the step leaves.

    A sum of a loss is good to some hundred roundings; truncation, h^4 of a sixth
    derivative, is as large at this step.
    """
    eps = torch.finfo(torch.float32 if row.single else torch.float64).eps
    return 1e-8 + 400 * eps * value / _step(row) ** 2 / size


def _step(row: Row) -> float:
    if row.kinked:
        return KINKED_STEP
    return SINGLE_STEP if row.single else STEP


def _pairs(
    H: HessianOperator, constant: tuple[str, int] | None
) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(5)
    rows = torch.randn(PAIRS, H.shape[0], generator=generator, dtype=torch.float64)
    for row in rows if constant is not None else ():
        H.unflatten(row)[constant[0]][constant[1]] = 0  # a view
    rows = rows / rows.norm(dim=1, keepdim=True)
    return [(rows[0], rows[0]), *itertools.pairwise(rows)]


def mixed_difference(
    H: HessianOperator, loss: Loss, batch: Any, u: Tensor, v: Tensor, row: Row
) -> float:
    """Return u'Hv from values of the loss alone; by Richardson's rule where smooth."""
    U, V = H.unflatten(u), H.unflatten(v)

    def at(a: float, b: float) -> float:
        moved = {n: p + a * U[n] + b * V[n] for n, p in H.params.items()}
        return float(loss(moved, batch))

    def mixed(h: float) -> float:
        return (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4 * h * h)

    h = _step(row)
    return mixed(h) if row.kinked else (4 * mixed(h) - mixed(2 * h)) / 3
