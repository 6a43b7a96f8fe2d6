"""An operator in its gauge, with the null directions that symmetry predicts there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from condlab.curvature.operators._over_parameters import is_over_parameters
from condlab.curvature.symmetry.gauge import SphereOperator, sphere
from condlab.curvature.symmetry.invariances import Invariance
from condlab.curvature.symmetry.motions import Scale
from condlab.curvature.symmetry.null_space import NullSpace, null_space
from condlab.spectra._operator import Operator

Gauge = Literal["raw", "sphere"]


def in_gauge(
    H: Operator, gauge: str, invariances: tuple[Invariance, ...]
) -> tuple[Operator, Gauge, NullSpace]:
    """Return the operator in its gauge, and its predicted null directions."""
    if gauge not in ("raw", "sphere"):
        raise ValueError(f'gauge must be "raw" or "sphere", got {gauge!r}')
    scalings = [i for i in invariances if _is_line_scale(i)]
    others = [i for i in invariances if i not in scalings]
    if isinstance(H, SphereOperator):
        return H, "sphere", _tangent(H, others)
    if invariances and not is_over_parameters(H):
        raise ValueError(
            f"invariances need an operator with parameters, got {type(H).__name__}; "
            "use a HessianOperator"
        )
    if gauge == "sphere" and not scalings:
        raise ValueError(
            "the sphere gauge needs lines whose length does not count; give "
            "row_scale(params, name) among invariances, or sphere(H, lines) as H"
        )
    if not invariances:
        return H, "raw", _nothing(H)
    assert is_over_parameters(H)  # as all with invariances
    if gauge == "raw":
        return H, "raw", null_space(H, invariances)
    lines = {
        t.name: t.numbers for i in scalings for t in i.terms if isinstance(t, Scale)
    }
    K = sphere(H, lines)
    return K, "sphere", _tangent(K, others)


def _nothing(H: Operator) -> NullSpace:
    device = getattr(H, "device", None)
    return NullSpace(torch.zeros((H.shape[0], 0), dtype=H.dtype, device=device), {})


def _is_line_scale(invariance: Invariance) -> bool:
    return len(invariance.terms) == 1 and isinstance(invariance.terms[0], Scale)


def _tangent(K: SphereOperator, invariances: Sequence[Invariance]) -> NullSpace:
    """Return the predicted null directions that do not change lengths of lines."""
    if not invariances:
        return _nothing(K)
    raw = null_space(K.inner, invariances)
    near = torch.finfo(K.dtype).eps ** 0.5
    moved = raw.basis - K.lift(K.coordinates(raw.basis))
    _, s, Vt = torch.linalg.svd(moved, full_matrices=True)
    size = torch.zeros(len(Vt), dtype=s.dtype, device=s.device)
    size[: len(s)] = s
    inside = K.coordinates(raw.basis @ Vt[size <= near].T)
    basis = torch.linalg.qr(inside)[0]
    if basis.shape[1] == raw.nullity:
        return NullSpace(basis, raw.sources)
    name = "tangent part of " + ", ".join(raw.sources)
    return NullSpace(basis, {name: basis.shape[1]} if basis.shape[1] else {})
