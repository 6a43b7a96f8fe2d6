"""Plain and conditioned networks on the same quotient.

A row-equilibrated network does not know the lengths of its rows; a plain one does. So
their Hessians are matrices on different spaces, and their condition numbers differ for
that reason alone. Here the plain network is restricted to what the other one has: its
rows move along spheres, and each keeps its length. That is the plain network in weight
normalisation's coordinates with the lengths held, and equilibration is the same with
all lengths one.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from condlab._typing import Record
from condlab.curvature import _shown
from condlab.curvature.condition_number import (
    ConditionMethod,
    HessianCondition,
    condition_number,
)
from condlab.curvature.evaluation.losses import (
    Batch,
    Criterion,
    Loss,
    ModelLoss,
    make_loss,
    moved,
)
from condlab.curvature.operators.operator import HessianOperator
from condlab.curvature.symmetry.gauge import normalised_lines, sphere
from condlab.display.tables import record
from condlab.nn import condition as equilibrate
from condlab.nn.conditioning import Method
from condlab.nn.selection import Layers
from condlab.types import Bracket


def hold_lengths(
    loss: Loss,
    params: Mapping[str, Tensor],
    lines: Mapping[str, Tensor],
    *,
    length: float | None = None,
) -> Loss:
    """Return the loss of weights whose lines keep their lengths wherever they point.

    Parameters
    ----------
    loss : callable
        ``loss(params, batch)``, as of `HessianOperator`.
    params : dict of str to Tensor
        Where the lengths are taken.
    lines : dict of str to Tensor
        For parameters by name, the number of the line that each entry belongs to, as
        from `normalised_lines` or `line_numbers`.
    length : float, optional
        Of all lines instead; 1 is equilibration.

    Returns
    -------
    callable
        A loss that does not change with the lengths of lines; see `sphere`.

    Examples
    --------
    >>> def loss(params, x):
    ...     return x @ params["w"]
    >>> params, lines = {"w": torch.tensor([3.0, 4.0])}, {"w": torch.tensor([0, 0])}
    >>> held = hold_lengths(loss, params, lines)
    >>> for factor in (1.0, 10.0):
    ...     print(held({"w": factor * params["w"]}, torch.tensor([0.0, 1.0])))
    tensor(4.)
    tensor(4.)
    """
    kept = {
        name: lengths_of(params[name].detach(), numbers) if length is None else length
        for name, numbers in lines.items()
    }

    def held(params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found = dict(params)
        for name, numbers in lines.items():
            W, places = params[name], numbers.to(params[name].device)
            found[name] = W * (kept[name] / lengths_of(W, places))[places]
        return found

    found = moved(loss, held)
    # its layers see other weights than its parameters: no module to read these off
    return replace(found, module=None) if isinstance(found, ModelLoss) else found


def lengths_of(W: Tensor, numbers: Tensor) -> Tensor:
    """Return the lengths of the lines of W, shape (number of lines,)."""
    squares = torch.zeros(int(numbers.max()) + 1, dtype=W.dtype, device=W.device)
    places = numbers.reshape(-1).to(W.device)
    return squares.index_add(0, places, W.square().reshape(-1)).sqrt()


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Conditions of two Hessians on the same quotient.

    Parameters
    ----------
    plain, conditioned : HessianCondition
        In the sphere gauge, the plain network with the lengths of its lines held.
    ratio : Bracket
        Of ``conditioned.kappa_nonnull`` to ``plain.kappa_nonnull``: above one where
        conditioning has raised the condition number.
    """

    plain: HessianCondition
    conditioned: HessianCondition
    ratio: Bracket

    def to_dict(self) -> Record:
        """Return the fields, conditions as dicts without spectra."""
        return record(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: both condition numbers off null directions."""
        kappas = {"plain": self.plain, "conditioned": self.conditioned}
        rows = [
            _shown.kappa_row(f"kappa, {name}", found.kappa_nonnull)
            for name, found in kappas.items()
        ]
        return _shown.html([*rows, _shown.end_row("ratio", self.ratio)], ())


def compare(
    module: nn.Module,
    criterion: Criterion,
    batches: Sequence[Batch],
    *,
    method: Method = "row",
    layers: Layers = "all",
    solver: ConditionMethod = "auto",
) -> Comparison:
    """Compare a network's Hessian with that of its conditioned twin, at equal weights.

    Parameters
    ----------
    module : torch.nn.Module
        Plain, and left as it is.
    criterion : callable
        ``criterion(outputs, targets)``, a mean or a sum, as of `make_loss`.
    batches : sequence
        Of pairs of inputs and targets, as of `make_loss`.
    method, layers
        As of `condlab.nn.condition`; "ruiz" has no lines whose length is ignored.
    solver : str
        The ``method`` of `condition`, for both.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If the method leaves no line whose length is ignored.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    >>> batch = torch.randn(2, 16, 3, dtype=torch.float64)
    >>> found = compare(net, nn.MSELoss(), [(batch[0], batch[1, :, :2])])
    >>> found.plain.size, found.conditioned.size  # 26 entries, 6 rows
    (20, 20)
    """
    twin = equilibrate(copy.deepcopy(module), method, layers=layers)
    lines = normalised_lines(twin)
    if not lines:
        raise ValueError(
            f"method={method!r} leaves no line whose length is ignored, so there is no "
            'quotient to share; use "row", "column", "row_column" or "jacobi"'
        )
    params = dict(module.named_parameters())
    own = {_plain_name(name): numbers for name, numbers in lines.items()}
    held = hold_lengths(make_loss(module, criterion), params, own)
    plain, conditioned = (
        condition_number(
            sphere(HessianOperator(loss, at, batches), kept), method=solver
        )
        for loss, at, kept in (
            (held, params, own),
            (make_loss(twin, criterion), dict(twin.named_parameters()), lines),
        )
    )
    before, after = plain.kappa_nonnull, conditioned.kappa_nonnull
    ratio = Bracket(
        after.lower / before.upper if before.upper else 0.0,
        after.upper / before.lower if before.lower else float("inf"),
    )
    return Comparison(plain, conditioned, ratio)


def _plain_name(name: str) -> str:
    """Return what a stored weight is called before it is parametrised."""
    return name.replace("parametrizations.", "").removesuffix(".original")
