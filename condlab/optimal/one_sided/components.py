"""One-sided scaling of matrices that fall apart: permuted, they are block diagonal.

The singular values are those of all blocks together, and every block has a factor of
its own. So the best condition number is the largest of the blocks', attained where each
block's singular values have 1 in their middle. A block that equilibration brings below
the bound of another is done.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from condlab.condition._inverse import EPS
from condlab.optimal._progress import Clock
from condlab.optimal.one_sided.dense import (
    SINGULAR,
    TIME,
    WITHIN,
    Found,
    equilibrated,
    reach,
)
from condlab.types import Array

Part = tuple[np.ndarray, np.ndarray]
Solver = Callable[[Array], Found]
FEW = 50  # parts whose equilibration takes next to no time, unless they are large


@dataclass(slots=True)
class _Block:
    """A component with what is known of its best scaling."""

    rows: np.ndarray
    columns: np.ndarray
    A: Array
    found: Found


def components(A: Array, side: str) -> list[Part]:
    """Return rows and columns of the connected components that have both."""
    if not sp.issparse(A) and A.all():
        return [(np.arange(A.shape[0]), np.arange(A.shape[1]))]
    pattern = sp.csr_array(A)
    if side == "symmetric":
        count, rows = connected_components(pattern, directed=False)
        columns = rows
    else:
        graph = sp.block_array([[None, pattern], [pattern.T, None]])
        count, labels = connected_components(graph, directed=False)
        rows, columns = labels[: A.shape[0]], labels[A.shape[0] :]
    pairs = zip(_members(rows, count), _members(columns, count), strict=True)
    return [(i, j) for i, j in pairs if len(i) and len(j)]


def best_components(
    A: Array,
    parts: list[Part],
    side: str,
    rtol: float,
    clock: Clock,
    solve: Solver,
    room: float = math.inf,
) -> Found:
    """Return the best scaling of the rows, or of both sides alike, from the parts'.

    A part of a sparse A is made dense unless it takes more than `room` bytes; of one
    that is not, `solve` centres the singular values, as `centred` does.
    """
    if not _have_full_rank(A.shape, parts):
        ones = np.ones(A.shape[0])
        right = ones if side == "symmetric" else None
        return Found(ones, right, math.inf, 0, SINGULAR, math.inf)
    few = len(parts) <= FEW
    blocks = [_started(A, part, side, clock, room, few) for part in parts]
    lower, steps, stopped = max(block.found.lower for block in blocks), 0, WITHIN
    for block in sorted(blocks, key=lambda block: -reach(block.found)):
        if lower == math.inf or reach(block.found) <= lower * (1 + rtol / 2):
            break
        if clock.over() and (steps > 0 or not clock.allows_first(block.A.shape)):
            stopped = TIME
            break
        block.found = solve(block.A)
        lower, steps = max(lower, block.found.lower), steps + block.found.iterations
        if reach(block.found) > lower * (1 + rtol):
            stopped = block.found.stopped
    if lower == math.inf:
        stopped = SINGULAR
    return _joined(A, blocks, side, Found(None, None, lower, steps, stopped))


def _have_full_rank(shape: tuple[int, int], parts: list[Part]) -> bool:
    """Tell whether the shapes of the parts allow the full rank of the whole."""
    m, n = shape
    sizes = np.array([[len(rows), len(columns)] for rows, columns in parts])
    tall = m < n or (sizes[:, 1].sum() == n and (sizes[:, 0] >= sizes[:, 1]).all())
    wide = m > n or (sizes[:, 0].sum() == m and (sizes[:, 0] <= sizes[:, 1]).all())
    return bool(tall and wide)


def _members(labels: np.ndarray, count: int) -> list[np.ndarray]:
    ends = np.cumsum(np.bincount(labels, minlength=count))[:-1]
    return np.split(np.argsort(labels, kind="stable"), ends)


def _started(
    A: Array, part: Part, side: str, clock: Clock, room: float, few: bool
) -> _Block:
    """Return the block of a part, equilibrated where it is dense and there is time."""
    rows, columns = part
    B = A[rows][:, columns]
    found = Found(np.ones(len(rows)), None, 1.0, 0, TIME)
    if len(rows) * len(columns) * 8 <= room:
        B = B.toarray() if sp.issparse(B) else B
        if min(B.shape) == 1:  # of rank one
            found = Found(_one_line(B, side), None, 1.0, 0, WITHIN, 1 + 8 * EPS)
        elif few or not clock.over():
            found = equilibrated(B, side, clock)
    return _Block(rows, columns, B, found)


def _one_line(A: np.ndarray, side: str) -> np.ndarray:
    norms = np.sqrt(np.vecdot(A, A))
    return norms**-0.5 if side == "symmetric" else 1 / norms


def _joined(A: Array, blocks: list[_Block], side: str, found: Found) -> Found:
    """Return the scaling of the whole from those of the blocks."""
    left = np.ones(A.shape[0])
    for block in blocks:
        d = np.asarray(block.found.left)
        if math.isfinite(reach(block.found)) and not sp.issparse(block.A):
            d = centred(block.A, block.found, side)
        left[block.rows] = d
    slack = 1 + 16 * (max(len(block.rows) for block in blocks) + 8) * EPS
    upper = max(reach(block.found) for block in blocks) * slack
    right = left if side == "symmetric" else None
    return Found(left, right, found.lower, found.iterations, found.stopped, upper)


def centred(A: np.ndarray, found: Found, side: str) -> np.ndarray:
    """Return the multipliers with which the singular values lie around 1.

    With the norm √u, where κ ≤ u, all are between 1 / √u and √u, whatever rounding
    has done to the smallest.
    """
    d, symmetric = np.asarray(found.left), side == "symmetric"
    M = d[:, None] * A * d if symmetric else d[:, None] * A
    factor = math.sqrt(reach(found)) / float(np.linalg.norm(M, 2))
    return d * (math.sqrt(factor) if symmetric else factor)
