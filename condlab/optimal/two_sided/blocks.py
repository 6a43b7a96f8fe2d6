"""Two-sided scaling of reducible matrices, block by block.

Permuted to block triangular form, a matrix of full column rank has a κ of at least that
of each diagonal block, whatever the scaling: the block is a part of it, and its least
singular value no less than that of the whole, as the blocks before it are square and
take back what the columns of this one leave in their rows. Grading the blocks makes
what is off the diagonal as small as one likes. So the infimum is the largest of the
blocks', and is not attained. Only the last ones can have more rows than columns.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components, maximum_bipartite_matching

from condlab.optimal._progress import Clock
from condlab.optimal.one_sided.dense import ROUNDING, TIME, Found
from condlab.optimal.two_sided import _tall, irreducible
from condlab.types import Array

Block = tuple[np.ndarray, np.ndarray]
STEPS = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 26.0)  # bits between blocks
MOST_BITS = 900.0


def diagonal_blocks(A: np.ndarray) -> list[Block]:
    """Return rows and columns of the fine Dulmage-Mendelsohn blocks of an A, m ≥ n.

    Raises
    ------
    ValueError
        If the pattern of A has not full column rank.
    """
    pattern = sp.csr_array(A != 0)
    matched = maximum_bipartite_matching(pattern, perm_type="row")  # to a column
    if (matched < 0).any():
        raise ValueError("a matrix of full structural column rank is needed")
    spare = _reached(pattern, matched)
    columns, others = np.flatnonzero(~spare), np.flatnonzero(spare)
    rows = matched[columns]
    own = np.setdiff1d(np.arange(len(A)), rows)
    parts = _connected(pattern[own][:, others])
    blocks = [(own[i], others[j]) for i, j in parts if len(j)]
    count, labels = connected_components(
        pattern[rows][:, columns], directed=True, connection="strong"
    )
    members = (np.flatnonzero(labels == k) for k in range(count))
    return [*blocks, *((rows[k], columns[k]) for k in members)]


def _reached(pattern: Array, matched: np.ndarray) -> np.ndarray:
    """Tell which columns alternating paths reach from rows without a column."""
    reached, rows = np.zeros(len(matched), bool), np.ones(pattern.shape[0], bool)
    rows[matched] = False
    while True:
        found = reached | (pattern.T @ rows > 0)
        if (found == reached).all():
            return reached
        reached = found
        rows[matched[reached]] = True


def _connected(pattern: Array) -> list[Block]:
    """Return rows and columns of the connected components."""
    graph = sp.block_array([[None, pattern], [pattern.T, None]])
    count, labels = connected_components(graph, directed=False)
    m = pattern.shape[0]
    return [
        (np.flatnonzero(labels[:m] == k), np.flatnonzero(labels[m:] == k))
        for k in range(count)
    ]


def best_blocks(A: np.ndarray, rtol: float, clock: Clock) -> tuple[Found, int]:
    """Return the scaling of an A, m ≥ n, from its blocks', and how many there are."""
    blocks = sorted(diagonal_blocks(A), key=lambda block: -len(block[0]))
    left, right = np.ones(A.shape[0]), np.ones(A.shape[1])
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
    if A.shape[1] == 1:
        return Found(1 / np.abs(A[:, 0]), np.ones(1), 1.0, 0)
    search = irreducible.both if A.shape[0] == A.shape[1] else _tall.both
    return search(A, rtol, enough, clock)


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
    row_block, column_block = (np.zeros(count, int) for count in A.shape)
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
