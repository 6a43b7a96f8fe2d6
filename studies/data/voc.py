"""PASCAL VOC's layout: images, and the class of every pixel as a PNG with a palette.

References
----------
.. [1] M. Everingham et al., "The PASCAL visual object classes challenge: a
   retrospective", IJCV 111(1), 2015.
.. [2] B. Hariharan et al., "Semantic contours from inverse detectors", ICCV 2011, which
   annotates more images for training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from condlab.errors import missing_extra

if TYPE_CHECKING:
    from PIL.Image import Image

CLASSES = 21  # the background first
IGNORED = 255  # the label of pixels that are of no class, as at the rims of objects
PLACES = (".", "VOC2012", "VOCdevkit/VOC2012")  # and the same in "voc"
LISTS = Path("ImageSets/Segmentation")
# Lists to train with and where their masks are: the one with more annotations first.
TRAIN = (
    ("trainaug.txt", "SegmentationClassAug"),
    ("train_aug.txt", "SegmentationClassAug"),
    ("train.txt", "SegmentationClass"),
)
SCALES = (0.5, 2.0)  # of random crops

Pair = tuple[np.ndarray, np.ndarray]  # an image (h, w, 3) and its labels (h, w)


@dataclass(frozen=True, slots=True)
class Part:
    """Images and their masks, on disk."""

    images: tuple[Path, ...]
    masks: tuple[Path, ...]

    def read(
        self, chosen: Sequence[int], side: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return images as bytes, shape (n, 3, side, side), and labels.

        Whole ones, their upper left where they are larger; or with a generator crops
        of images made smaller or larger, mirrored or not. What lies outside an image
        is black, and its label is `IGNORED`.

        Raises
        ------
        ValueError
            If a file is no image, or a mask not one of this image; the message says
            which.
        """
        draws: list[list[float] | None] = [None] * len(chosen)
        if generator is not None:
            drawn = torch.rand((len(chosen), 4), generator=generator)
            draws = list(drawn.tolist())
        pairs = [
            _window(*_pair(self.images[i], self.masks[i], draw), side, draw)
            for i, draw in zip(chosen, draws, strict=True)
        ]
        pixels, labels = (np.stack(column) for column in zip(*pairs, strict=True))
        return (
            torch.from_numpy(pixels).permute(0, 3, 1, 2),
            torch.from_numpy(labels.astype(np.int64)),
        )


def read(folder: Path) -> tuple[Part, Part]:
    """Return the parts to train and to test with.

    Parameters
    ----------
    folder : pathlib.Path
        With ``JPEGImages``, ``SegmentationClass`` and ``ImageSets/Segmentation``, or
        where ``VOC2012`` or ``VOCdevkit/VOC2012`` is. With ``SegmentationClassAug``
        and ``trainaug.txt`` it is trained on those.

    Raises
    ------
    FileNotFoundError
        If a folder, a list or a file that a list names is not there.
    ValueError
        If a list is empty.
    """
    roots = [f / place for f in (folder, folder / "voc") for place in PLACES]
    root = next((r for r in roots if (r / "JPEGImages").is_dir()), None)
    if root is None:
        raise FileNotFoundError(
            f"{folder} has no folder JPEGImages, nor has VOC2012 or VOCdevkit/VOC2012 "
            "there"
        )
    there = [(root / LISTS / names, root / masks) for names, masks in TRAIN]
    train = next((t for t in there if t[0].is_file() and t[1].is_dir()), there[-1])
    return (
        _part(root, *train),
        _part(root, root / LISTS / "val.txt", root / "SegmentationClass"),
    )


def _part(root: Path, listed: Path, masks: Path) -> Part:
    if not listed.is_file():
        raise FileNotFoundError(f"{listed} is missing: the images' names, one a line")
    names = listed.read_text(encoding="utf-8").split()
    if not names:
        raise ValueError(f"{listed} must name images, one a line; it is empty")
    images = tuple(root / "JPEGImages" / f"{name}.jpg" for name in names)
    pngs = tuple(masks / f"{name}.png" for name in names)
    for path in (*images, *pngs):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing, which {listed} names")
    return Part(images, pngs)


def _pair(image: Path, mask: Path, draw: list[float] | None) -> Pair:
    """Return an image and its labels, scaled by what was drawn."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise missing_extra("pillow", "studies", "decoding images") from error
    picture, truth = _open(image).convert("RGB"), _open(mask)
    if truth.mode not in ("P", "L"):
        raise ValueError(
            f"{mask} must hold a class a pixel, as a PNG with a palette does or one "
            f"of bytes; its mode is {truth.mode}"
        )
    if truth.size != picture.size:
        raise ValueError(
            f"{mask} must have the size of its image, {picture.size}, got {truth.size}"
        )
    found = np.unique(np.asarray(truth))
    wrong = found[(found >= CLASSES) & (found != IGNORED)]
    if len(wrong):
        raise ValueError(
            f"{mask} must hold classes, 0 to {CLASSES - 1}, or {IGNORED} for none, got "
            f"{wrong[0]}"
        )
    if draw is not None:
        scale = SCALES[0] + (SCALES[1] - SCALES[0]) * draw[0]
        size = tuple(max(1, round(scale * x)) for x in picture.size)
        picture = picture.resize((size[0], size[1]), Image.Resampling.BILINEAR)
        truth = truth.resize((size[0], size[1]), Image.Resampling.NEAREST)
    return np.asarray(picture), np.asarray(truth)


def _open(path: Path) -> Image:
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} is no image: {error}") from error


def _window(
    pixels: np.ndarray, labels: np.ndarray, side: int, draw: list[float] | None
) -> Pair:
    """Return a square of an image and of its labels."""
    height, width = labels.shape
    place = (0.0, 0.0) if draw is None else (draw[1], draw[2])
    top, left = (
        int(share * (max(0, length - side) + 1))
        for share, length in zip(place, (height, width), strict=True)
    )
    made = np.zeros((side, side, 3), np.uint8)
    known = np.full((side, side), IGNORED, np.uint8)
    part = (slice(top, top + side), slice(left, left + side))
    inner = labels[part].shape
    made[: inner[0], : inner[1]] = pixels[part]
    known[: inner[0], : inner[1]] = labels[part]
    if draw is not None and draw[3] < 0.5:
        return made[:, ::-1], known[:, ::-1]
    return made, known
