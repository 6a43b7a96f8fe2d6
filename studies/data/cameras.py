"""Photographs with known cameras: LLFF folders and Blender's transforms.json."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from condlab.errors import missing_extra
from studies.scenes.traced import Views, analytic

BOUNDS = "poses_bounds.npy"
TRANSFORMS = "transforms_{}.json"
HOLD_OUT = 8  # LLFF: every eighth view is for testing
ROW = 17  # numbers a view: 3 x 5 of pose, height, width, focal; two depths


def load(name: str, data_dir: Path | None = None, *, factor: int = 16) -> Views:
    """Return the views of a scene: "analytic", or a folder that `find` finds.

    Raises
    ------
    ValueError
        If there is none of that name, or a file of it is damaged.
    """
    if name == "analytic":
        return analytic()
    folder = find(name, data_dir)
    if folder is None:
        raise ValueError(
            f"the scene {name!r} is read from files: say with --data where a folder "
            f"{name} or llff/{name} is"
        )
    if (folder / BOUNDS).exists():
        return read_llff(folder, factor)
    return read_blender(folder)


def find(name: str, data_dir: Path | None) -> Path | None:
    """Return the folder of a scene in LLFF's or Blender's layout, if there is one."""
    if data_dir is None:
        return None
    marks = (BOUNDS, TRANSFORMS.format("train"))
    parents = ("", "llff", "nerf_llff_data", "nerf_synthetic")
    for folder in (data_dir / parent / name for parent in parents):
        if any((folder / mark).exists() for mark in marks):
            return folder
    return None


def read_llff(folder: Path, factor: int) -> Views:
    """Return a forward-facing scene, scaled and recentred as NeRF's code does it.

    The nearest depth becomes 4/3, so that all lies behind the near plane of NDC at 1;
    the mean camera becomes the origin.

    Parameters
    ----------
    folder : pathlib.Path
        With ``poses_bounds.npy`` and ``images_FACTOR``; 1 is plain ``images``.
    factor : int
        By which the images were made smaller.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or not what its name says.
    """
    table = _bounds(folder / BOUNDS)
    where = folder / ("images" if factor == 1 else f"images_{factor}")
    files = sorted(p for p in where.glob("*") if p.suffix.lower() in (".png", ".jpg"))
    if len(files) != len(table):
        raise ValueError(
            f"{where} must have an image for each of the {len(table)} views of "
            f"{folder / BOUNDS}, got {len(files)}"
        )
    images = _stack([_image(file)[..., :3] for file in files], files)
    matrices = table[:, :15].reshape(-1, 3, 5)
    height, width, focal = matrices[0, :, 4]
    _require_shape(images, height / factor, width / factor, where)
    # LLFF's axes are down, right, back; ours right, up, back.
    axes = [matrices[:, :, 1], -matrices[:, :, 0], matrices[:, :, 2]]
    scale = 1 / (0.75 * table[:, 15:].min())
    poses = np.stack([*axes, scale * matrices[:, :, 3]], axis=2)
    return Views(
        folder.name,
        images,
        torch.from_numpy(_recentred(poses)),
        float(focal) * images.shape[2] / float(width),
        0.0,
        1.0,
        tuple(range(0, len(files), HOLD_OUT)),
        ndc=True,
    )


def _bounds(path: Path) -> np.ndarray:
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: LLFF folders have one")
    try:
        table = np.load(path, allow_pickle=False).astype(np.float64)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is no whole array: {error}") from error
    if table.ndim != 2 or table.shape[1] != ROW or not len(table):
        raise ValueError(
            f"{path} must have {ROW} numbers for each view, got shape {table.shape}"
        )
    wrong = ~np.isfinite(table).all(axis=1) | (table[:, 15] <= 0)
    rotations = table[:, :15].reshape(-1, 3, 5)[:, :, :3]
    grams = np.swapaxes(rotations, 1, 2) @ rotations
    wrong |= np.abs(grams - np.eye(3)).max(axis=(1, 2)) > 1e-3
    if wrong.any():
        view = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{path}: row {view} is no camera: it needs a rotation, finite numbers and "
            "positive depths"
        )
    return table


def _recentred(poses: np.ndarray) -> np.ndarray:
    """Return poses as the mean camera sees them."""
    back = _unit(poses[:, :, 2].sum(axis=0))
    right = _unit(np.cross(poses[:, :, 1].sum(axis=0), back))
    R = np.stack([right, np.cross(back, right), back], axis=1)
    centre = poses[:, :, 3].mean(axis=0)
    moved = np.concatenate([poses[:, :, :3], poses[:, :, 3:] - centre[:, None]], axis=2)
    return R.T @ moved


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)


def read_blender(folder: Path) -> Views:
    """Return a scene of ``transforms_train.json`` and ``transforms_test.json``.

    Images with transparency are put before white.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or not what its name says.
    """
    parts = [_frames(folder / TRANSFORMS.format(part)) for part in ("train", "test")]
    angles = {angle for angle, _, _ in parts}
    if len(angles) > 1:
        raise ValueError(f"{folder}: camera_angle_x must be one, got {sorted(angles)}")
    files = [file for _, names, _ in parts for file in names]
    images = _stack([_on_white(_image(file)) for file in files], files)
    poses = np.concatenate([found for _, _, found in parts])
    first = len(parts[0][1])
    return Views(
        folder.name,
        images,
        torch.from_numpy(poses),
        images.shape[2] / (2 * math.tan(angles.pop() / 2)),
        2.0,
        6.0,
        tuple(range(first, len(files))),
        background=1.0,
    )


def _frames(path: Path) -> tuple[float, list[Path], np.ndarray]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        angle, frames = float(content["camera_angle_x"]), content["frames"]
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON at offset {error.pos}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must give camera_angle_x and frames") from error
    if not (0 < angle < math.pi and frames):
        raise ValueError(f"{path} needs frames and an angle from 0 to pi, got {angle}")
    poses = np.stack([_matrix(path, i, frame) for i, frame in enumerate(frames)])
    names = [path.parent / str(frame["file_path"]) for frame in frames]
    return angle, [n if n.suffix else n.with_suffix(".png") for n in names], poses


def _matrix(path: Path, i: int, frame: Mapping[str, object]) -> np.ndarray:
    try:
        pose = np.asarray(frame["transform_matrix"], dtype=np.float64)[:3]
        gram = pose[:, :3].T @ pose[:, :3]
        right = pose.shape == (3, 4) and np.abs(gram - np.eye(3)).max() < 1e-3
        right &= "file_path" in frame
    except (KeyError, TypeError, ValueError, IndexError):
        right = False
    if not right:
        raise ValueError(
            f"{path}: frame {i} needs a file_path and a transform_matrix of 4 x 4 "
            "numbers that begins with a rotation"
        )
    return pose


def _image(path: Path) -> np.ndarray:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise missing_extra("pillow", "studies", "reading images") from error
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing")
    try:
        with Image.open(path) as image:
            alpha = "A" in image.getbands()
            return np.array(image.convert("RGBA" if alpha else "RGB"))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} is no whole image: {error}") from error


def _on_white(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[2] == 3:
        return pixels
    share = pixels[..., 3:] / 255
    return (pixels[..., :3] * share + 255 * (1 - share)).round().astype(np.uint8)


def _stack(images: list[np.ndarray], files: list[Path]) -> Tensor:
    for image, file in zip(images, files, strict=True):
        if image.shape != images[0].shape:
            raise ValueError(
                f"{file} must be {images[0].shape[:2]} like {files[0].name}, got "
                f"{image.shape[:2]}"
            )
    return torch.from_numpy(np.stack(images))


def _require_shape(images: Tensor, height: float, width: float, where: Path) -> None:
    _, h, w, _ = images.shape
    if abs(h - height) > 1.5 or abs(w - width) > 1.5:
        raise ValueError(
            f"{where}: images must be about {height:.0f} x {width:.0f}, as "
            f"{BOUNDS} says, got {h} x {w}"
        )
