"""Cameras, rays and the traced scene, against projective geometry."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from studies.models.nerf import render_rays
from studies.scenes.rendering import pixel_centres, project, psnr, rays, ssim, to_ndc
from studies.scenes.traced import CENTRES, RADII, analytic, look_at, trace

EYE = torch.tensor([1.0, -3.0, 2.0], dtype=torch.float64)
POSE = look_at(EYE, torch.tensor([0.2, 0.1, 0.0], dtype=torch.float64))
CAMERA = (40.0, 24, 32)  # focal length, height, width


def by_matrices(points, pose, focal, height, width):
    """Return places by the textbook's K [R | t] with y down and z ahead."""
    flip = np.diag([1.0, -1.0, -1.0])
    world = np.vstack([pose.numpy(), [0, 0, 0, 1]])
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    homogeneous = np.hstack([points.numpy(), np.ones((len(points), 1))])
    x, y, z = K @ flip @ (np.linalg.inv(world) @ homogeneous.T)[:3]
    return np.stack([y / z, x / z], axis=1)


def hits(camera_pose):
    origins, directions = rays(pixel_centres(*CAMERA[1:]), camera_pose, *CAMERA)
    distance, _ = trace(origins, directions)
    return origins + distance[:, None] * directions, distance.isfinite()


def test_points_of_the_traced_scene_reproject_to_their_pixels():
    points, seen = hits(POSE)
    assert 100 < int(seen.sum()) < len(seen)
    places = pixel_centres(*CAMERA[1:])[seen]
    assert_close(project(points[seen], POSE, *CAMERA)[0], places, atol=1e-4, rtol=0)
    other = by_matrices(points[seen], POSE, *CAMERA)
    assert np.abs(other - places.numpy()).max() < 1e-4


def test_another_camera_sees_the_same_points_unless_they_are_hidden():
    points, seen = hits(POSE)
    points = points[seen]
    eye = torch.tensor([-2.0, -3.0, 2.5], dtype=torch.float64)
    second = look_at(eye, torch.zeros(3, dtype=torch.float64))
    places, depth = project(points, second, *CAMERA)
    assert np.abs(by_matrices(points, second, *CAMERA) - places.numpy()).max() < 1e-4
    origins, directions = rays(places, second, *CAMERA)
    distance, _ = trace(origins, directions)
    assert bool((distance <= depth + 1e-9).all())  # nothing shines through
    assert float((distance > depth - 1e-9).double().mean()) > 0.5


def test_what_is_hit_lies_on_a_sphere_or_the_floor():
    points, seen = hits(POSE)
    to_spheres = ((points[:, None] - CENTRES).norm(dim=2) - RADII).abs()
    gap = torch.minimum(to_spheres.min(dim=1).values, points[:, 2].abs())
    assert float(gap[seen].max()) < 1e-12


def test_the_scene_is_white_far_out_and_coloured_in_the_middle():
    views = analytic(16, views=9, samples=2)
    assert views.held_out == (0, 8)
    assert bool((views.images[:, 0] == 255).all())
    assert bool((views.images[:, 8, 8] < 255).any(dim=1).all())
    R = views.poses[:, :, :3]
    assert_close(R.mT @ R, torch.eye(3, dtype=R.dtype).expand_as(R))


def test_ndc_rays_pass_where_the_perspective_map_puts_their_points():
    focal, height, width = CAMERA
    pose = look_at(
        torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64),
        torch.tensor([0.15, -0.1, -4.0], dtype=torch.float64),
    )
    origins, directions = rays(pixel_centres(height, width), pose, *CAMERA)
    bent_origins, bent = to_ndc(origins, directions, *CAMERA)
    # The z-buffer's map for near 1 and far infinity, of points from near to far.
    shift = -(1 + origins[:, 2:]) / directions[:, 2:]
    for t in (0.0, 0.5, 3.0, 1e6):
        p = origins + (shift + t) * directions
        expected = torch.stack(
            [
                -2 * focal / width * p[:, 0] / p[:, 2],
                -2 * focal / height * p[:, 1] / p[:, 2],
                1 + 2 / p[:, 2],
            ],
            dim=1,
        )
        z = origins[:, 2:] + shift * directions[:, 2:]
        share = 1 - z / (z + t * directions[:, 2:])
        assert_close(bent_origins + share * bent, expected, rtol=1e-9, atol=1e-9)


class Wall(nn.Module):
    """Opaque behind world depth 3, coloured by where it is hit."""

    def __init__(self, to_world):
        super().__init__()
        self.to_world = to_world

    def forward(self, points, _directions):
        world = self.to_world(points)
        density = torch.where(world[:, 2] < -3, 1e6, 0.0)
        return torch.cat([world, density[:, None]], dim=1)


def test_a_wall_looks_the_same_through_ndc_and_directly():
    focal, height, width = CAMERA
    eye = torch.zeros(3, dtype=torch.float64)
    pose = torch.cat([torch.eye(3, dtype=torch.float64), eye[:, None]], dim=1)
    origins, directions = rays(pixel_centres(height, width), pose, *CAMERA)

    def from_ndc(q):
        z = 2 / (q[:, 2] - 1).clamp(max=-1e-9)
        x = -q[:, 0] * z * width / (2 * focal)
        y = -q[:, 1] * z * height / (2 * focal)
        return torch.stack([x, y, z], dim=1)

    sampled = {"num_coarse": 2000, "num_fine": 8}
    wall = Wall(lambda points: points)
    direct = render_rays((wall, wall), origins, directions, 1.0, 6.0, **sampled)[1]
    bent = to_ndc(origins, directions, *CAMERA)
    wall = Wall(from_ndc)
    through = render_rays((wall, wall), *bent, 0.0, 1.0, views=directions, **sampled)[1]
    # Samples are 5/2000 of depth apart, and the sigmoid's slope is at most 1/4.
    assert_close(through["colour"], direct["colour"], atol=4e-3, rtol=0)
    assert float(direct["colour"].std()) > 0.05


def test_psnr_and_ssim_know_their_extremes():
    image = torch.rand(16, 16, 3, generator=torch.Generator().manual_seed(0))
    assert psnr(image, image + 0.01) == pytest.approx(40, abs=1e-4)
    assert ssim(image, image) == pytest.approx(1)
    assert ssim(image, 1 - image) < 0
