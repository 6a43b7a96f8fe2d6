"""Solids that tell which points are inside them: written out, or closed meshes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from studies.data import meshes

Points = np.ndarray  # float64, shape (n, 3)

NEAR = 0.03  # how far from the surface points near it are, one standard deviation
PAIRS = 1 << 15  # of points and triangles that are looked at together: they fit a cache
SEGMENTS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """A solid within the cube [-1, 1]^3.

    Parameters
    ----------
    inside : callable
        From points, shape (n, 3), to booleans, shape (n,).
    near : callable
        ``near(count, rng)`` draws points close to the surface.
    """

    inside: Callable[[Points], np.ndarray]
    near: Callable[[int, np.random.Generator], Points]


@cache
def load(name: str, folder: Path | None = None) -> Solid:
    """Return a solid: "carved" and "knot" are written out, others are meshes.

    Parameters
    ----------
    name : str
        Of the solid, or of a file in the folder or in ``meshes`` there, without its
        extension: ``.npz`` with arrays ``v`` and ``f``, ``.obj``, ``.off`` or
        ``.ply``; or the path of such a file.
    folder : pathlib.Path, optional
        Where meshes are.

    Raises
    ------
    ValueError
        If there is no solid of that name, or its file is damaged or not closed.
    """
    if name in WRITTEN_OUT:
        inside = WRITTEN_OUT[name]
        return Solid(inside, lambda count, rng: _flipping(inside, count, rng))
    path = meshes.find(name, folder)
    if path is None:
        known = ", ".join(WRITTEN_OUT)
        raise ValueError(
            f"the solids are {known}, the meshes in --data DIR, and files that end in "
            f"{', '.join(meshes.EXTENSIONS)}; got {name!r}"
        )
    vertices, faces = meshes.read(path)
    corners = meshes.in_cube(vertices)[faces]
    return Solid(
        lambda points: winding_number(points, corners) > 0.5,
        lambda count, rng: _on_faces(corners, count, rng),
    )


def sample(solid: Solid, count: int, seed: int) -> tuple[Points, np.ndarray]:
    """Return points, half of them near the surface, and whether they are inside."""
    rng = np.random.default_rng(seed)
    uniform = rng.uniform(-1, 1, (count - count // 2, 3))
    points = np.concatenate([uniform, solid.near(count // 2, rng)]).clip(-1, 1)
    return points, solid.inside(points)


def winding_number(points: Points, corners: np.ndarray) -> np.ndarray:
    """Return how often a mesh winds around points: 1 inside a closed one, 0 outside.

    Parameters
    ----------
    points : array, shape (n, 3)
        Off the surface.
    corners : array, shape (faces, 3, 3)
        Of triangles that turn left seen from outside.

    References
    ----------
    .. [1] A. Van Oosterom and J. Strackee, "The solid angle of a plane triangle", IEEE
       Trans. Biomedical Engineering 30(2), 1983, equation 8.

    Examples
    --------
    >>> tetrahedron = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    >>> faces = [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]
    >>> inside_and_out = np.array([[0.1, 0.1, 0.1], [1.0, 1.0, 1.0]])
    >>> winding_number(inside_and_out, tetrahedron[faces]).round(9) + 0.0
    array([1., 0.])
    """
    at_once = max(1, PAIRS // len(corners))
    parts = [
        _solid_angles(points[i : i + at_once], corners).sum(axis=1)
        for i in range(0, len(points), at_once)
    ]
    return np.concatenate([np.zeros(0), *parts]) / (4 * np.pi)


def _solid_angles(points: Points, corners: np.ndarray) -> np.ndarray:
    # a coordinate at a time: sums over a last axis of three are many times slower
    a, b, c = (
        [corners[:, k, i] - points[:, i, None] for i in range(3)] for k in range(3)
    )
    x, y, z = (np.sqrt(_dot(side, side)) for side in (a, b, c))
    crossed = [b[i - 2] * c[i - 1] - b[i - 1] * c[i - 2] for i in range(3)]
    rest = x * y * z + _dot(a, b) * z + _dot(b, c) * x + _dot(c, a) * y
    return 2 * np.arctan2(_dot(a, crossed), rest)


def _dot(a: list[np.ndarray], b: list[np.ndarray]) -> np.ndarray:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _on_faces(corners: np.ndarray, count: int, rng: np.random.Generator) -> Points:
    """Draw points of the surface, and move them a little."""
    points = on_surface(corners, count, rng)
    return points + NEAR * rng.standard_normal((count, 3))


def on_surface(corners: np.ndarray, count: int, rng: np.random.Generator) -> Points:
    """Draw points of a mesh, as dense everywhere.

    Parameters
    ----------
    corners : array, shape (faces, 3, 3)
        Of triangles, whose areas are not all zero.
    count : int
        Points.
    rng : numpy.random.Generator
        What draws them.
    """
    edges = corners[:, 1:] - corners[:, :1]
    areas = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    chosen = rng.choice(len(corners), count, p=areas / areas.sum())
    weights = rng.dirichlet(np.ones(3), count)
    return np.einsum("nk,nki->ni", weights, corners[chosen])


def _flipping(
    inside: Callable[[Points], np.ndarray], count: int, rng: np.random.Generator
) -> Points:
    """Draw points that a small step takes into the solid or out of it."""
    found = np.zeros((0, 3))
    while len(found) < count:
        points = rng.uniform(-1, 1, (8 * count, 3))
        moved = points + NEAR * rng.standard_normal(points.shape)
        found = np.concatenate([found, points[inside(points) != inside(moved)]])
    return found[:count]


def _carved(points: Points) -> np.ndarray:
    """Tell what is inside a cube rounded by a ball, with a bore along each axis."""
    x = np.abs(points)
    radii = np.sqrt((points**2).sum(axis=1, keepdims=True) - points**2)
    return (
        (x.max(axis=1) < 0.6)
        & ((points**2).sum(axis=1) < 0.8**2)
        & (radii.min(axis=1) > 0.35)
    )


def _knot(points: Points) -> np.ndarray:
    """Tell what is inside a tube around the trefoil that runs on a torus."""
    t = np.linspace(0, 2 * np.pi, SEGMENTS, endpoint=False)
    ring = 0.55 + 0.22 * np.cos(3 * t)
    curve = np.stack([ring * np.cos(2 * t), ring * np.sin(2 * t), 0.22 * np.sin(3 * t)])
    return cKDTree(curve.T).query(points)[0] < 0.12


WRITTEN_OUT = {"carved": _carved, "knot": _knot}
