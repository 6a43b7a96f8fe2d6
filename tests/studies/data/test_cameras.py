"""LLFF and Blender folders in their publishers' formats, and the fern if given."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d, grid_sample
from torch.testing import assert_close

from studies.data.cameras import find, load, read_blender, read_llff
from studies.scenes.rendering import pixel_centres, project, rays
from tests.studies.stand_ins import turn, write_llff

RNG = np.random.default_rng(0)
DATA = os.environ.get("CONDLAB_DATA")


def test_llff_is_read_scaled_recentred_and_in_order(tmp_path):
    write_llff(tmp_path / "fern")
    views = load("fern", tmp_path, factor=2)
    assert views.held_out == (0, 8)
    assert views.images[:, 0, 0, 0].tolist() == list(range(9))
    assert views.focal == 20.0
    assert_close(views.poses[:, :, 3].mean(dim=0), torch.zeros(3, dtype=torch.float64))
    # The nearest depth, 2, becomes 4/3: so do all lengths.
    step = views.poses[1, :, 3] - views.poses[0, :, 3]
    assert_close(float(step.norm()), math.hypot(0.1, 0.03) * 2 / 3)
    assert_close(views.poses[4, :, :3], torch.eye(3, dtype=torch.float64))
    assert_close(views.poses[6, :, :3], torch.from_numpy(turn(0.04)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:, :16], r"poses_bounds.npy must have 17 numbers"),
        (lambda rows: rows * [*[2] * 15, 1, 1], r"row 0 is no camera"),
        (lambda rows: rows * [*[1] * 15, -1, 1], r"row 0 is no camera"),
        (lambda rows: rows[:-1], r"an image for each of the 8 views.*got 9"),
    ],
)
def test_llff_cameras_that_are_none_are_refused(tmp_path, change, message):
    rows = write_llff(tmp_path)
    np.save(tmp_path / "poses_bounds.npy", change(rows))
    with pytest.raises(ValueError, match=message):
        read_llff(tmp_path, 2)


def test_llff_images_of_another_size_are_refused(tmp_path):
    write_llff(tmp_path)
    (tmp_path / "images_2").rename(tmp_path / "images_4")
    with pytest.raises(ValueError, match=r"must be about 6 x 8.*got 12 x 16"):
        read_llff(tmp_path, 4)


def test_truncated_files_are_refused_by_name(tmp_path):
    write_llff(tmp_path)
    image = tmp_path / "images_2" / "v003.png"
    image.write_bytes(image.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"v003.png is no whole image"):
        read_llff(tmp_path, 2)
    bounds = tmp_path / "poses_bounds.npy"
    bounds.write_bytes(bounds.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"poses_bounds.npy is no whole array"):
        read_llff(tmp_path, 2)


def write_blender(folder):
    folder.mkdir(parents=True)
    for part, count in (("train", 3), ("test", 1)):
        (folder / part).mkdir()
        frames = []
        for i in range(count):
            pose = np.eye(4)
            pose[:3, 3] = [0, i, 4]
            frames.append(
                {"file_path": f"./{part}/r_{i}", "transform_matrix": pose.tolist()}
            )
            pixels = np.full((8, 8, 4), 100, dtype=np.uint8)
            pixels[0, 0, 3] = 0
            Image.fromarray(pixels, "RGBA").save(folder / part / f"r_{i}.png")
        content = {"camera_angle_x": 2 * math.atan(0.5), "frames": frames}
        (folder / f"transforms_{part}.json").write_text(json.dumps(content))
    return content


def test_blender_is_read_before_white_with_its_own_test_views(tmp_path):
    write_blender(tmp_path / "nerf_synthetic" / "lego")
    views = load("lego", tmp_path)
    assert views.held_out == (3,)
    assert views.focal == pytest.approx(8.0)  # half of 8 pixels at a slope of 1/2
    assert views.images[0, 0, 0].tolist() == [255, 255, 255]
    expected = round(100 * 100 / 255 + 155)
    assert views.images[0, 1, 1].tolist() == [expected] * 3
    assert views.poses[:, 1, 3].tolist() == [0, 1, 2, 0]


def test_damaged_transforms_are_refused_with_frame_or_offset(tmp_path):
    content = write_blender(tmp_path / "lego")
    path = tmp_path / "lego" / "transforms_test.json"
    content["frames"][0]["transform_matrix"][0] = [2, 0, 0, 0]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"transforms_test.json: frame 0 needs"):
        read_blender(tmp_path / "lego")
    path.write_text('{"camera_angle_x": ')
    with pytest.raises(ValueError, match=r"transforms_test.json is no JSON at offset"):
        read_blender(tmp_path / "lego")


def test_a_scene_that_is_not_there_says_where_it_was_looked_for(tmp_path):
    assert find("fern", None) is None
    with pytest.raises(ValueError, match=r"'fern' is read from files.*--data"):
        load("fern", tmp_path)


def plane_sweep(views, poses, view=11, planes=32, window=5):
    """Return the mean squared difference of colours at each pixel's best depth."""
    images = avg_pool2d(views.images.double().permute(0, 3, 1, 2) / 255, 2)
    height, width = images.shape[2:]
    camera = (views.focal / 2, height, width)
    origins, directions = rays(pixel_centres(height, width), poses[view], *camera)
    best = torch.tensor(torch.inf, dtype=torch.float64)
    for inverse in torch.linspace(0.04, 0.83, planes, dtype=torch.float64):
        points = origins + directions / inverse
        cost = torch.zeros((), dtype=torch.float64)
        for other in set(range(len(poses))) - {view}:
            places, _ = project(points, poses[other], *camera)
            grid = 2 * places.flip(1) / torch.tensor([width, height]) - 1
            seen = grid_sample(
                images[other : other + 1],
                grid.reshape(1, height, width, 2),
                align_corners=False,
                padding_mode="border",
            )
            cost = cost + (seen - images[view]).square().mean(dim=1, keepdim=True)
        best = torch.minimum(best, avg_pool2d(cost, window, 1))
    return float(best.mean())


@pytest.mark.skipif(
    DATA is None or find("fern", Path(DATA)) is None,
    reason="set CONDLAB_DATA to a folder with LLFF's fern",
)
def test_the_ferns_poses_agree_with_its_photographs():
    views = load("fern", Path(DATA))
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    shuffled = plane_sweep(views, views.poses[order])
    assert shuffled > 3 * plane_sweep(views, views.poses)
