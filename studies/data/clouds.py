"""Clouds of points with their classes, and ModelNet's layout.

References
----------
.. [1] Z. Wu et al., "3D ShapeNets: a deep representation for volumetric shapes", CVPR
   2015.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studies.data import meshes

PLACES = (".", "ModelNet40", "modelnet40", "ModelNet10")
PARTS = ("train", "test")

Part = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Clouds:
    """Clouds with their classes.

    Parameters
    ----------
    train, test : (Tensor, Tensor)
        Points, float32 of shape (n, 3, points), within the unit ball; and classes.
    num_classes : int
        How many there are.
    channels : int
        Numbers a point.
    """

    train: Part
    test: Part
    num_classes: int
    channels: int = 3


def in_ball(points: np.ndarray) -> np.ndarray:
    """Return clouds, shape (..., n, 3), each moved and scaled into the unit ball."""
    centred = points - points.mean(axis=-2, keepdims=True)
    reach = np.linalg.norm(centred, axis=-1).max(axis=-1)
    return centred / np.where(reach > 0, reach, 1)[..., None, None]


def as_part(clouds: Iterable[np.ndarray], labels: Iterable[int]) -> Part:
    """Return clouds, each of shape (n, 3), and their classes as tensors."""
    points = torch.from_numpy(np.stack(list(clouds))).float()
    return points.transpose(1, 2).contiguous(), torch.tensor(list(labels))


def corners_of(path: Path) -> np.ndarray:
    """Return the corners of a mesh's triangles, shape (faces, 3, 3).

    Raises
    ------
    ValueError
        If the file is damaged, or has no triangle with an area.
    """
    vertices, faces = meshes.read(path, closed=False)
    corners = vertices[faces]
    edges = corners[:, 1:] - corners[:, :1]
    if not np.cross(edges[:, 0], edges[:, 1]).any():
        raise ValueError(f"{path} must have a triangle with an area, to draw points of")
    return corners


def modelnet(folder: Path) -> tuple[list[str], dict[str, list[tuple[Path, int]]]]:
    """Return the classes of ModelNet's layout, and files with classes by part.

    Parameters
    ----------
    folder : pathlib.Path
        With ``CLASS/train/*.off`` and ``CLASS/test/*.off``, or where ``ModelNet40`` is.

    Raises
    ------
    FileNotFoundError
        If there is no such class, or a part has no file.
    """
    found: list[str] = []
    root = folder
    for root in (folder / place for place in PLACES):
        found = sorted({path.parts[-3] for path in root.glob("*/train/*.off")})
        if found:
            break
    if not found:
        raise FileNotFoundError(
            f"{folder} has no folders CLASS/train and CLASS/test with files .off, nor "
            "has ModelNet40 there"
        )
    files = {
        part: [
            (path, label)
            for label, name in enumerate(found)
            for path in sorted((root / name / part).glob("*.off"))
        ]
        for part in PARTS
    }
    for part, own in files.items():
        if not own:
            raise FileNotFoundError(f"{root} has no files CLASS/{part}/*.off")
    return found, files
