"""Views of a scene, and one that is ray-traced on the spot, so that they are exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import normalize

from studies.scenes.rendering import pixel_centres, rays


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Photographs and where they were taken from.

    Parameters
    ----------
    name : str
        Of the scene.
    images : Tensor of uint8, shape (n, height, width, 3)
        What was seen.
    poses : Tensor of float64, shape (n, 3, 4)
        From camera to world; cameras look along -z, y is up.
    focal : float
        In pixels.
    near, far : float
        Depths between which all is; of NDC where `ndc` is set.
    held_out : tuple of int
        Views that are for testing.
    background : float
        Grey value behind the scene.
    ndc : bool
        Forward-facing cameras, to be rendered in normalised device coordinates.
    """

    name: str
    images: Tensor
    poses: Tensor
    focal: float
    near: float
    far: float
    held_out: tuple[int, ...]
    background: float = 0.0
    ndc: bool = False


CENTRES = torch.tensor(
    [[-0.5, 0.1, 0.45], [0.55, 0.35, 0.4], [0.2, -0.55, 0.3]], dtype=torch.float64
)
RADII = torch.tensor([0.45, 0.4, 0.3], dtype=torch.float64)
COLOURS = torch.tensor(
    [[0.85, 0.3, 0.2], [0.2, 0.5, 0.85], [0.95, 0.8, 0.25]], dtype=torch.float64
)
LIGHT = normalize(torch.tensor([0.4, -0.5, 0.8], dtype=torch.float64), dim=0)
FLOOR = 1.3  # radius of the disc at z = 0
DISTANCE = 4.0  # of the cameras from the origin
GOLDEN = math.pi * (3 - math.sqrt(5))


@cache
def analytic(side: int = 48, views: int = 32, samples: int = 3) -> Views:
    """Return three spheres on a chequered disc, before white, on the spot.

    Parameters
    ----------
    side : int
        Of the images, in pixels.
    views : int
        Cameras, spread over a cap above the floor; every eighth is held out.
    samples : int
        Rays a pixel, along each of its sides.

    Examples
    --------
    >>> analytic(8, views=9, samples=1).images.shape
    torch.Size([9, 8, 8, 3])
    """
    poses = torch.stack([_pose(i, views) for i in range(views)])
    focal = 1.35 * side
    images = torch.stack([_photograph(pose, focal, side, samples) for pose in poses])
    held_out = tuple(range(0, views, 8))
    return Views("analytic", images, poses, focal, 2.0, 6.0, held_out, background=1.0)


def _pose(i: int, views: int) -> Tensor:
    """Return the i-th of the cameras, which a golden spiral spreads evenly."""
    height = 0.25 + 0.6 * ((i * 5) % views) / views
    angle = GOLDEN * i
    radius = math.sqrt(1 - height**2)
    back = torch.tensor(
        [radius * math.cos(angle), radius * math.sin(angle), height],
        dtype=torch.float64,
    )
    return look_at(DISTANCE * back, torch.zeros(3, dtype=torch.float64))


def look_at(eye: Tensor, target: Tensor) -> Tensor:
    """Return the pose (3, 4) of a camera at a point that looks at another, z up."""
    back = normalize(eye - target, dim=0)
    up = torch.tensor([0.0, 0.0, 1.0], dtype=eye.dtype)
    right = normalize(torch.linalg.cross(up, back), dim=0)
    return torch.stack([right, torch.linalg.cross(back, right), back, eye], dim=1)


def _photograph(pose: Tensor, focal: float, side: int, samples: int) -> Tensor:
    fine = side * samples
    found = rays(pixel_centres(fine, fine), pose, focal * samples, fine, fine)
    _, colours = trace(*found)
    pixels = colours.unflatten(0, (side, samples, side, samples)).mean(dim=(1, 3))
    return (255 * pixels).round().to(torch.uint8)


def trace(origins: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distance to what each ray meets first, inf if nothing, and colours.

    Distances are in lengths of the direction.
    """
    spheres = _sphere_distances(origins, directions)
    floor = _floor_distances(origins, directions)
    distance, which = torch.cat([spheres, floor], dim=1).min(dim=1)
    hit = distance.isfinite()
    points = origins + torch.where(hit, distance, 0.0)[:, None] * directions
    on_floor = which == len(RADII)
    sphere = which.clamp(max=len(RADII) - 1)
    normal = normalize(points - CENTRES[sphere], dim=1)
    normal[on_floor] = torch.tensor([0.0, 0.0, 1.0], dtype=points.dtype)
    own = torch.where(on_floor[:, None], _chequers(points), COLOURS[sphere])
    shadow = _sphere_distances(points + 1e-6 * normal, LIGHT.expand_as(points))
    lit = (normal @ LIGHT).clamp(min=0) * shadow.isinf().all(dim=1)
    colours = own * (0.35 + 0.65 * lit)[:, None]
    return distance, torch.where(hit[:, None], colours, 1.0)


def _sphere_distances(origins: Tensor, directions: Tensor) -> Tensor:
    """Return the smallest positive root for each ray and sphere, inf if none."""
    offset = origins[:, None] - CENTRES
    a = directions.square().sum(dim=1, keepdim=True)
    b = (offset * directions[:, None]).sum(dim=-1)
    root = (b.square() - a * (offset.square().sum(dim=-1) - RADII**2)).sqrt()
    near = (-b - root) / a  # nan where the ray misses
    return torch.where(near > 0, near, math.inf)


def _floor_distances(origins: Tensor, directions: Tensor) -> Tensor:
    distance = -origins[:, 2:] / directions[:, 2:]
    points = origins + distance * directions
    inside = (distance > 0) & (points[:, :2].norm(dim=1, keepdim=True) < FLOOR)
    return torch.where(inside, distance, math.inf)


def _chequers(points: Tensor) -> Tensor:
    odd = (points[:, :2] / 0.4).floor().sum(dim=1).remainder(2)
    return (0.35 + 0.5 * odd)[:, None].expand(-1, 3)
