"""Closed meshes that are written out: superquadrics, a frame and tubes.

References
----------
.. [1] A. H. Barr, "Superquadrics and angle-preserving transformations", IEEE Computer
   Graphics and Applications 1(1), 1981.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from studies.data.meshes import Mesh

Array = np.ndarray
RINGS, SIDES = 24, 48  # of a grid
LENGTH = 128  # segments of a tube


def superquadric(upright: float, around: float) -> Mesh:
    """Return |x|^(2/a) + |y|^(2/a) to the a/u, plus |z|^(2/u), is 1, as a mesh.

    Parameters
    ----------
    upright, around : float
        u and a: near 0 for edges, 1 for round, 2 for flat faces.
    """
    v = np.linspace(-np.pi / 2, np.pi / 2, RINGS + 1)[1:-1, None]
    w = np.linspace(-np.pi, np.pi, SIDES, endpoint=False)
    ring = _power(np.cos(v), upright)
    x, y = (ring * _power(f(w), around) for f in (np.cos, np.sin))
    z = np.broadcast_to(_power(np.sin(v), upright), x.shape)
    grid = np.stack([x, y, z], axis=-1)
    faces = _grid_faces(RINGS - 1, SIDES, closed=False)
    poles = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]])
    count, last = grid.shape[0] * SIDES, (RINGS - 2) * SIDES
    i = np.arange(SIDES)
    j = (i + 1) % SIDES
    low = np.stack([np.full(SIDES, count), j, i], axis=1)
    high = np.stack([np.full(SIDES, count + 1), last + i, last + j], axis=1)
    return (
        np.concatenate([grid.reshape(-1, 3), poles]),
        np.concatenate([faces, low, high]),
    )


def tube(curve: Callable[[Array], Array], radius: float, edges: float = 1.0) -> Mesh:
    """Return a tube around a closed curve that nowhere runs along its own radius.

    Parameters
    ----------
    curve : callable
        From angles, shape (n,), to points, shape (n, 3).
    radius : float
        Of the tube.
    edges : float
        1 for a round profile, near 0 for a square one.
    """
    t = np.linspace(0, 2 * np.pi, LENGTH, endpoint=False)
    at, step = curve(t), 1e-4
    along = curve(t + step) - curve(t - step)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    out = at - (at * along).sum(axis=1, keepdims=True) * along
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    up = np.cross(along, out)
    w = np.linspace(0, 2 * np.pi, SIDES, endpoint=False)
    c, s = (radius * _power(f(w), edges)[:, None] for f in (np.cos, np.sin))
    grid = at[:, None] + c * out[:, None] + s * up[:, None]
    return grid.reshape(-1, 3), _grid_faces(LENGTH, SIDES, closed=True)


def _power(x: Array, exponent: float) -> Array:
    return np.sign(x) * np.abs(x) ** exponent


def _grid_faces(rows: int, columns: int, *, closed: bool) -> Array:
    """Return the triangles between rows of vertices, which are rings."""
    i, j = np.mgrid[: rows if closed else rows - 1, :columns]
    a, b = i * columns + j, i * columns + (j + 1) % columns
    below = (i + 1) % rows
    c, d = below * columns + j, below * columns + (j + 1) % columns
    halves = [np.stack([a, b, c], axis=-1), np.stack([b, d, c], axis=-1)]
    return np.concatenate([half.reshape(-1, 3) for half in halves])


def _circle(t: Array) -> Array:
    return np.stack([np.cos(t), np.sin(t), 0 * t], axis=1)


def _trefoil(t: Array) -> Array:
    ring = 0.7 + 0.3 * np.cos(3 * t)
    return np.stack(
        [ring * np.cos(2 * t), ring * np.sin(2 * t), 0.3 * np.sin(3 * t)], axis=1
    )


SURFACES: dict[str, Callable[[], Mesh]] = {
    "ball": partial(superquadric, 1.0, 1.0),
    "box": partial(superquadric, 0.15, 0.15),
    "cylinder": partial(superquadric, 0.15, 1.0),
    "octahedron": partial(superquadric, 2.0, 2.0),
    "double_cone": partial(superquadric, 2.0, 1.0),
    "star": partial(superquadric, 3.0, 3.0),
    "ring": partial(tube, _circle, 0.35),
    "square_ring": partial(tube, _circle, 0.35, 0.15),
    "trefoil": partial(tube, _trefoil, 0.18),
}
