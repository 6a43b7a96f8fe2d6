"""ImageNet's layout: a folder a class, read as images are asked for.

Only paths and labels are held. References: O. Russakovsky et al., "ImageNet large scale
visual recognition challenge", IJCV 115(3), 2015; crops of C. Szegedy et al., "Going
deeper with convolutions", CVPR 2015.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from condlab.errors import missing_extra

EXTENSIONS = (".jpeg", ".jpg", ".png")
TESTS = ("val", "validation", "test")
AREAS, RATIOS = (0.08, 1.0), (3 / 4, 4 / 3)  # of random crops
RIM = 256 / 224  # how much larger a test image is made before its centre is taken
READERS = 8  # threads; decoding lets go of Python's lock
Box = tuple[float, float, float, float]  # left, upper, right and lower


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Images on disk.

    Parameters
    ----------
    paths : tuple of pathlib.Path
        Of the files.
    labels : Tensor of int64, shape (n,)
        Their classes.
    """

    paths: tuple[Path, ...]
    labels: Tensor

    def read(
        self, chosen: Sequence[int], side: int, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return images as bytes, shape (len(chosen), 3, side, side).

        Their centres, or with a generator random crops, mirrored or not.

        Raises
        ------
        ValueError
            If a file is no image; the message names it.
        """
        crops: list[tuple[float, ...] | None] = [None] * len(chosen)
        if generator is not None:
            draws = torch.rand(
                (len(chosen), 5), generator=generator, dtype=torch.float64
            )
            crops = [tuple(row) for row in draws.tolist()]
        jobs = [(self.paths[i], side, c) for i, c in zip(chosen, crops, strict=True)]
        with ThreadPoolExecutor(READERS) as pool:
            pixels = list(pool.map(lambda job: decode(*job), jobs))
        return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Streamed:
    """A data set of which one batch at a time is in memory."""

    name: str
    train: Part
    test: Part
    num_classes: int
    side: int = 224
    channels: int = 3


def read(name: str, folder: Path, side: int = 224) -> Streamed:
    """Return a data set in ImageNet's layout.

    Parameters
    ----------
    name : str
        Of the data set, and of a folder within `folder`, which may be it as well.
    folder : pathlib.Path
        Where ``train/CLASS/*.JPEG`` and ``val/CLASS/*.JPEG`` are.
    side : int
        Of the square images that are made.

    Raises
    ------
    FileNotFoundError
        If a part is not there or has no images.
    ValueError
        If the test part has a class that the training part has not.
    """
    root = next((p for p in (folder / name, folder) if (p / "train").is_dir()), None)
    if root is None:
        raise FileNotFoundError(
            f"{folder} has neither {name}/train nor train, with a folder for each class"
        )
    test = next((root / t for t in TESTS if (root / t).is_dir()), root / TESTS[0])
    classes = _classes(root / "train")
    extra = sorted(set(_classes(test)) - set(classes))
    if extra:
        raise ValueError(
            f"{test} must have the classes of {root / 'train'}, got also {extra[0]}"
        )
    parts = [_part(place, classes) for place in (root / "train", test)]
    return Streamed(name, parts[0], parts[1], len(classes), side)


def _classes(folder: Path) -> list[str]:
    return (
        sorted(p.name for p in folder.iterdir() if p.is_dir())
        if folder.is_dir()
        else []
    )


def _part(folder: Path, classes: list[str]) -> Part:
    paths, labels = [], []
    for label, name in enumerate(classes):
        inner = folder / name
        files = sorted(inner.iterdir()) if inner.is_dir() else []
        own = [path for path in files if path.suffix.lower() in EXTENSIONS]
        paths += own
        labels += [label] * len(own)
    if not paths:
        raise FileNotFoundError(f"{folder} has no images in folders of classes")
    return Part(tuple(paths), torch.tensor(labels))


def decode(path: Path, side: int, draw: tuple[float, ...] | None) -> np.ndarray:
    """Return an image as bytes, shape (side, side, 3): its centre, or a drawn crop."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise missing_extra("pillow", "studies", "decoding JPEG files") from error
    try:
        with Image.open(path) as image:
            whole = image.convert("RGB")
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} is no image: {error}") from error
    box = _centre(whole.size) if draw is None else _crop(whole.size, draw)
    made = whole.resize((side, side), Image.Resampling.BILINEAR, box)
    pixels = np.asarray(made)
    return pixels[:, ::-1] if draw is not None and draw[4] < 0.5 else pixels


def _centre(size: tuple[int, int]) -> Box:
    """Return the central square of the image less its rim."""
    width, height = size
    reach = min(size) / RIM / 2
    return (
        width / 2 - reach, height / 2 - reach, width / 2 + reach, height / 2 + reach
    )  # fmt: skip


def _crop(size: tuple[int, int], draw: tuple[float, ...]) -> Box:
    """Return a box of a random share of the area and a random shape, within."""
    width, height = size
    area = (AREAS[0] + (AREAS[1] - AREAS[0]) * draw[0]) * width * height
    low, high = map(math.log, RATIOS)
    ratio = math.exp(low + (high - low) * draw[1])
    across = min(width, math.sqrt(area * ratio))
    down = min(height, math.sqrt(area / ratio))
    left, top = draw[2] * (width - across), draw[3] * (height - down)
    return left, top, left + across, top + down
