"""Closed triangle meshes from ``.npz``, ``.obj``, ``.off`` and ``.ply`` files."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from studies.data import ply

EXTENSIONS = (".npz", ".obj", ".off", ".ply")
MARGIN = 0.8  # half the side of the cube that a mesh is made to fill

Mesh = tuple[np.ndarray, np.ndarray]  # vertices (v, 3) and faces (f, 3)


def find(name: str, folder: Path | None) -> Path | None:
    """Return the file of a mesh by its path or its name in a folder, or None."""
    if Path(name).suffix.lower() in EXTENSIONS and Path(name).is_file():
        return Path(name)
    if folder is None:
        return None
    places = [
        place / f"{name}{e}"
        for e in EXTENSIONS
        for place in (folder, folder / "meshes")
    ]
    return next((path for path in places if path.is_file()), None)


def read(path: Path, *, closed: bool = True) -> Mesh:
    """Return the vertices and the triangles of a mesh.

    Parameters
    ----------
    path : pathlib.Path
        ``.npz`` with arrays ``v`` and ``f``; ``.obj`` or ``.off``, as text; or
        ``.ply``, as text or bytes.
        Faces with more than three corners are cut into triangles from the first one.
    closed : bool
        Whether it must be.

    Raises
    ------
    ValueError
        If the file is damaged, names vertices that it has not, or is not closed: an
        edge of a closed mesh is run through as often one way as the other.
    """
    readers = {".npz": _npz, ".obj": _obj, ".off": _off, ".ply": _ply}
    vertices, faces = readers[path.suffix.lower()](path)
    if not (
        vertices.ndim == faces.ndim == 2
        and vertices.shape[1:] == faces.shape[1:] == (3,)
    ):
        raise ValueError(
            f"{path} must have vertices and triangles, got shapes {vertices.shape} and "
            f"{faces.shape}"
        )
    if not np.isfinite(vertices).all():
        raise ValueError(f"{path} has vertices that are not finite")
    wrong = np.flatnonzero(((faces < 0) | (faces >= len(vertices))).any(axis=1))
    if len(wrong):
        raise ValueError(
            f"{path}: face {wrong[0]} names the vertices {faces[wrong[0]].tolist()} "
            f"of {len(vertices)}"
        )
    if closed:
        _require_closed(path, faces)
    return vertices, faces


def in_cube(vertices: np.ndarray) -> np.ndarray:
    """Return vertices moved and scaled, alike in each direction, into the cube."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return (vertices - (low + high) / 2) * (2 * MARGIN / (high - low).max())


def _require_closed(path: Path, faces: np.ndarray) -> None:
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    sides = Counter(map(tuple, edges.tolist()))
    open_edges = [edge for edge, n in sides.items() if sides[edge[::-1]] != n]
    if open_edges or not len(faces):
        raise ValueError(
            f"{path} must be closed, so that it has an inside; "
            f"{len(open_edges)} edges have a face on one side only"
        )


def _npz(path: Path) -> Mesh:
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["v"].astype(np.float64), file["f"].astype(np.int64)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} must hold arrays v and f: {error}") from None


def _obj(path: Path) -> Mesh:
    vertices: list[list[float]] = []
    faces: list[list[int]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        kind, *words = line.split("#")[0].split() or [""]
        try:
            if kind == "v":
                vertices.append([float(word) for word in words[:3]])
            elif kind == "f":
                ends = [int(word.split("/")[0]) for word in words]
                # numbers count from one, and negative ones from the end
                faces += _fan([e - 1 if e > 0 else len(vertices) + e for e in ends])
        except ValueError:
            raise ValueError(f"{path}, line {number}: cannot read {line!r}") from None
    return _arrays(vertices, faces)


def _off(path: Path) -> Mesh:
    lines = path.read_text(encoding="utf-8").splitlines()
    words = [word for line in lines for word in line.split("#")[0].split()]
    if words and words[0].startswith("OFF") and words[0] != "OFF":
        words[:1] = ["OFF", words[0].removeprefix("OFF")]  # as in some of ModelNet
    try:
        words.index("OFF", 0, 1)  # an error unless it comes first
        count, face_count = int(words[1]), int(words[2])
        start = 4 + 3 * count
        vertices = np.array(words[4:start], dtype=np.float64).reshape(count, 3)
        faces: list[list[int]] = []
        for _ in range(face_count):
            ends = [int(words[start + 1 + i]) for i in range(int(words[start]))]
            faces += _fan(ends)
            start += 1 + len(ends)
    except (ValueError, IndexError):
        raise ValueError(
            f"{path} must begin with OFF and three counts, and have as many vertices "
            "and faces"
        ) from None
    return _arrays(vertices, faces)


def _ply(path: Path) -> Mesh:
    vertices, faces = ply.read(path)
    return _arrays(vertices, [triangle for face in faces for triangle in _fan(face)])


def _fan(corners: list[int]) -> list[list[int]]:
    """Return a convex face as triangles that share its first corner."""
    return [[corners[0], *corners[i : i + 2]] for i in range(1, len(corners) - 1)]


def _arrays(vertices: list[list[float]] | np.ndarray, faces: list[list[int]]) -> Mesh:
    return (
        np.asarray(vertices, dtype=np.float64).reshape(-1, 3),
        np.asarray(faces, dtype=np.int64).reshape(-1, 3),
    )
