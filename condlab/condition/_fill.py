"""How many entries a sparse LU factorisation will have, before it is attempted."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from condlab.types import Sparse

NARROW = 4  # times √n: the bandwidth of a mesh in the plane, which has small separators


def fits(A: Sparse, limit: float, *, row_exchanges: bool = False) -> bool:
    """Tell whether L and U together are expected to have at most `limit` entries.

    With pivots on the diagonal the factors have the pattern of those of A + A'. Row
    exchanges can fill them up to those of A'A, whatever the pivots (George and Ng
    1985); rows as dense as those that COLAMD ignores are left out. Two cheap sufficient
    conditions come first; the count itself costs about 10 microseconds an entry.
    """
    n = A.shape[0]
    if n * n <= limit:
        return True
    if row_exchanges:
        A = A.tocsr()
        sizes = np.diff(A.indptr)
        A = A[np.flatnonzero(sizes <= dense_from(n))]
        if (np.diff(A.indptr).astype(float) ** 2).sum() > limit:
            return False
        A = sp.csr_array((np.ones(A.nnz), A.indices, A.indptr), shape=A.shape)
        A = A.T @ A
    S = _symmetric_pattern(A)
    widths = _widths(S)
    if n + 2 * int(widths.sum()) <= limit:
        return True
    if not row_exchanges and widths.max() <= NARROW * np.sqrt(n):
        return _symbolic_count(S, "MMD_AT_PLUS_A") <= limit
    count = _symbolic_count(S, "COLAMD")
    if count <= limit or row_exchanges or count > 8 * limit:
        return count <= limit
    # Minimum degree fills a mesh less, but on a hopeless graph it never ends.
    return _symbolic_count(S, "MMD_AT_PLUS_A") <= limit


def dense_from(n: int) -> float:
    """Return the number of entries past which a row is dense, as COLAMD sees it."""
    return 10 * np.sqrt(n) + 16


def _symmetric_pattern(A: Sparse) -> sp.csr_array:
    """Return the pattern of A + A' without its diagonal, as csr of ones."""
    rows, columns = A.tocoo().coords
    off = rows != columns
    rows, columns = rows[off], columns[off]
    entries = (np.concatenate([rows, columns]), np.concatenate([columns, rows]))
    S = sp.coo_array((np.ones(2 * len(rows)), entries), shape=A.shape).tocsr()
    S.data[:] = 1
    return S


def _rows(S: sp.csr_array) -> np.ndarray:
    return np.repeat(np.arange(S.shape[0]), np.diff(S.indptr))


def _widths(S: sp.csr_array) -> np.ndarray:
    """Count each row's entries in the envelope that reverse Cuthill-McKee leaves."""
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    n = S.shape[0]
    position = np.empty(n, dtype=np.int64)
    position[reverse_cuthill_mckee(S, symmetric_mode=True)] = np.arange(n)
    rows = _rows(S)
    width = np.zeros(n, dtype=np.int64)
    np.maximum.at(width, rows, position[rows] - position[S.indices])
    return width


def _symbolic_count(S: sp.csr_array, permc_spec: str) -> int:
    """Count the entries of L and U exactly, for one of SuperLU's own orderings.

    Row i of L has the structure of the subtree of the elimination tree that joins the
    nonzeros k < i of row i to i (Liu 1986). In depth-first order, each k adds the path
    up to its lowest common ancestor with the one before it.
    """
    from scipy.sparse.linalg import spilu

    n = S.shape[0]
    # A factorisation that drops everything gives away the ordering for free.
    degree = np.diff(S.indptr)
    ordering = spilu(
        (S + sp.diags_array(degree + 1.0)).tocsc(),
        drop_tol=1.0,
        fill_factor=1,
        permc_spec=permc_spec,
    ).perm_c
    position = ordering.astype(np.int64)
    i, k = position[_rows(S)], position[S.indices]
    i, k = i[k < i], k[k < i]
    by_row = np.argsort(i)
    parent = _elimination_tree(i[by_row], k[by_row], n)
    level, first = _levels_and_preorder(parent)
    order = np.lexsort((first[k], i))
    i, k = i[order], k[order]
    same_row = np.append(False, i[1:] == i[:-1])
    before = np.where(same_row, first[np.roll(k, 1)], 0)
    shared = _least_between(level[np.argsort(first)], before + 1, first[k]) - 1
    path = level[k] - np.where(same_row, shared, level[i])
    return n + 2 * int(path.sum())


def _elimination_tree(i: np.ndarray, k: np.ndarray, n: int) -> list[int]:
    """Return the parent of every column, n for a root (Liu's path compression)."""
    parent, ancestor = [n] * n, [-1] * n
    for row, start in zip(i.tolist(), k.tolist(), strict=True):
        node = start
        while node != -1 and node < row:
            above, ancestor[node] = ancestor[node], row
            if above == -1:
                parent[node] = row
            node = above
    return parent


def _levels_and_preorder(parent: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the depth and the depth-first number of every node under one root n."""
    n = len(parent)
    size, level, first = [1] * (n + 1), [0] * (n + 1), [0] * (n + 1)
    for j in range(n):
        size[parent[j]] += size[j]
    free = [1] * (n + 1)  # the next free number under each node, relative to its own
    for j in range(n - 1, -1, -1):  # parents come after their children
        above = parent[j]
        level[j] = level[above] + 1
        first[j] = first[above] + free[above]
        free[above] += size[j]
    return np.array(level), np.array(first)


def _least_between(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return min(x[low..high]) for many ranges, from a table of powers of two."""
    span = np.maximum(high - low + 1, 1)
    exponent = np.frexp(span)[1] - 1
    least = np.empty(len(span), dtype=x.dtype)
    table = x
    for e in range(int(exponent.max(initial=0)) + 1):
        here = exponent == e
        ends = high[here] - 2**e + 1
        least[here] = np.minimum(table[low[here]], table[ends])
        table = np.minimum(table[: -(2**e)], table[2**e :])
    return least
