"""The exact condition number of a small network's Hessian, in three gauges.

"raw": over the parameters as they are stored. "sphere": without the lengths of rows
that the function ignores, of an equilibrated weight or of weight normalisation's
directions. "quotient": the rows of every matrix move along spheres and keep the lengths
that they have in the function. That is one space for all arms: a weight that is stored
otherwise, and multiplies as before, has the same condition number there.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from condlab.curvature import (
    HessianCondition,
    HessianOperator,
    condition_number,
    hold_lengths,
    line_numbers,
    normalised_lines,
    sphere,
)
from condlab.nn import fold
from condlab.types import Bracket
from studies.tasks.arms import batch_statistics, laid_out, matrix_layers
from studies.tasks.shares import Batch, Loss, LossOfBatch

Lines = dict[str, Tensor]
LossOfParameters = Callable[[dict[str, Tensor], Batch], Tensor]
Found = HessianCondition | ValueError  # a condition number, or why there is none

GAUGES = ("raw", "sphere", "quotient")
KAPPAS = ("kappa_hessian", "kappa_sphere", "kappa_quotient")
ORDER = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))  # of differences
STEPS = (1e-3, 1e-4, 1e-6)  # of these, over the parameters' size
CHUNK = 64  # columns that are multiplied together
DIGITS = 6  # that records keep
DIRECTIONS = ".original1"  # what torch's weight normalisation stores them as


class Assembled:
    """A Hessian whose matrix is made once, for two gauges; products stay its own.

    Attributes
    ----------
    noise : float
        By how much a product is off differences of the gradient. The operator's own are
        of second order, which hides small eigenvalues where the loss bends much.
    """

    def __init__(self, loss: LossOfParameters, params: dict[str, Tensor], batch: Batch):
        H = HessianOperator(loss, params, [batch], backend="batched")
        # not as fast as it goes: what is timed differs from run to run, and so rounding
        self._H, self._matrix = H, H.dense(chunk=CHUNK)
        self.noise = min(H.noise, _off_differences(H, loss, batch))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._H, name)

    def __matmul__(self, V: Tensor) -> Tensor:
        return self._H @ V

    def dense(self, **_options: object) -> Tensor:
        """Return a copy of the matrix, which is made already."""
        return self._matrix.clone()


def _off_differences(H: HessianOperator, loss: LossOfParameters, batch: Batch) -> float:
    """Return how far a product is off differences of eighth order, at the best step."""
    point = H.flatten(H.params)
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(H.shape[0], generator=generator, dtype=H.dtype)
    product, unit = H @ v, float(point.square().mean().sqrt())

    def slope(shift: float) -> Tensor:
        moved = {
            k: p.requires_grad_() for k, p in H.unflatten(point + shift * v).items()
        }
        value, places = loss(moved, batch), list(moved.values())
        found = torch.autograd.grad(value, places, materialize_grads=True)
        return torch.cat([g.reshape(-1) for g in found])

    gaps = []
    for t in (unit * step for step in STEPS):
        parts = [w * (slope(k * t) - slope(-k * t)) for k, w in ORDER]
        gaps.append(float((sum(parts) / t - product).norm()))
    return min(gaps)


def exact_probes(net: nn.Module, loss: Loss, batch: Batch) -> dict[str, float | str]:
    """Return what the assembled Hessian on a batch says in every gauge, in float64.

    In the raw gauge "kappa_hessian", over what is not null, "lambda_max", "lambda_min",
    and how many eigenvalues are "negative", "positive" and null, "nullity", which is
    those that cannot be told from zero; in the others "kappa_sphere",
    "lambda_max_sphere" and so on. "kappa_sphere_lower" and "_upper" are certain up to
    the products' noise, and rounded outward. "method_sphere" says how it was found, or
    why it was not: then the numbers are nan. A network with no row whose length it
    ignores has the raw gauge for its sphere gauge.
    """
    plain = torch.contiguous_format  # vmap knows no other
    net = laid_out(copy.deepcopy(net).double(), plain)
    batch = tuple(
        x.double().contiguous() if x.is_floating_point() else x for x in batch
    )
    with batch_statistics(net):
        raw, gauged = _stored(LossOfBatch(net, loss), batch)
        shared = _tried(lambda: quotient(net, loss, batch))
    parts = zip(GAUGES, (raw, gauged, shared), strict=True)
    return {k: v for gauge, found in parts for k, v in _named(found, gauge).items()}


def quotient(net: nn.Module, loss: Loss, batch: Batch) -> HessianCondition:
    """Return the condition of the Hessian on the space that all arms share.

    Parameters
    ----------
    net : torch.nn.Module
        In double precision, within `batch_statistics`.
    loss, batch
        As of `exact_probes`.

    Raises
    ------
    ValueError
        If a row is zero, which has no direction, or products fail their own checks.
    """
    whole = LossOfBatch(fold(copy.deepcopy(net)), loss)
    params = _trained(whole)
    rows = {
        f"{name}.weight": line_numbers(layer.weight, columns=_by_columns(layer))
        for name, layer in matrix_layers(whole)
    }
    held = hold_lengths(_loss_of(whole), params, rows)
    return condition_number(
        sphere(Assembled(held, params, batch), rows), method="exact"
    )


def ignored_lines(net: nn.Module) -> Lines:
    """Return the rows of stored weights whose length the network ignores.

    Examples
    --------
    >>> list(ignored_lines(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))))
    ['parametrizations.weight.original1']
    """
    directions = {
        name: line_numbers(p)
        for name, p in net.named_parameters()
        if name.endswith(DIRECTIONS)
    }
    return normalised_lines(net) | directions


def _stored(whole: LossOfBatch, batch: Batch) -> tuple[Found, Found]:
    """Return the conditions in the stored parameters' gauges, or what is wrong."""
    try:
        H = Assembled(_loss_of(whole), _trained(whole), batch)
    except ValueError as error:
        return error, error
    raw = _tried(lambda: condition_number(H, method="exact"))
    lines = ignored_lines(whole)
    if not lines:
        return raw, raw
    return raw, _tried(lambda: condition_number(sphere(H, lines), method="exact"))


