"""The condition of every weight matrix of a network, one row a matrix."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np
import torch
from torch import Tensor, nn

from condlab.nn.layout import Kinds
from condlab.nn.measures.layer_rows import LayerRow, LayerTable
from condlab.nn.measures.operator import operator_spectrum
from condlab.nn.measures.spectra import Measured, measured
from condlab.nn.states.planned import Plan
from condlab.nn.states.tensors import matrices, source_of
from condlab.optimal import optimal_scaling

__all__ = ["LayerRow", "LayerTable", "layer_table"]

EPS = float(np.finfo(np.float64).eps)
HEADED = ("q", "k", "v")


def layer_table(
    network: nn.Module | Mapping[str, Tensor],
    *,
    layers: str | Iterable[str] = "*",
    scalings: bool = True,
    heads: int | None = None,
    operator: Sequence[int] | None = None,
    best: bool = False,
    kinds: Kinds | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> LayerTable:
    """Tabulate the condition number of every weight matrix of a network.

    Parameters
    ----------
    network : torch.nn.Module or mapping of str to Tensor
        A module, of which the weights that its layers multiply with are taken; or a
        state dict, whose names and shapes say what each tensor is: a kernel is a matrix
        of c_out rows, packed attention is q, k and v, a recurrent weight its gates, a
        stack of experts each of them.
    layers : str or iterable of str
        Glob patterns of names of tensors.
    scalings : bool
        Whether to compute κ₂ after row, column and row-column scaling too.
    heads : int, optional
        So many heads of attention get a row each, of q, k and v.
    operator : sequence of int, optional
        The size of an image, one number for every axis of a kernel: convolutions are
        seen as operators on it too, of stride 1, with periodic borders.
    best : bool
        Whether to certify the best κ₂ of any row scaling; takes seconds a matrix.
    kinds : mapping of classes, optional
        As of `condition`, for a module.
    progress : callable
        Told the name of each tensor before it is read.

    Returns
    -------
    LayerTable
        A sequence of rows. Brackets include rounding: that of products is bounded, and
        LAPACK's eigenvalues and singular values are taken to be as good as
        `condlab.cond_2` takes them. The method "gram" is of eigenvalues of the Gram
        matrix in float64, and serves where six digits of κ are certain; elsewhere
        it is that of `cond_2`.

    Raises
    ------
    TypeError
        If `network` is neither.
    ValueError
        If there is no matrix that can be measured, or `layers` names none.

    References
    ----------
    A. van der Sluis, Numer. Math. 14, 1969; N. J. Higham, *Accuracy and Stability of
    Numerical Algorithms*, 2nd ed., SIAM 2002, section 3.1.

    Examples
    --------
    >>> table = layer_table({"0.weight": torch.tensor([[3.0, 4.0], [0.0, 0.1]])})
    >>> [(row.name, round(row.kappa.value, 2), row.rank) for row in table]
    [('0.weight', 83.35, 2)]
    >>> f"{table[0].scaled['row']:.4f}"
    '3.0000'
    """
    _require(heads, operator)
    source = source_of(network, kinds)
    patterns = (layers,) if isinstance(layers, str) else tuple(layers)
    plans = [p for p in source.plans if chosen(p.name, patterns)]
    left = {n: why for n, why in source.left_out.items() if chosen(n, patterns)}
    rows: list[LayerRow] = []
    entries = 0
    with torch.no_grad():
        for plan in plans:
            progress(plan.name)
            W = source.read(plan.name).cpu()
            dtype = str(W.dtype).removeprefix("torch.")
            if W.dtype.itemsize == 1:
                W = W.to(torch.float16)  # exact; torch cannot compare float8
            try:
                _require_finite(W)
                rows += _rows(plan, W, dtype, scalings, heads, operator, best)
                entries += W.numel()
            except _NotMeasurableError as error:
                left[plan.name] = str(error)
            del W  # before the next one is read: only one is held at a time
    if not rows:
        raise ValueError(_nothing(patterns, source.plans, left))
    return LayerTable(tuple(rows), left, entries)


class _NotMeasurableError(ValueError):
    """A tensor has no condition number, as its message says."""


def _require(heads: int | None, operator: Sequence[int] | None) -> None:
    if heads is not None and heads < 1:
        raise ValueError(f"heads must be at least 1, got {heads}")
    if operator is not None and (not operator or min(operator) < 1):
        raise ValueError(f"operator needs positive sizes of an image, got {operator}")


def chosen(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a tensor's name is of one of the glob patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _nothing(
    patterns: tuple[str, ...], plans: Sequence[Plan], left: Mapping[str, str]
) -> str:
    if left:
        name, why = next(iter(left.items()))
        more = f", and so on for {len(left) - 1} more" if len(left) > 1 else ""
        return f"no weight matrix can be measured: {name} {why}{more}"
    if plans:
        names = ", ".join(plan.name for plan in plans[:3])
        return f"no tensor is called {' or '.join(patterns)}; there are {names} ..."
    return "there is no matrix: no tensor has two axes or more"


def _require_finite(W: Tensor) -> None:
    # Neither a sum in float64 nor a mask is made of a whole tensor, which may be large.
    if all(math.isfinite(float(end)) for end in torch.aminmax(W)):
        return
    index = tuple(torch.isfinite(W).logical_not().nonzero()[0].tolist())
    raise _NotMeasurableError(f"holds {float(W[index])} at {index}")


def _rows(
    plan: Plan,
    W: Tensor,
    dtype: str,
    scalings: bool,
    heads: int | None,
    operator: Sequence[int] | None,
    best: bool,
) -> Iterator[LayerRow]:
    for name, A in matrices(plan, W):
        yield _row(name, plan.kind, dtype, A, scalings, best)
        if heads:
            for i, part in enumerate(_heads(name, A, heads)):
                yield _row(f"{name}.head{i}", "head", dtype, part, scalings, best)
    if operator and plan.kind == "convolution" and W.ndim == 2 + len(operator):
        yield _as_operator(plan, W, dtype, tuple(operator))


def _row(
    name: str, kind: str, dtype: str, A: Tensor, scalings: bool, best: bool
) -> LayerRow:
    found: Measured = measured(A, scalings=scalings)
    sigma = found.sigma
    certified = None
    if best:
        certified = optimal_scaling(A.double().numpy(), side="left").optimum
    return LayerRow(
        name,
        kind,
        (A.shape[0], A.shape[1]),
        dtype,
        found.kappa,
        int(np.sum(sigma > max(A.shape) * EPS * sigma[0])),
        sigma,
        spread(found.rows),
        spread(found.columns),
        found.scaled,
        found.best_rows,
        certified,
    )


def spread(norms: np.ndarray) -> float:
    """Return the largest norm over the smallest, inf where that is zero."""
    least = float(norms.min())
    return float(norms.max()) / least if least > 0 else math.inf


def _heads(name: str, A: Tensor, heads: int) -> Sequence[Tensor]:
    """Return the rows of each head where a matrix makes queries, keys or values."""
    if not _makes_heads(name) or A.shape[0] % heads or A.shape[0] == heads:
        return ()
    return A.unflatten(0, (heads, -1)).unbind(0)


def _makes_heads(name: str) -> bool:
    if name.endswith(tuple(f"[{part}]" for part in HEADED)):
        return "_ih" not in name and "_hh" not in name
    parts = name.split(".")[-2:]
    words = {word for part in parts for word in part.split("_")}
    return bool(words & {*HEADED, "query", "key", "value"})


def _as_operator(plan: Plan, W: Tensor, dtype: str, size: tuple[int, ...]) -> LayerRow:
    kernel = W.movedim(plan.layout.output_axis, 0)
    sigma, kappa = operator_spectrum(kernel, size)
    cells = math.prod(size)
    shape = (kernel.shape[0] * cells, kernel.shape[1] * cells)
    return LayerRow(
        f"{plan.name} on {' x '.join(map(str, size))}",
        "operator",
        shape,
        dtype,
        kappa,
        int(np.sum(sigma > max(shape) * EPS * sigma[0])),
        sigma,
        math.nan,
        math.nan,
        {},
    )
