"""Laplacians and incidence matrices of graphs."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

_KARATE = (  # neighbours with a larger number, member by member
    (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31),
    (2, 3, 7, 13, 17, 19, 21, 30),
    (3, 7, 8, 9, 13, 27, 28, 32),
    (7, 12, 13),
    (6, 10),
    (6, 10, 16),
    (16,),
    (),
    (30, 32, 33),
    (33,),
    (),
    (),
    (),
    (33,),
    (32, 33),
    (32, 33),
    (),
    (),
    (32, 33),
    (33,),
    (32, 33),
    (),
    (32, 33),
    (25, 27, 29, 32, 33),
    (25, 27, 31),
    (31,),
    (29, 33),
    (33,),
    (31, 33),
    (32, 33),
    (32, 33),
    (32, 33),
    (33,),
)


def karate_edges() -> np.ndarray:
    """Return the 78 friendships among the 34 members of a karate club.

    References
    ----------
    W. W. Zachary, "An information flow model for conflict and fission in small
    groups", J. Anthropological Research 33, 1977, 452-473, figure 1.
    """
    return np.array([(i, j) for i, others in enumerate(_KARATE) for j in others])


def regularised_laplacian(
    edges: np.ndarray, weights: np.ndarray, *, shift: float
) -> sp.csr_array:
    """Return L + shift I for the weighted graph; its smallest eigenvalue is `shift`.

    Parameters
    ----------
    edges : array, shape (k, 2)
        Pairs of nodes.
    weights : array, shape (k,)
        Positive.
    shift : float
        Positive.
    """
    B = incidence(edges)
    laplacian = B.T @ sp.diags_array(weights) @ B
    return sp.csr_array(laplacian + shift * sp.eye_array(B.shape[1]))


def incidence(edges: np.ndarray) -> sp.csr_array:
    """Return the matrix of differences along the edges, shape (edges, nodes)."""
    rows = np.repeat(np.arange(len(edges)), 2)
    signs = np.tile([-1.0, 1.0], len(edges))
    shape = (len(edges), int(edges.max()) + 1)
    return sp.coo_array((signs, (rows, edges.ravel())), shape=shape).tocsr()


def random_geometric(
    n: int, *, radius: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return edges and weights 1 / distance^2 of points near each other in a square.

    References
    ----------
    M. Penrose, Random Geometric Graphs, 2003.
    """
    points = rng.random((n, 2))
    distance = np.linalg.norm(points[:, None] - points[None, :], axis=2)
    edges = np.argwhere(np.triu(distance < radius, 1))
    return edges, distance[tuple(edges.T)] ** -2


def resistor_network(n: int, *, rng: np.random.Generator) -> sp.csr_array:
    """Return the grounded, weighted incidence matrix A of an n x n grid of resistors.

    A'A is the conductance matrix; row k is multiplied by the root of a conductance
    drawn log-uniformly from 1e-3 to 1e3, and the first node is grounded.

    Returns
    -------
    csr_array, shape (2 n (n - 1), n^2 - 1)
        Of full column rank.

    References
    ----------
    G. Strang, Introduction to Applied Mathematics, 1986, chapter 2.
    """
    node = np.arange(n * n).reshape(n, n)
    right = np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], axis=1)
    down = np.stack([node[:-1].ravel(), node[1:].ravel()], axis=1)
    edges = np.concatenate([right, down])
    roots = 10.0 ** rng.uniform(-1.5, 1.5, len(edges))
    return sp.csr_array(sp.diags_array(roots) @ incidence(edges)[:, 1:])
