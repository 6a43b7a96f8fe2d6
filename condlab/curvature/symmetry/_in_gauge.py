"""An operator in its gauge, with the null directions that symmetry predicts there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch

from condlab.curvature.symmetry.gauge import SphereOperator, sphere
from condlab.curvature.symmetry.invariances import Invariance
from condlab.curvature.symmetry.motions import Scale
from condlab.curvature.symmetry.null_space import NullSpace, null_space

Gauge = Literal["raw", "sphere"]


def in_gauge(
    H: Any, gauge: str, invariances: tuple[Invariance, ...]
) -> tuple[Any, Gauge, NullSpace]:
    """Return the operator in its gauge, and its predicted null directions."""
    if gauge not in ("raw", "sphere"):
        raise ValueError(f'gauge must be "raw" or "sphere", got {gauge!r}')
    if invariances and not (isinstance(H, SphereOperator) or hasattr(H, "params")):
        raise ValueError(
            f"invariances need an operator with parameters, got {type(H).__name__}; "
            "use a HessianOperator"
        )
    scalings = [i for i in invariances if _is_line_scale(i)]
    if gauge == "sphere" and not isinstance(H, SphereOperator):
        if not scalings:
            raise ValueError(
                "the sphere gauge needs lines whose length does not count; give "
                "row_scale(params, name) among invariances, or sphere(H, lines) as H"
            )
        lines = {
            t.name: t.numbers for i in scalings for t in i.terms if isinstance(t, Scale)
        }
        H = sphere(H, lines)
    if isinstance(H, SphereOperator):
        others = [i for i in invariances if i not in scalings]
        return H, "sphere", _tangent(H, others)
    if not invariances:
        return H, "raw", _nothing(H)
    return H, "raw", null_space(H, invariances)


def _nothing(H: Any) -> NullSpace:
    kind = {"dtype": H.dtype, "device": getattr(H, "device", None)}
    return NullSpace(torch.zeros((H.shape[0], 0), **kind), {})


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
