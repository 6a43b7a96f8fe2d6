"""Two-sided scaling of reducible matrices, block by block.

Permuted to block triangular form, a nonsingular matrix has a κ of at least that of each
diagonal block, whatever the scaling: the block is a part of it, and the inverse of the
block a part of its inverse. Grading the blocks makes what is off the diagonal as small
as one likes. So the infimum is the largest of the blocks', and is not attained.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components, maximum_bipartite_matching

from condlab.optimal._one_sided import ROUNDING, TIME, Found
from condlab.optimal._progress import Clock
from condlab.optimal._two_sided import both

Block = tuple[np.ndarray, np.ndarray]
STEPS = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 26.0)  # bits between blocks
MOST_BITS = 900.0


def diagonal_blocks(A: np.ndarray) -> list[Block]:
    """Return rows and columns of the fine Dulmage-Mendelsohn blocks of a square A.

    Raises
    ------
    ValueError
        If the pattern of A is structurally singular.
    """
    pattern = sp.csr_array(A != 0)
    columns = maximum_bipartite_matching(pattern, perm_type="column")
    if (columns < 0).any():
        raise ValueError("a structurally nonsingular matrix is needed")
    count, labels = connected_components(
        pattern[:, columns], directed=True, connection="strong"
    )
    members = (np.flatnonzero(labels == k) for k in range(count))
    return [(rows, columns[rows]) for rows in members]


def best_blocks(A: np.ndarray, rtol: float, clock: Clock) -> tuple[Found, int]:
    """Return the scaling of a square A from its blocks', and how many there are."""
    blocks = sorted(diagonal_blocks(A), key=lambda block: -len(block[0]))
    left, right = np.ones(len(A)), np.ones(len(A))
    lower, most, steps, stopped = 1.0, 1.0, 0, ROUNDING
    for rows, columns in blocks:
        found = _block(A[np.ix_(rows, columns)], rtol, max(lower, 1.0), clock)
        left[rows], right[columns] = found.left, found.right
        stopped = TIME if found.stopped == TIME else stopped
        lower, steps = max(lower, found.lower), steps + found.iterations
        if len(blocks) == 1 or not clock.affords("start", "judge"):
            continue
        sigma = _singular_values(A, left, right, (rows, columns))
        left[rows] /= np.sqrt(sigma[0] * sigma[-1])
        most = max(most, float(sigma[0] / sigma[-1]))
    if len(blocks) > 1:
        enough = most * (1 + rtol / 8)
        left, right = _graded(A, left, right, blocks, enough, clock)
    return Found(left, right, lower, steps, stopped), len(blocks)


def _block(A: np.ndarray, rtol: float, enough: float, clock: Clock) -> Found:
    if len(A) == 1:
        return Found(1 / np.abs(A[0]), np.ones(1), 1.0, 0)
    return both(A, rtol, enough, clock)


def _singular_values(
    A: np.ndarray, left: np.ndarray, right: np.ndarray, block: Block
) -> np.ndarray:
    rows, columns = block
    M = left[rows, None] * A[np.ix_(rows, columns)] * right[columns]
    return np.linalg.svd(M, compute_uv=False)


def _graded(
    A: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    blocks: list[Block],
    enough: float,
    clock: Clock,
) -> tuple[np.ndarray, np.ndarray]:
    """Return multipliers that shrink the parts off the diagonal until κ ≤ enough."""
    row_block, column_block = np.empty(len(A), int), np.empty(len(A), int)
    for k, (rows, columns) in enumerate(blocks):
        row_block[rows], column_block[columns] = k, k
    i, j = np.nonzero(A)
    off = row_block[i] != column_block[j]
    i, j = i[off], j[off]
    sizes = np.log2(left[i]) + np.log2(np.abs(A[i, j])) + np.log2(right[j])
    best, best_kappa = (left, right), np.inf
    for bits in STEPS:
        levels = _levels(row_block[i], column_block[j], sizes + bits, len(blocks))
        if levels.max() > MOST_BITS or not clock.affords("start", "judge"):
            break
        shift = np.round(levels - levels.max() / 2)
        graded = left * 2.0 ** -shift[row_block], right * 2.0 ** shift[column_block]
        sigma = np.linalg.svd(graded[0][:, None] * A * graded[1], compute_uv=False)
        kappa = float(sigma[0] / sigma[-1]) if sigma[-1] > 0 else np.inf
        if kappa < best_kappa:
            best, best_kappa = graded, kappa
        if kappa <= enough:
            break
    return best


def _levels(
    above: np.ndarray, below: np.ndarray, sizes: np.ndarray, count: int
) -> np.ndarray:
    """Return the least levels such that each edge falls by its size, which is ≥ 0."""
    levels = np.zeros(count)
    for _ in range(count):  # longest paths; the blocks form no cycle
        raised = levels.copy()
        np.maximum.at(raised, above, levels[below] + np.maximum(sizes, 0.0))
        if (raised == levels).all():
            break
        levels = raised
    return levels
