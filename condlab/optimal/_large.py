"""The best scaling of sparse matrices that are too large to be dense."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from condlab import _arrays
from condlab.errors import SingularMatrixError
from condlab.optimal._in_memory import turned
from condlab.optimal._progress import Clock
from condlab.optimal._units import sparse_units
from condlab.optimal.one_sided import dense, matrix_free
from condlab.optimal.one_sided.components import (
    Part,
    best_components,
    centred,
    components,
)
from condlab.optimal.one_sided.dense import ROUNDING, SINGULAR, Found, reach
from condlab.scaling import jacobi_scaling
from condlab.types import Array, MatrixNorm, Scaling, Sparse

COMPONENT_BYTES = 2**23  # components of up to 1,000 rows are made dense


def best_large(
    A: Sparse,
    side: str,
    p: MatrixNorm,
    rtol: float,
    clock: Clock,
    rng: np.random.Generator,
    room: float,
) -> tuple[Found, str]:
    """Return the best scaling of a sparse A, and the method."""
    if p != 2 or side == "both" or A.dtype.kind == "c":
        raise ValueError(
            "matrices too large to be dense are scaled on one side, or symmetrically, "
            f"for p = 2 and real; got side={side!r}, p={p!r}, {A.dtype} of shape "
            f"{A.shape}"
        )
    A = sp.csr_array(_arrays.as_float(A).astype(np.float64))
    A.eliminate_zeros()
    if side == "symmetric":
        _require_symmetric(A)
        return _best(A, side, rtol, clock, rng, room)
    methods: list[str] = []

    def solve(B: Array) -> Found:
        found, method = _best(sp.csr_array(B), "left", rtol, clock, rng, room)
        methods.append(method)
        return found

    return turned(solve, A, side), methods[0]


def _require_symmetric(A: Sparse) -> None:
    if abs(A - A.T).max() > 0:
        raise ValueError(
            "symmetric scaling needs a symmetric matrix; use (A + A.T) / 2 if it is "
            "one but for rounding"
        )
    jacobi_scaling(A)  # raises where the diagonal is not positive


def _best(
    A: Sparse,
    side: str,
    rtol: float,
    clock: Clock,
    rng: np.random.Generator,
    room: float,
) -> tuple[Found, str]:
    """Scale the rows, or both sides alike, component by component."""
    units = sparse_units(A, side)
    B = units.apply_sparse(A)
    most, room = room, min(room, COMPONENT_BYTES)
    parts = components(B, side)
    _require_square(parts, room)
    search = dense.symmetric if side == "symmetric" else dense.left
    free = False

    def solve(C: Array) -> Found:
        nonlocal free
        if not sp.issparse(C):
            return search(C, rtol, clock)
        alike = side == "symmetric"
        found = matrix_free.best_rows(C, rtol, clock, rng, symmetric=alike)
        fits = C.shape[0] * C.shape[1] * 8 <= most
        if math.isinf(reach(found)) and fits and clock.affords("start", "judge"):
            D = C.toarray()  # a few steps of the dense method are better than none
            found = search(D, rtol, clock)
            d = centred(D, found, side) if math.isfinite(reach(found)) else found.left
            return replace(found, left=d, right=d if alike else None)
        free = True
        return found

    found = best_components(B, parts, side, rtol, clock, solve, room)
    method = "matrix-free" if free else "interior-point"
    if len(parts) > 1:
        method += f" in {len(parts)} components"
    if found.stopped == SINGULAR:
        raise SingularMatrixError(
            "the best scaling needs a nonsingular matrix, and this one, or one of its "
            "diagonal blocks, is singular; drop dependent lines first"
        )
    scaling = Scaling(found.left, found.right)
    if not units.have_floats(scaling):
        found = replace(found, upper=math.inf, stopped=ROUNDING)
    scaling = units.compose(scaling)
    return replace(found, left=scaling.left, right=scaling.right), method


def _require_square(parts: list[Part], room: float) -> None:
    for rows, columns in parts:
        m, n = len(rows), len(columns)
        if m != n and m * n * 8 > room:
            raise ValueError(
                "connected components too large to be dense must be square, got one of "
                f"shape {(m, n)}; van_der_sluis brackets the optimum where there is "
                "memory for a dense matrix"
            )