def _tried(measure: Callable[[], HessianCondition]) -> Found:
    try:
        return measure()
    except ValueError as error:
        return error


def _named(found: Found, gauge: str) -> dict[str, float | str]:
    """Return numbers as records call them; nan where there are none."""
    end = "" if gauge == "raw" else f"_{gauge}"
    kappa = dict(zip(GAUGES, KAPPAS, strict=True))[gauge]
    if isinstance(found, ValueError):
        values, method = [math.nan] * 8, f"none: {found}"
    else:
        estimate, inertia = found.kappa_nonnull, found.inertia
        method = found.method
        values = [
            estimate.value, rounded(estimate.lower, ROUND_FLOOR),
            rounded(estimate.upper, ROUND_CEILING), _middle(found.lambda_max),
            _middle(found.lambda_min), found.nullity, inertia.negative[0],
            inertia.positive[0],
        ]  # fmt: skip
    names = [kappa, f"{kappa}_lower", f"{kappa}_upper"]
    rest = ("lambda_max", "lambda_min", "nullity", "negative", "positive")
    names += [f"{name}{end}" for name in rest]
    return {**dict(zip(names, values, strict=True)), f"method{end}": method}


def _middle(ends: Bracket) -> float:
    return (ends.lower + ends.upper) / 2


def rounded(x: float, towards: str) -> float:
    """Return x to as many digits as records keep, rounded up or down.

    Examples
    --------
    >>> rounded(1 / 3, ROUND_FLOOR), rounded(1 / 3, ROUND_CEILING)
    (0.333333, 0.333334)
    """
    if not math.isfinite(x):
        return x
    return float(Context(prec=DIGITS, rounding=towards).create_decimal(x))


def _loss_of(whole: LossOfBatch) -> LossOfParameters:
    return lambda params, batch: functional_call(whole, params, (batch,))


def _trained(whole: nn.Module) -> dict[str, Tensor]:
    return {name: p for name, p in whole.named_parameters() if p.requires_grad}


def _by_columns(layer: nn.Module) -> bool:
    """Return whether columns are what is normalised, as of some of nGPT's layers."""
    return getattr(layer, "axis", 1) == 0
