"""Rays of a camera, normalised device coordinates, and how like two images are.

Cameras look along -z, with x to the right and y up; a pose is the (3, 4) matrix from
camera to world. Pixel (i, j), row and column, has its centre at (i + 1/2, j + 1/2).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from condlab.errors import missing_extra


def pixel_centres(height: int, width: int) -> Tensor:
    """Return the (row, column) of the centres, shape (height * width, 2).

    Examples
    --------
    >>> pixel_centres(1, 2)
    tensor([[0.5000, 0.5000],
            [0.5000, 1.5000]], dtype=torch.float64)
    """
    rows, columns = (
        torch.arange(n, dtype=torch.float64) + 0.5 for n in (height, width)
    )
    return torch.cartesian_prod(rows, columns)


def rays(
    places: Tensor, pose: Tensor, focal: float, height: int, width: int
) -> tuple[Tensor, Tensor]:
    """Return origins and directions through places (row, column), shapes (n, 3).

    Directions have depth 1 along the camera's axis, as in the authors' code.
    """
    right = (places[:, 1] - width / 2) / focal
    up = (height / 2 - places[:, 0]) / focal
    local = torch.stack([right, up, -torch.ones_like(up)], dim=-1)
    directions = local @ pose[:, :3].T
    return pose[:, 3].expand_as(directions), directions


def project(
    points: Tensor, pose: Tensor, focal: float, height: int, width: int
) -> tuple[Tensor, Tensor]:
    """Return the places (row, column) where points appear, and their depths."""
    local = (points - pose[:, 3]) @ pose[:, :3]
    depth = -local[:, 2]
    row = height / 2 - focal * local[:, 1] / depth
    column = width / 2 + focal * local[:, 0] / depth
    return torch.stack([row, column], dim=-1), depth


def to_ndc(
    origins: Tensor,
    directions: Tensor,
    focal: float,
    height: int,
    width: int,
    near: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Return rays in normalised device coordinates: depth 0 is near, 1 infinity.

    For cameras that all look roughly along the world's -z.

    References
    ----------
    .. [1] B. Mildenhall et al., "NeRF: representing scenes as neural radiance fields
       for view synthesis", ECCV 2020, appendix C.
    """
    shift = -(near + origins[:, 2:]) / directions[:, 2:]
    origins = origins + shift * directions
    scale = torch.tensor([2 * focal / width, 2 * focal / height], dtype=origins.dtype)
    z = origins[:, 2:]
    start = torch.cat([-scale * origins[:, :2] / z, 1 + 2 * near / z], dim=-1)
    slopes = directions[:, :2] / directions[:, 2:] - origins[:, :2] / z
    return start, torch.cat([-scale * slopes, -2 * near / z], dim=-1)


def psnr(image: Tensor, truth: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB of values from 0 to 1.

    Examples
    --------
    >>> round(psnr(torch.full((4,), 0.6), torch.full((4,), 0.5)), 3)
    20.0
    """
    return float(-10 * torch.log10((image - truth).double().square().mean()))


def ssim(image: Tensor, truth: Tensor) -> float:
    """Return the structural similarity of images (height, width, 3) from 0 to 1."""
    try:
        from skimage.metrics import structural_similarity
    except ModuleNotFoundError as error:
        raise missing_extra("scikit-image", "studies", "SSIM") from error
    a, b = (np.asarray(x.detach().cpu().double()) for x in (image, truth))
    side = min(7, *a.shape[:2])
    window = side - 1 + side % 2  # an odd number of pixels
    return float(
        structural_similarity(a, b, channel_axis=-1, data_range=1.0, win_size=window)
    )
