"""Matrices of differential equations on meshes that make them badly scaled."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp


def stiffness_and_mass(
    n: int, *, grading: float = 2.5, jump: float = 1e4
) -> tuple[sp.csr_array, sp.csr_array]:
    """Return the stiffness and mass matrices of linear elements on the unit square.

    Mesh lines at (i / n)^grading in both directions, each rectangle cut into two
    triangles; the coefficient is `jump` where x > 1/2 and 1 elsewhere; the boundary is
    held at zero.

    Returns
    -------
    stiffness, mass : csr_array, shape ((n - 1)^2, (n - 1)^2)
        Symmetric positive definite.

    References
    ----------
    G. Strang and G. J. Fix, An Analysis of the Finite Element Method, 1973, ch. 1.
    """
    lines = np.linspace(0.0, 1.0, n + 1) ** grading
    points = np.stack(np.meshgrid(lines, lines, indexing="ij"), axis=-1).reshape(-1, 2)
    triangles = _triangles(n)
    corners = points[triangles]
    edges = np.roll(corners, -1, axis=1) - np.roll(corners, 1, axis=1)  # opposite each
    area = abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 2
    coefficient = np.where(corners[:, :, 0].mean(axis=1) > 0.5, jump, 1.0)
    gradients = np.einsum("tix,tjx->tij", edges, edges)
    stiffness = gradients * (coefficient / (4 * area))[:, None, None]
    mass = (np.ones((3, 3)) + np.eye(3)) * (area / 12)[:, None, None]
    index = np.arange((n + 1) ** 2).reshape(n + 1, n + 1)[1:-1, 1:-1].ravel()
    assembled = (_assemble(local, triangles) for local in (stiffness, mass))
    inner_stiffness, inner_mass = (A[index][:, index] for A in assembled)
    return inner_stiffness, inner_mass


def _triangles(n: int) -> np.ndarray:
    """Return the corners of the 2 n^2 triangles, anticlockwise."""
    corner = np.arange((n + 1) ** 2).reshape(n + 1, n + 1)
    a, b = corner[:-1, :-1].ravel(), corner[1:, :-1].ravel()
    c, d = corner[1:, 1:].ravel(), corner[:-1, 1:].ravel()
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def _assemble(local: np.ndarray, nodes: np.ndarray) -> sp.csr_array:
    k = nodes.shape[1]
    rows, columns = np.repeat(nodes, k, axis=1), np.tile(nodes, (1, k))
    size = int(nodes.max()) + 1
    coordinates = (rows.ravel(), columns.ravel())
    return sp.coo_array((local.ravel(), coordinates), shape=(size, size)).tocsr()


def cantilever(n: int, *, length: float = 1.0, stiffness: float = 1.0) -> sp.csr_array:
    """Return the stiffness matrix of a beam clamped at one end, shape (2n, 2n).

    n cubic Hermite elements; a deflection and a rotation at each node, whose units
    differ, and fourth derivatives: kappa_2 grows like n^4.

    Parameters
    ----------
    n : int
        The number of elements.
    length : float
        Of the whole beam, in metres.
    stiffness : float
        Bending stiffness EI, in N m^2.

    References
    ----------
    O. C. Zienkiewicz, The Finite Element Method, 3rd ed., 1977, ch. 2.
    """
    h = length / n
    element = np.array(
        [
            [12, 6 * h, -12, 6 * h],
            [6 * h, 4 * h * h, -6 * h, 2 * h * h],
            [-12, -6 * h, 12, -6 * h],
            [6 * h, 2 * h * h, -6 * h, 4 * h * h],
        ]
    )
    nodes = 2 * np.arange(n)[:, None] + np.arange(4)
    local = np.broadcast_to(element * stiffness / h**3, (n, 4, 4))
    return _assemble(local, nodes)[2:, 2:]


def convection_diffusion(
    n: int, *, diffusion: float = 1e-3, layer: float = 0.02
) -> sp.csr_array:
    """Return upwind finite volumes for convection-diffusion, shape (n^2, n^2).

    -diffusion (u_xx + u_yy) + u_x + u_y = f on the unit square, u = 0 around it, on a
    mesh whose upper half of the cells is crowded into the layer at the outflow. Rows
    are fluxes, so they scale with the sizes of their cells. A nonsymmetric M-matrix.

    References
    ----------
    H.-G. Roos, M. Stynes and L. Tobiska, Robust Numerical Methods for Singularly
    Perturbed Differential Equations, 2nd ed., 2008, part I, section 2.4.
    """
    half = n // 2
    coarse = np.linspace(0.0, 1.0 - layer, n - half + 1)
    fine = np.linspace(1.0 - layer, 1.0, half + 1)
    faces = np.concatenate([coarse, fine[1:]])
    flux = _flux(faces, diffusion)
    widths = sp.diags_array(np.diff(faces))
    return sp.csr_array(sp.kron(flux, widths) + sp.kron(widths, flux))


def _flux(faces: np.ndarray, diffusion: float) -> sp.csr_array:
    """Return what leaves each cell of a line: diffusion, and convection upwind."""
    centres = (faces[1:] + faces[:-1]) / 2
    distance = np.diff(centres, prepend=faces[0], append=faces[-1])
    across = diffusion / distance  # one for each face
    diagonal = across[1:] + across[:-1] + 1.0
    bands = [-across[1:-1] - 1.0, diagonal, -across[1:-1]]
    return sp.diags_array(bands, offsets=[-1, 0, 1], format="csr")
